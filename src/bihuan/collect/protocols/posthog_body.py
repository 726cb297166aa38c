"""The bodies of PostHog's clients, in whichever of their wrappings: JSON, a form, base64, packed or not, under any Content-Type."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from urllib.parse import unquote_to_bytes

from bihuan.collect.protocols.reading import BadRequest

_SPACE = b" \t\r\n\xef\xbb\xbf"


def json_of(body: bytes, unpacked: Callable[[bytes], bytes]) -> bytes:
    """The JSON in a body; `unpacked` unpacks what is packed inside a form. Raises BadRequest and Refused."""
    if _begins_as_json(body):
        return body
    text = body.strip(_SPACE)
    if text.startswith(b"data=") or b"&data=" in text[:1000]:
        text = _field(text)
        if _begins_as_json(text):
            return text
    try:
        found = unpacked(base64.b64decode(text.replace(b" ", b"+").replace(b"-", b"+").replace(b"_", b"/") + b"==", validate=False))
    except (binascii.Error, ValueError):
        raise BadRequest("The body is neither JSON nor base64 of it, nor a form with one of them as “data”.") from None
    if not _begins_as_json(found):
        raise BadRequest("The body is neither JSON nor base64 of it, nor a form with one of them as “data”.")
    return found


def _begins_as_json(text: bytes) -> bool:
    return text.lstrip(_SPACE)[:1] in (b"{", b"[")


def _field(form: bytes) -> bytes:
    """The field “data” of a form; a plus sign in it is one, as base64 is often sent without being quoted."""
    for part in form.split(b"&"):
        if part.startswith(b"data="):
            return unquote_to_bytes(part[5:])
    return b""
