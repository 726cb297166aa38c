"""The draw: who is held out of a campaign. By a salted hash, so that it can be repeated and nobody can arrange it."""

from __future__ import annotations

import hashlib

TREATMENT, HOLDOUT = "treatment", "holdout"


def lot(salt: str, person: int) -> float:
    """A number in [0, 1) that is always the same for this salt and person, and even over persons."""
    digest = hashlib.sha256(f"{salt}:{person}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64


def arm_of(salt: str, person: int, holdout: float) -> str:
    """Whether a person gets the message."""
    return HOLDOUT if lot(salt, person) < holdout else TREATMENT
