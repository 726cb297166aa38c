"""A number by country or province: which value of the breakdown is which place, what is no place, and the map as an ECharts option."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from bihuan.engine.question import Kind, Reader
from bihuan.see.trend.places import Atlas, Place, atlas_of

MOST_NAMED = 12


class Valued(Protocol):
    """A line of a trend, as far as a map looks at it."""

    @property
    def part(self) -> str | None: ...
    @property
    def total(self) -> float | None: ...
    @property
    def series(self) -> int: ...
    @property
    def listed(self) -> bool: ...


@dataclass(frozen=True)
class Spot:
    """The number of one place; `part` is the value of the breakdown whose people can be listed, None when they cannot."""

    number: float
    part: str | None
    series: int


@dataclass(frozen=True)
class Mapped:
    """`spots` by the places' codes; `nowhere` the values that are no place of the map; `alike` those that say a place which has a greater
    number already and could not be added to it; `without` the number of what has no value."""

    atlas: Atlas
    spots: Mapping[str, Spot]
    nowhere: tuple[str, ...] = ()
    alike: tuple[str, ...] = ()
    without: float | None = None
    warnings: tuple[tuple[str, Mapping[str, Any]], ...] = field(default=(), init=False)

    def __post_init__(self) -> None:
        said: list[tuple[str, Mapping[str, Any]]] = []
        if self.nowhere:
            said.append(("{count} values are no place on the map: {values}.", {"count": len(self.nowhere), "values": _some(self.nowhere)}))
        if self.alike:
            said.append(
                (
                    "Several values say the same place, and their numbers do not add up; these are not on the map: {values}.",
                    {"values": _some(self.alike)},
                )
            )
        if self.without:
            said.append(("What has no value of the breakdown is not on the map: {number}.", {"number": self.without}))
        object.__setattr__(self, "warnings", tuple(said))


def map_of(lines: Sequence[Valued], adds: bool) -> Mapped:
    """The lines of one number, greatest first, on the map that has more of their values. `adds`: parts' numbers make that of the whole."""
    parts = [line for line in lines if line.part]
    atlas = atlas_of(line.part or "" for line in parts)
    spots: dict[str, Spot] = {}
    nowhere, alike = [], []
    for line in parts:
        value = line.part or ""
        place = atlas.find(value)
        if place is None:
            nowhere.append(value)
        elif line.total is None:
            continue
        elif place.code not in spots:
            spots[place.code] = Spot(line.total, value if line.listed else None, line.series)
        elif adds:
            spots[place.code] = Spot(spots[place.code].number + line.total, None, line.series)
        else:
            alike.append(value)
    without = next((line.total for line in lines if line.part == ""), None)
    return Mapped(atlas, spots, tuple(nowhere), tuple(alike), without)


def chart_map(mapped: Mapped, kind: Kind, reader: Reader) -> dict[str, Any]:
    """Each place shaded by its number. `map` says to the page which shapes to take, and how its reader calls them."""
    numbers = [spot.number for spot in mapped.spots.values()]
    return {
        "map": _shapes(mapped, reader),
        "tooltip": {"trigger": "item", "valueFormatter": "percent" if kind == "share" else "count"},
        "visualMap": {
            "type": "continuous",
            "min": min(0, *numbers),
            "max": max(numbers) or 1,
            "formatter": "percent" if kind == "share" else "short",
            "left": 0,
            "bottom": 0,
            "itemWidth": 12,
            "itemHeight": 90,
            "calculable": True,
        },
        "series": [{"type": "map", "data": [_region(place, mapped, reader) for place in _drawn(mapped)]}],
    }


def _shapes(mapped: Mapped, reader: Reader) -> dict[str, Any]:
    if mapped.atlas.tiles:
        return {"tiles": {place.name(reader.language): place.at for place in mapped.atlas.places.values()}}
    small = {place.name(reader.language): place.at for place in _drawn(mapped) if place.at}
    return {"names": {place.code: place.name(reader.language) for place in mapped.atlas.places.values() if not place.at}, "dots": small}


def _drawn(mapped: Mapped) -> list[Place]:
    """Every tile, but of the world only what has a number: its other shapes are there anyway."""
    return [place for code, place in mapped.atlas.places.items() if mapped.atlas.tiles or code in mapped.spots]


def _region(place: Place, mapped: Mapped, reader: Reader) -> dict[str, Any]:
    spot = mapped.spots.get(place.code)
    region: dict[str, Any] = {"name": place.name(reader.language), "value": spot.number if spot else None}
    if mapped.atlas.tiles:
        region["label"] = {"show": True, "formatter": place.label(reader.language)}
    if spot and spot.part is not None and spot.number:
        region["cell"] = {"series": spot.series, "part": spot.part}
    return region


def _some(values: Sequence[str]) -> str:
    return ", ".join(values[:MOST_NAMED]) + (", …" if len(values) > MOST_NAMED else "")
