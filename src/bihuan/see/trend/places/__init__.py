"""Places on a map: the countries of the world and the provinces of China, found by what data calls them.

The names and codes of countries come from i18n-iso-countries 7.14.0 (MIT, see LICENSE beside this), the positions of those that are too
small for the map of the world from Natural Earth (public domain).
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
SAME = re.compile(r"[\s.,'’()（）·\-_]+")
OF_PROVINCE = re.compile(
    r"(壮族自治区|回族自治区|维吾尔自治区|自治区|特别行政区|省|市"
    r"|zhuangautonomousregion|huiautonomousregion|uyg[hu]+rautonomousregion|autonomousregion|municipality|province|sheng|shi|sar)$"
)


@dataclass(frozen=True)
class Place:
    """`code` is what the map calls it; `at` where it lies, if the map has no shape of it (or is of tiles); `short` stands on a tile."""

    code: str
    english: str
    chinese: str
    short: str = ""
    at: tuple[float, float] | None = None

    def name(self, language: str) -> str:
        return self.chinese if language.startswith("zh") else self.english

    def label(self, language: str) -> str:
        return self.chinese if language.startswith("zh") else self.short


@dataclass(frozen=True)
class Atlas:
    """One map: its places, and what data may call each, written as `same` does. `tiles`: it has no shapes, each place is a square."""

    places: Mapping[str, Place]
    known: Mapping[str, Place]
    tiles: bool = False

    def find(self, value: str) -> Place | None:
        written = same(value)
        return self.known.get(written) or self.known.get(OF_PROVINCE.sub("", written) if self.tiles else written)


def same(name: str) -> str:
    """A name without what is written differently here and there: case, spaces, points, hyphens."""
    return SAME.sub("", name.casefold())


def atlas_of(values: Iterable[str]) -> Atlas:
    """The map that has more of these values: the world when both have as many."""
    known = [value for value in values if value]
    return max((world(), provinces()), key=lambda atlas: sum(atlas.find(value) is not None for value in known))


@cache
def world() -> Atlas:
    places: dict[str, Place] = {}
    known: dict[str, Place] = {}
    for row in _rows("countries.csv"):
        at = (float(row["longitude"]), float(row["latitude"])) if row["longitude"] else None
        place = Place(row["shape"], row["english"], row["chinese"], at=at)
        places[place.code] = place
        for name in (row["code"], row["alpha3"], row["english"], row["chinese"], *row["others"].split("|")):
            known.setdefault(same(name), place)
    return Atlas(places, known)


@cache
def provinces() -> Atlas:
    places: dict[str, Place] = {}
    known: dict[str, Place] = {}
    for row in _rows("provinces.csv"):
        place = Place(row["code"], row["english"], row["chinese"], row["short"], (float(row["column"]), float(row["row"])))
        places[place.code] = place
        for name in (row["code"], row["short"], row["english"], row["chinese"], *filter(None, row["others"].split("|"))):
            known.setdefault(same(name), place)
    return Atlas(places, known, tiles=True)


def _rows(name: str) -> Iterable[dict[str, Any]]:
    with (FOLDER / name).open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)
