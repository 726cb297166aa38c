"""A composition as one table: a row for each part, of the properties asked for or of each of all."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bihuan.analyse.composition.result import MEASURES, CompositionResult, Part, by_said, cell_of, said
from bihuan.analyse.differences import CHANGE
from bihuan.engine.breakdowns import ByPerson
from bihuan.engine.meta import lows_and_highs
from bihuan.engine.question import Column, Table

BASE_MEASURES = {"sum": "Sum of {name}, base", "avg": "{name} per person, base", "median": "Median of {name}, base"}
OTHER_MEASURES = {
    "sum": "Sum of {name}, compared with",
    "avg": "{name} per person, compared with",
    "median": "Median of {name}, compared with",
}


def table_composition(result: CompositionResult) -> Table:
    """One row a part: of the properties asked for, or of each of all; none where there is nobody to describe."""
    if not result.people:
        return Table(_columns(result), ())
    if result.scanned:
        listed = [(one, part) for one in result.properties for part in one.parts]
        heads: list[tuple[Any, ...]] = [(one.name, _text(said(part.values[0], ByPerson(person=one.name), {}))) for one, part in listed]
        tails: list[tuple[Any, ...]] = [(one.v,) if result.compared else () for one, _ in listed]
        parts = [part for _, part in listed]
        names: list[str | None] = [one.name for one, _ in listed]
    else:
        parts = list(result.parts)
        heads = [tuple(_text(said(value, one, result.names)) for value, one in zip(part.values, result.by, strict=True)) for part in parts]
        tails = [() for _ in parts]
        names = [None for _ in parts]
    rows, cells = [], []
    for part, head, tail, name in zip(parts, heads, tails, names, strict=True):
        body: tuple[Any, ...] = (part.people, part.share)
        linked: tuple[Mapping[str, Any] | None, ...] = (cell_of(part, name=name), None)
        if result.compared:
            bounds = tuple(part.index) if part.index else (None, None, None)
            body += (part.base_people, part.base_share, *bounds, part.p_value, part.verdict or None)
            linked += (cell_of(part, base=True, name=name), *(None,) * 6)
        if part.beside is not None:
            change = tuple(part.beside.change) if part.beside.change else (None, None, None)
            body += (part.beside.people, part.beside.share, *change, part.beside.p_value, part.beside.verdict or None)
            linked += (cell_of(part, before=True, name=name), *(None,) * 6)
        if result.value is not None and not result.scanned:
            body += (part.number, part.base_number) if result.compared else (part.number,)
            body += (part.beside.number,) if part.beside is not None else ()
        tail += _bounds(part, result)
        rows.append((*head, *body, *tail))
        cells.append((*(None,) * len(head), *linked, *(None,) * (len(body) - len(linked) + len(tail))))
    return Table(_columns(result), tuple(rows), tuple(cells))


def _text(told: tuple[str, Mapping[str, Any]]) -> str:
    return told[0].format(**told[1])


def _columns(result: CompositionResult) -> tuple[Column, ...]:
    if result.scanned:
        heads = [Column("property", "Property"), Column("value", "Value")]
    else:
        alone = len(result.by) == 1
        heads = [
            Column("value" if alone else f"value_{place}", msgid, "text", values)
            for place, (msgid, values) in enumerate(map(by_said, result.by), 1)
        ]
    body = [Column("people", "People", "number"), Column("share", "Share", "share")]
    if result.compared:
        body += [
            Column("base_people", "People of the base", "number"),
            Column("base_share", "Share of the base", "share"),
            Column("tgi", "TGI", "number"),
            Column("tgi_low", "TGI, at least", "number"),
            Column("tgi_high", "TGI, at most", "number"),
            Column("p_value", "p, adjusted", "number"),
            Column("verdict", "More than chance"),
        ]
    if result.said is not None:
        body += [
            Column("other_people", "People compared with", "number"),
            Column("other_share", "Share compared with", "share"),
            *CHANGE,
        ]
    if result.value is not None and not result.scanned:
        body.append(Column("number", MEASURES[result.measure], "number", {"name": result.value}))
        if result.compared:
            body.append(Column("base_number", BASE_MEASURES[result.measure], "number", {"name": result.value}))
        if result.said is not None:
            body.append(Column("other_number", OTHER_MEASURES[result.measure], "number", {"name": result.value}))
    power = (Column("v", "Cramér's V", "number"),) if result.scanned and result.compared else ()
    return (*heads, *body, *power, *(_bound_columns(result) if result.sample is not None else ()))


def _bound_columns(result: CompositionResult) -> list[Column]:
    """Where the numbers that a sample estimates lie."""
    found = [Column("people_low", "People, at least", "number"), Column("people_high", "People, at most", "number")]
    if result.compared:
        found += [
            Column("base_people_low", "People of the base, at least", "number"),
            Column("base_people_high", "People of the base, at most", "number"),
        ]
    if result.said is not None:
        found += [
            Column("other_people_low", "People compared with, at least", "number"),
            Column("other_people_high", "People compared with, at most", "number"),
        ]
    return found


def _bounds(part: Part, result: CompositionResult) -> tuple[float | None, ...]:
    if result.sample is None:
        return ()
    counts = [part.people, *([part.base_people] if result.compared else []), *([part.beside.people] if part.beside else [])]
    return lows_and_highs(map(result.sure, counts))
