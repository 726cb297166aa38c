"""What the collector said of an event or a request that it did not take, in the reader's language: it writes it down in English."""

from __future__ import annotations

import re

from django.utils.translation import gettext

from bihuan.collect.plan.enforce import FIXES
from bihuan.collect.said.sentences import KINDS, SENTENCES

_PLACE = re.compile(r"\\\{(\w+)\\\}")
_BEFORE = re.compile(r"(?P<place>“[^”]*”|[\w.]+(?: \d+)?): (?P<said>.+)", re.DOTALL)  # where the mistake is, said before it
Patterns = tuple[tuple[str, re.Pattern[str]], ...]


def _pattern(sentence: str, end: str) -> re.Pattern[str]:
    """Matches the sentence with anything at its places."""
    seen: set[str] = set()

    def place(found: re.Match[str]) -> str:
        name = found[1]
        if name in seen:
            return f"(?P={name})"
        seen.add(name)
        return f"(?P<{name}>.*?)"

    return re.compile(_PLACE.sub(place, re.escape(sentence)) + end, re.DOTALL)


OF_PLAN: Patterns = tuple((sentence, _pattern(sentence, r"(?: (?=“)|$)")) for sentence in FIXES.values())  # several may follow each other
OF_REST: Patterns = tuple((sentence, _pattern(sentence, "$")) for sentence in SENTENCES)


def in_words(detail: str) -> str:
    """`detail` in the reader's language; what the collector does not say as it is."""
    return _by_plan(detail) or _alone(detail) or _behind_a_place(detail) or detail


def _by_plan(detail: str) -> str:
    found: list[str] = []
    at = 0
    while at < len(detail):
        matches = ((sentence, pattern.match(detail, at)) for sentence, pattern in OF_PLAN)
        sentence, match = next(((one, match) for one, match in matches if match), ("", None))
        if match is None:
            return ""
        found.append(gettext(sentence).format(**match.groupdict()))
        at = match.end()
    return " ".join(found)


def _alone(detail: str) -> str:
    for sentence, pattern in OF_REST:
        if match := pattern.match(detail):
            return gettext(sentence).format(
                **{name: gettext(value) if value in KINDS else value for name, value in match.groupdict().items()}
            )
    return ""


def _behind_a_place(detail: str) -> str:
    match = _BEFORE.fullmatch(detail)
    said = _alone(match["said"]) if match else ""
    return f"{match['place']}: {said}" if match and said else ""
