"""How secrets are kept: as their SHA-256."""

from __future__ import annotations

import hashlib


def digest_of(secret: str) -> str:
    """What is kept of a secret. Ours are random and long, so that a plain hash cannot be searched."""
    return hashlib.sha256(secret.encode()).hexdigest()
