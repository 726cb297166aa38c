"""Patterns that a plan may hold: regular expressions whose worst case is bounded, as they run on what strangers send."""

from __future__ import annotations

import re
from functools import lru_cache
from re import _constants, _parser  # type: ignore[attr-defined]
from typing import Any

LONGEST_TEXT = 200  # characters of a value that is compared with a pattern; a longer one does not match
MOST_WORK = 10_000_000  # ways that a text may be tried in at worst: about a tenth of a second
_REPEATS = (_constants.MAX_REPEAT, _constants.MIN_REPEAT, getattr(_constants, "POSSESSIVE_REPEAT", None))
_PLAIN = frozenset({_constants.LITERAL, _constants.NOT_LITERAL, _constants.ANY, _constants.IN, _constants.AT})


class BadPattern(ValueError):
    """The text is no regular expression, or one that a clever value could make run for minutes."""


@lru_cache(maxsize=2_000)
def compiled(text: str) -> re.Pattern[str]:
    """The pattern, to be used by `fullmatch`. Raises BadPattern."""
    try:
        tree = _parser.parse(text)
        work = _work(tree)
        made = re.compile(text)
    except BadPattern:
        raise
    except (re.error, OverflowError, RecursionError) as error:
        raise BadPattern(f"This is not a regular expression: {error}.") from None
    if work > MOST_WORK:
        raise BadPattern("This pattern could take very long: use fewer * and +, and none inside a repeated group.")
    return made


def matches(text: str, value: str) -> bool:
    """Whether the whole value is as the pattern says."""
    return len(value) <= LONGEST_TEXT and compiled(text).fullmatch(value) is not None


def _work(tree: Any) -> int:
    """How many ways there are at most to lay the pattern over a text of the greatest length."""
    ways = 1
    for name, value in tree:
        if name in _REPEATS:
            least, most, inner = value
            most = min(int(most), LONGEST_TEXT)
            once = _work(inner)
            ways *= (most - min(least, most) + 1) * (1 if once == 1 and _one_character(inner) else _many(once, most))
        elif name is _constants.SUBPATTERN:
            ways *= _work(value[-1])
        elif name is _constants.BRANCH:
            ways *= sum(_work(choice) for choice in value[1])
        elif name not in _PLAIN:
            raise BadPattern("Patterns may not look ahead or behind, nor refer back to a group.")
        if ways > MOST_WORK:
            return ways
    return ways


def _one_character(inner: Any) -> bool:
    return len(inner) == 1


def _many(once: int, most: int) -> int:
    """A group that is repeated: each of its rounds may go each of its ways."""
    if once == 1:
        return 1
    ways: int = 1
    for _ in range(most):
        ways *= once
        if ways > MOST_WORK:
            break
    return ways
