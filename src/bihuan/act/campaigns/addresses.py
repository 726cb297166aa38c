"""Which texts are e-mail addresses that mail can be sent to, and when two of them are the same."""

from __future__ import annotations

import re

_LOCAL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_DOMAIN = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]")


def usable(text: str) -> str | None:
    """The address as it is written into the envelope (its domain in ASCII), or None when no mail can be sent to it.

    Quoted local parts and local parts outside ASCII are refused: most servers cannot deliver to them.
    """
    local, at, domain = text.strip().rpartition("@")
    try:
        domain = domain.encode("idna").decode("ascii").lower()
    except UnicodeError:
        return None
    if not at or len(local) > 64 or len(local) + len(domain) > 253:
        return None
    return f"{local}@{domain}" if _LOCAL.fullmatch(local) and _DOMAIN.fullmatch(domain) else None


def same_key(address: str) -> str:
    """What two addresses of one mailbox have in common: one person gets one message however they wrote it."""
    return address.lower()
