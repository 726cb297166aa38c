"""What SQL answers: the rows as they came, each column with how its values read."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from bihuan.analyse.sql.guard import MOST_ROWS
from bihuan.analyse.sql.spec import SqlSpec
from bihuan.engine.meta import Warning_
from bihuan.engine.question import Column, Headline, Kind, Rows, Scope, Table

LONGEST = 10_000  # characters of a value


@dataclass(frozen=True)
class SqlResult:
    """`rows` are at most 1,000, in the order of the statement; `more` says that there are others. An answer without rows has no
    columns: only rows tell them."""

    names: tuple[str, ...]
    kinds: tuple[Kind, ...]
    rows: tuple[tuple[Any, ...], ...]
    more: bool

    @property
    def warnings(self) -> tuple[Warning_, ...]:
        return (("Only the first {count} rows are shown: add a LIMIT, or sum up.", {"count": MOST_ROWS}),) if self.more else ()


def shape_sql(spec: SqlSpec, scope: Scope, rows: Rows) -> SqlResult:
    names = tuple(rows[0]) if rows else ()
    shown = tuple(tuple(_plain(row[name]) for name in names) for row in rows[:MOST_ROWS])
    kinds = tuple(_kind(name, [row[place] for row in shown]) for place, name in enumerate(names))
    texts = tuple(
        tuple(str(value) if kind == "text" and value is not None else value for value, kind in zip(row, kinds, strict=True))
        for row in shown
    )
    return SqlResult(names, kinds, texts, len(rows) > MOST_ROWS)


def table_sql(result: SqlResult) -> Table:
    columns = (Column(name, "{name}", kind, {"name": name}) for name, kind in zip(result.names, result.kinds, strict=True))
    return Table(tuple(columns), result.rows)


def headlines_sql(result: SqlResult) -> tuple[Headline, ...]:
    return (Headline("Rows", len(result.rows)),)


def _plain(value: Any) -> Any:
    """The value as every file and program can hold it; what has parts as JSON."""
    match value:
        case None | bool() | int() | str() | datetime() | date():
            return value[:LONGEST] if isinstance(value, str) else value
        case float():
            return value if math.isfinite(value) else None
        case Decimal():
            return float(value)
        case bytes():
            return value.decode("utf-8", "replace")[:LONGEST]
        case list() | tuple() | dict():
            return json.dumps(value, ensure_ascii=False, default=str)[:LONGEST]
    return str(value)[:LONGEST]


def _kind(name: str, values: list[Any]) -> Kind:
    known = [value for value in values if value is not None]
    if known and all(isinstance(value, datetime) and value.tzinfo for value in known):
        return "time"
    if known and all(isinstance(value, date) and not isinstance(value, datetime) for value in known):
        return "day"
    if known and all(isinstance(value, int | float) and not isinstance(value, bool) for value in known):
        return "person" if name == "person" and all(isinstance(value, int) for value in known) else "number"
    return "text"
