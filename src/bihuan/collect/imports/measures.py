"""Rows as numbers that are measured elsewhere: series by day or hour and dimensions; what channels cost are three such series."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from bihuan.collect.days import QUARTER
from bihuan.collect.events import MAX_NAME
from bihuan.collect.imports.convert import Converted
from bihuan.collect.imports.errors import Reason
from bihuan.collect.imports.keys import LineKeys, hashes
from bihuan.collect.imports.mapping import ABOUT, CostsMapping, MetricsMapping, Property, property_name
from bihuan.collect.imports.plan import Plan
from bihuan.collect.imports.readers import Chunk
from bihuan.collect.imports.rows import Rows, longer, objects
from bihuan.collect.imports.times import LATEST, read_times
from bihuan.collect.imports.values import Json, Typed
from bihuan.engine.periods import midnight

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

EPOCH = date(1970, 1, 1)
NO_NUMBER = "{column} is empty: the row has no number."
AGAIN = Reason(
    "An earlier row has the same series, time and dimensions: name the column that tells them apart as a dimension, or sum them up."
)


class MeasuresConverter:
    """Turns chunks into measured numbers. `zone` is the project's, in which a day is a day; `currency` the project's."""

    def __init__(self, plan: Plan, *, zone: str, currency: str = "") -> None:
        assert isinstance(plan.mapping, MetricsMapping | CostsMapping)
        self.mapping = plan.mapping
        self._days = ZoneInfo(zone)
        self._zone = plan.mapping.zone or zone
        self._currency = currency
        self._known = frozenset(plan.columns)
        self._seen = LineKeys()

    def skip(self, chunk: Chunk) -> None:
        """Only remember what its rows were about."""
        self.convert(chunk)

    def convert(self, chunk: Chunk) -> Converted:
        """A table of `metric`, `day` (days since 1970), `at` (ms), `dimensions` (JSON) and `value`: one row or, of costs, up to three."""
        rows = Rows(chunk, self._known)
        given = self.mapping.time
        times = read_times(rows.column(given.column), zone=self._zone, now=LATEST, pattern=given.format, unit=given.unit)
        rows.reject_all(times.wrong)
        begins = self._begins(times.ms.tolist())
        about = objects(rows, self._dimensions(rows))
        if isinstance(self.mapping, CostsMapping):
            names: list[Any] = ["costs"] * rows.count
            numbers = {name: rows.numbers(text) for name, text in self.mapping.values().items()}
        else:
            names = self._names(rows, self.mapping)
            numbers = {"": self._required(rows, self.mapping.value)}
        self._reject_again(rows, names, begins, about)
        kept = rows.kept()
        table = _table(names, begins, about, numbers, kept)
        rejects = sorted([*chunk.rejects, *rows.rejects()], key=lambda reject: reject.line)
        return Converted(table, tuple(rejects), int((times.skipped & kept).sum()), int(kept.sum()))

    def _begins(self, times: Iterable[int]) -> list[tuple[int, int]]:
        """The day (since 1970) of each time, and the ms at which its day or hour begins, in the project's zone."""
        hourly = isinstance(self.mapping, MetricsMapping) and self.mapping.grain == "hour"
        known: dict[int, tuple[int, int]] = {}
        found = []
        for ms in times:
            quarter = ms // QUARTER
            if quarter not in known:
                local = datetime.fromtimestamp(quarter * 900, self._days)
                begin = local.replace(minute=0) if hourly else midnight(local.date(), str(self._days))
                known[quarter] = (local.date() - EPOCH).days, int(begin.astimezone(UTC).timestamp() * 1000)
            found.append(known[quarter])
        return found

    def _names(self, rows: Rows, mapping: MetricsMapping) -> list[Any]:
        import pyarrow.compute as pc

        if mapping.series:
            return [mapping.series] * rows.count
        names = rows.column(mapping.series_column).texts()
        values = {"column": mapping.series_column}
        rows.reject(pc.is_null(names), Reason("The row does not say which series it is of: {column} is empty.", values))
        rows.reject(longer(names, MAX_NAME), Reason("The series' name has more than {most} characters.", {"most": MAX_NAME}))
        return list(names.to_pylist())

    def _required(self, rows: Rows, text: str) -> np.ndarray:
        import numpy as np

        numbers = rows.numbers(text)
        for row in np.flatnonzero(np.isnan(numbers)).tolist():
            rows.wrong.setdefault(row, Reason(NO_NUMBER, {"column": text}))
        return numbers

    def _dimensions(self, rows: Rows) -> dict[str, Json]:
        """What the numbers are about, always as texts."""
        import pyarrow as pa

        mapping = self.mapping
        if isinstance(mapping, MetricsMapping):
            given = mapping.dimensions
            if given is None:
                used = mapping.used()
                given = {property_name(column): Property(value=column) for column in rows.chunk.columns if column not in used}
            return {name: rows.json(one.model_copy(update={"type": "text"}), self._zone) for name, one in given.items()}
        found = {name: rows.column(column).json(numeric=False) for name in ABOUT if (column := getattr(mapping, name))}
        if mapping.currency_column:
            found["currency"] = rows.column(mapping.currency_column).json(numeric=False)
        elif currency := mapping.currency or self._currency:
            found["currency"] = Typed(pa.array([currency] * rows.count, pa.string())).json(numeric=False)
        return found

    def _reject_again(self, rows: Rows, names: list[Any], begins: list[tuple[int, int]], about: pa.Array) -> None:
        """Two rows that are about the same would hide each other."""
        import numpy as np

        contents = (f"{name}\0{at}\0{text}".encode() for name, (_, at), text in zip(names, begins, about.to_pylist(), strict=True))
        content = hashes(contents)
        good = np.flatnonzero(rows.kept())
        for row in good[self._seen.repeated(content[good])].tolist():
            rows.wrong.setdefault(row, AGAIN)


def _table(names: list[Any], begins: list[tuple[int, int]], about: pa.Array, numbers: dict[str, np.ndarray], kept: np.ndarray) -> pa.Table:
    import numpy as np
    import pyarrow as pa

    days = np.array([day for day, _ in begins], dtype=np.int64)
    at = np.array([ms for _, ms in begins], dtype=np.int64)
    parts = []
    for name, values in numbers.items():
        there = kept & ~np.isnan(values)
        part = {"metric": [name] * len(names) if name else names, "day": days, "at": at, "dimensions": about, "value": values}
        parts.append(pa.table(part, schema=_schema()).filter(there))
    return pa.concat_tables(parts)


def _schema() -> pa.Schema:
    import pyarrow as pa

    return pa.schema(
        [("metric", pa.string()), ("day", pa.int64()), ("at", pa.int64()), ("dimensions", pa.string()), ("value", pa.float64())]
    )
