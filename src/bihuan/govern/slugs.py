"""Keys made from names: what stands in addresses and files for what people call by a name in any language."""

from __future__ import annotations

from collections.abc import Collection

from django.utils.text import slugify

SHORTEST = 3


def key_of(name: str, kind: str, longest: int = 90) -> str:
    """A readable key: the Latin letters and digits of the name; where these say too little of it (Chinese has none), the kind before them.

    "Autumn tea" → autumn-tea, "秋茶" → campaign, "双11大促 2026" → campaign-11-2026.
    """
    base = slugify(name).strip("-_")
    told = base if len(base) >= SHORTEST and any(letter.isalpha() for letter in base) else f"{kind}-{base}" if base else kind
    return told[:longest].strip("-_")


def free_key(base: str, taken: Collection[str]) -> str:
    """The key itself, or the first with a number behind it that nobody has."""
    return next(key for n in range(1, len(taken) + 2) if (key := base if n == 1 else f"{base}-{n}") not in taken)
