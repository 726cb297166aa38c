"""What is kept of events that were not taken: their body within bounds, and each of them once although clients send it again."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from typing import Any

import msgspec

from bihuan.collect.events import Rejected

LONGEST_BODY = 100_000  # characters; a longer one is kept cut, to be read but not to be mended
REMEMBERED = 20_000

_encode = msgspec.json.Encoder(enc_hook=str).encode


class Recently:
    """The rejected events of the last while: the same one sent again is not kept again."""

    def __init__(self) -> None:
        self._known: OrderedDict[tuple[int, str, str, int], None] = OrderedDict()

    def new(self, rejected: Iterable[Rejected]) -> list[Rejected]:
        """Those that were not rejected a while ago. Without a key, the body tells whether it is the same."""
        fresh = []
        for one in rejected:
            identity = (one.project_id, one.source, one.reason, hash(one.key or one.body))
            if identity not in self._known:
                fresh.append(one)
                self._known[identity] = None
        while len(self._known) > REMEMBERED:
            self._known.popitem(last=False)
        return fresh


def body_of(event: Any) -> str:
    """The event as text, to be read by people."""
    try:
        text = _encode(event).decode()
    except (ValueError, TypeError, RecursionError, msgspec.MsgspecError):
        text = repr(event)
    return shortened(text)


def shortened(text: str) -> str:
    """At most so much of a text as the quarantine keeps."""
    return text if len(text) <= LONGEST_BODY else f"{text[:LONGEST_BODY]}… ({len(text)} characters)"
