"""What the plan said of an event that it kept out, in the reader's language: the collector writes it down in English."""

from __future__ import annotations

import re

from django.utils.translation import gettext

from bihuan.collect.plan.enforce import FIXES

_PLACE = re.compile(r"\\\{(\w+)\\\}")


def _pattern(sentence: str) -> re.Pattern[str]:
    """Matches the sentence with anything at its places, up to the next sentence or the end."""
    seen: set[str] = set()

    def place(found: re.Match[str]) -> str:
        name = found[1]
        if name in seen:
            return f"(?P={name})"
        seen.add(name)
        return f"(?P<{name}>.*?)"

    return re.compile(_PLACE.sub(place, re.escape(sentence)) + r"(?: (?=“)|$)", re.DOTALL)


PATTERNS = tuple((sentence, _pattern(sentence)) for sentence in FIXES.values())


def in_words(detail: str) -> str:
    """`detail` in the reader's language where it is of the plan; anything else as it is."""
    found: list[str] = []
    at = 0
    while at < len(detail):
        matches = ((sentence, pattern.match(detail, at)) for sentence, pattern in PATTERNS)
        sentence, match = next(((one, match) for one, match in matches if match), ("", None))
        if match is None:
            return detail
        found.append(gettext(sentence).format(**match.groupdict()))
        at = match.end()
    return " ".join(found)
