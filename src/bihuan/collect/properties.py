"""Which properties have come with which event, of which type, and between which times: written only when that is news."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec

from bihuan.collect.shapes import Shape, shape_of
from bihuan.engine.schema import COLUMNS
from bihuan.engine.store import Store

STORED = """
SELECT project_id, event, property, type, toInt64(toUnixTimestamp64Milli(min(p.first_seen))) AS least,
  toInt64(toUnixTimestamp64Milli(max(p.last_seen))) AS most
FROM properties_seen AS p GROUP BY project_id, event, property, type LIMIT {limit:UInt32}
"""
KNOWN = 200_000  # what is remembered; beyond, the same news may be written again
HOUR = 3_600_000

Seen = tuple[int, str, str, str]  # project, event ('': of persons), property, type

_TYPES = {str: "string", int: "number", float: "number", bool: "boolean", list: "array", tuple: "array", dict: "object", type(None): "null"}


class PropertiesSeen:
    """What has been seen so far; `last_seen` in the store may lag by an hour."""

    def __init__(self) -> None:
        self._known: dict[Seen, tuple[int, int]] = {}

    def load(self, store: Store) -> None:
        """Take what the store holds."""
        rows = store.fetch(STORED, {"limit": KNOWN}).rows
        self._known = {(row["project_id"], row["event"], row["property"], row["type"]): (row["least"], row["most"]) for row in rows}

    def news(self, spans: dict[Shape, tuple[int, int]], traits: Iterable[tuple[int, str, str, int]]) -> dict[Seen, tuple[int, int]]:
        """What to write for events of these shapes between these times, and for traits (project, name, JSON text, time)."""
        news: dict[Seen, tuple[int, int]] = {}
        for shape, (least, most) in spans.items():
            for seen in _each(shape):
                self._note(news, seen, least, most)
        for project, name, value, at in traits:
            self._note(news, (project, "", name, json_type(value)), at, at)
        return news

    def take(self, news: dict[Seen, tuple[int, int]]) -> None:
        """The news is stored: remember it."""
        if len(self._known) + len(news) > KNOWN:
            self._known.clear()
        for seen, (least, most) in news.items():
            known = self._known.get(seen, (least, most))
            self._known[seen] = (min(known[0], least), max(known[1], most))

    def _note(self, news: dict[Seen, tuple[int, int]], seen: Seen, least: int, most: int) -> None:
        known = self._known.get(seen)
        if known is None or least < known[0] or most > known[1] + HOUR:
            before = news.get(seen, (least, most))
            news[seen] = (min(before[0], least), max(before[1], most))


def spans(shapes: Sequence[Shape], times: Sequence[int]) -> dict[Shape, tuple[int, int]]:
    """For each shape the earliest and the latest of its times."""
    found: dict[Shape, tuple[int, int]] = {}
    for shape, at in zip(shapes, times, strict=True):
        span = found.get(shape)
        if span is None:
            found[shape] = (at, at)
        elif at < span[0]:
            found[shape] = (at, span[1])
        elif at > span[1]:
            found[shape] = (span[0], at)
    return found


def shapes(
    project: int, names: Sequence[str], columns: Sequence[Sequence[str]], revenue: Sequence[Any], props: Sequence[str]
) -> Iterator[Shape]:
    """The shapes of rows that came as columns."""
    decode = msgspec.json.Decoder(dict[str, Any]).decode
    for name, given, amount, text in zip(names, zip(*columns, strict=True), revenue, props, strict=True):
        found = decode(text)
        if any(given):
            found.update((column, value) for column, value in zip(COLUMNS, given, strict=True) if value)
        if amount is not None:
            found["revenue"] = amount
        yield shape_of(project, name, found)


def json_type(text: str) -> str:
    """The type of a JSON text, by how it begins."""
    return {'"': "string", "{": "object", "[": "array", "t": "boolean", "f": "boolean", "n": "null"}.get(text[:1], "number")


def _each(shape: Shape) -> Iterator[Seen]:
    for name, kind in zip(shape.names, shape.types, strict=True):
        yield (shape.project, shape.event, name, _TYPES.get(kind, "string"))
