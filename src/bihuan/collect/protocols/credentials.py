"""Where clients put the write key beside the body: authorization, a header of its own, or the address."""

from __future__ import annotations

import base64
import binascii

from bihuan.collect.protocols.request import Request


def write_key(request: Request) -> str:
    """The key as `Authorization: Bearer` or `Basic` (as the user, or as the password of no user), `X-Write-Key` or `?key=`; '' without."""
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    match scheme.lower():
        case "bearer":
            return given.strip()
        case "basic":
            user, _, password = _decoded(given).partition(":")
            return user or password
    return request.headers.get("x-write-key", "").strip() or request.query.get("key", "")


def _decoded(basic: str) -> str:
    try:
        return base64.b64decode(basic.strip()).decode()
    except (binascii.Error, ValueError):
        return ""
