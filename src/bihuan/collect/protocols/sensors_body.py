"""The bodies of Sensors Analytics' clients, in whichever of their wrappings: a form or an image's address, base64, packed or not."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

import msgspec
import numpy as np

from bihuan.collect.bodies import Refused
from bihuan.collect.protocols.reading import BadRequest, loads, plainly

_SPACE = b" \t\r\n\xef\xbb\xbf"
_AT_ONCE = 4096
_POWERS = np.array([pow(31, n, 1 << 32) for n in range(_AT_ONCE + 1)], dtype=np.uint32)
_FIELDS = frozenset({"data", "data_list", "ext"})
_many = msgspec.json.Decoder(list[msgspec.Raw])
_object = msgspec.json.Decoder(msgspec.Raw)


class _Encrypted(msgspec.Struct):
    ekey: str
    payloads: msgspec.Raw


_encrypted = msgspec.json.Decoder(_Encrypted)


class Form(NamedTuple):
    """What a request carries: `data` is base64 of JSON (or JSON), `check` the number that the client computed over it, '' without one."""

    data: bytes
    check: str


def items_of(body: bytes, query: Mapping[str, str], unpacked: Callable[[bytes], bytes]) -> Sequence[msgspec.Raw]:
    """The records in a request, still unread; `unpacked` unpacks what is packed inside the form. Raises BadRequest and Refused."""
    form = _form(body, query)
    if form.check and form.check != str(checksum(form.data)):
        raise Refused(400, "bad_crc", "The data was damaged on its way: its crc is not the one that ext says.")
    text = _json(form.data, unpacked)
    try:
        _encrypted.decode(text)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return _records(text)
    raise Refused(400, "encrypted", "Encrypted data cannot be read here: switch encryption off in the client and send by https.")


def checksum(text: bytes) -> int:
    """The hash code that Java gives a text, 32 bits with a sign: what the browser client sends as ext=crc=…"""
    total = np.uint32(0)
    for begin in range(0, len(text), _AT_ONCE):  # whole pieces at a time: megabytes byte by byte would hold up everybody
        piece = np.frombuffer(text[begin : begin + _AT_ONCE], dtype=np.uint8).astype(np.uint32)
        powers = _POWERS[: len(piece) + 1][::-1]
        total = np.uint32((int(total) * int(powers[0]) + int((piece * powers[1:]).sum(dtype=np.uint32))) & 0xFFFFFFFF)
    return int(total.astype(np.int32))


def _form(body: bytes, query: Mapping[str, str]) -> Form:
    """The fields wherever they are: in the body under any Content-Type, or in the address of an image."""
    text = body.strip(_SPACE)
    if text[:1] in (b"{", b"["):
        return Form(text, "")
    fields: dict[str, bytes] = {name: query[name].encode("latin-1", "replace") for name in _FIELDS if name in query}
    for part in text.split(b"&", 50):
        name, _, value = part.partition(b"=")
        if name.decode("latin-1") in _FIELDS:
            fields[name.decode("latin-1")] = unquote_to_bytes(value)
    data = fields.get("data_list") or fields.get("data") or (text if text and not fields and b"=" not in text[:20] else b"")
    if not data:
        raise BadRequest("There is no data: send it as “data” or “data_list”, base64 of JSON, in a form or in the address.")
    check = fields.get("ext", b"").decode("latin-1")
    return Form(_base64(data.strip(_SPACE)), check.removeprefix("crc=") if check.startswith("crc=") else "")


def _base64(data: bytes) -> bytes:
    """A plus sign that was not quoted has become a space on its way."""
    return data if data[:1] in (b"{", b"[") else data.replace(b" ", b"+")


def _json(data: bytes, unpacked: Callable[[bytes], bytes]) -> bytes:
    if data[:1] in (b"{", b"["):
        return data
    try:
        found = unpacked(base64.b64decode(data.replace(b"-", b"+").replace(b"_", b"/") + b"==", validate=False))
    except (binascii.Error, ValueError):
        found = b""
    if found.lstrip(_SPACE)[:1] not in (b"{", b"["):
        raise BadRequest("The data is not base64 of JSON, packed by gzip or not.")
    return found


def _records(text: bytes) -> Sequence[msgspec.Raw]:
    try:
        return _many.decode(text) if text.lstrip(_SPACE)[:1] == b"[" else [_object.decode(text)]
    except (msgspec.MsgspecError, UnicodeDecodeError):
        found = loads(text)
    except RecursionError:
        raise BadRequest("The data is nested too deep.") from None
    return [plainly(item) for item in (found if isinstance(found, list) else [found])]
