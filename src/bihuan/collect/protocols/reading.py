"""JSON as clients really send it: read strictly and fast first, patiently where one text or number of it is odd."""

from __future__ import annotations

import json
from typing import Any, TypeVar

import msgspec

from bihuan.collect.bodies import Refused
from bihuan.collect.events import BadEvent, canonical

T = TypeVar("T")


class BadRequest(Refused):
    """The body as a whole cannot be read."""

    def __init__(self, message: str) -> None:
        super().__init__(400, "bad_request", message)


def loads(body: bytes) -> Any:
    """What strict JSON refuses for one of its texts or numbers is taken too: lone surrogates, bad UTF-8, NaN. Raises BadRequest."""
    try:
        return json.loads(body.decode("utf-8-sig", "replace"), parse_constant=lambda _: None)
    except RecursionError:
        raise BadRequest("The body is nested too deep.") from None
    except ValueError as error:
        raise BadRequest(f"The body is not JSON: {str(error)[:100]}.") from None


def plainly(item: Any) -> msgspec.Raw:
    """The JSON of one item out of a body that `loads` read."""
    try:
        return msgspec.Raw(canonical(item).encode())
    except BadEvent as error:
        return msgspec.Raw(canonical(str(error)).encode())  # which is no event; its reader says so


def read_item(item: msgspec.Raw, decoder: msgspec.json.Decoder[T]) -> T:
    """One item as the decoder's type. Raises BadEvent."""
    try:
        try:
            return decoder.decode(item)
        except msgspec.ValidationError:
            raise
        except (msgspec.DecodeError, UnicodeDecodeError):
            return decoder.decode(plainly(loads(bytes(item))))
    except RecursionError:
        raise BadEvent("too_deep", "The event is nested too deep.") from None
    except (msgspec.MsgspecError, BadRequest) as error:
        raise BadEvent("bad_event", f"{error}. See the protocol's description of this call.") from None
