"""What events of one name with the same properties, of the same types, have in common: found out once, not for each of them."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import msgspec

from bihuan.collect.events import MAX_NAME, MAX_PROPS_BYTES, canonical_props
from bihuan.engine.schema import COLUMNS

KEPT = 4_096  # shapes; a product has some hundreds
LARGEST = 60  # properties of a shape that is kept, so that odd clients cannot fill the memory with them

_PLACES = {name: place for place, name in enumerate(COLUMNS)}
_encode = msgspec.json.Encoder().encode
_PLAIN = frozenset({str, int, float, bool, type(None)})


class Shape:
    """The properties of such events, in their order, and what becomes of each. Two of the same content may exist; they compare by identity.

    `columns` are those with a column of their own and its place, `others` the remaining ones but `revenue`, sorted. When all of these are
    `plain` (neither lists nor objects, nor many, nor long names), only the `numbers` among them may need a look before they are JSON.
    """

    __slots__ = ("columns", "event", "names", "numbers", "others", "plain", "project", "revenue", "types")

    def __init__(self, project: int, event: str, names: tuple[str, ...], types: tuple[type, ...]) -> None:
        self.project = project
        self.event = event
        self.names = names
        self.types = types
        self.columns = tuple((_PLACES[name], name) for name in names if name in _PLACES)
        self.revenue = "revenue" in names
        self.others = tuple(sorted(name for name in names if name not in _PLACES and name != "revenue"))
        type_of = dict(zip(names, types, strict=True))
        self.plain = all(type_of[name] in _PLAIN and len(name) <= MAX_NAME for name in self.others) and len(names) <= LARGEST
        self.numbers = tuple(name for name in self.others if type_of[name] in (int, float))


_kept = lru_cache(maxsize=KEPT)(Shape)


def shape_of(project: int, event: str, props: dict[str, Any]) -> Shape:
    """The shape of an event with these properties."""
    make = _kept if len(props) <= LARGEST else Shape
    return make(project, event, tuple(props), tuple(map(type, props.values())))


def others_as_json(props: dict[str, Any], shape: Shape) -> str:
    """`canonical_props` of an event's `others`, without looking for what cannot be there. Raises BadEvent."""
    others = {name: props[name] for name in shape.others}
    return _plain_json(others, shape.numbers) if shape.plain else canonical_props(others)


def _plain_json(others: dict[str, Any], numbers: tuple[str, ...]) -> str:
    for name in numbers:
        value = others[name]
        if type(value) is int:
            if not -(2**63) <= value < 2**64:
                return canonical_props(others)
        elif value.is_integer() and abs(value) < 2**53:
            others[name] = int(value)
    try:
        text = _encode(others)
    except UnicodeEncodeError:  # lone surrogates
        return canonical_props(others)
    return text.decode() if len(text) <= MAX_PROPS_BYTES else canonical_props(others)
