"""A chunk of a file's rows as events in columns: each row is kept whole or rejected with its reason, never half."""

from __future__ import annotations

import time
from collections.abc import Mapping as Dictionary
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bihuan.collect.events import MAX_ID, MAX_NAME, MAX_PROPERTIES, MAX_PROPS_BYTES, NOT_IDS, canonical
from bihuan.collect.imports.errors import ImportProblem, Reason, Reject, shown
from bihuan.collect.imports.expressions import Expression
from bihuan.collect.imports.keys import LineKeys, hashes
from bihuan.collect.imports.mapping import Property, property_name, source_of
from bihuan.collect.imports.plan import Plan
from bihuan.collect.imports.readers import Chunk
from bihuan.collect.imports.times import read_times
from bihuan.collect.imports.values import Json, Typed, Values
from bihuan.engine.schema import COLUMNS

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

SOURCE = "import"
MAX_COLUMN = 1_000  # characters of a built-in column


@dataclass(frozen=True)
class Converted:
    """The rows that became events (as `Writer.submit_columns` wants them), those that did not in the order of their lines, and how many
    stood at a local time that the clock skipped and were moved by the gap."""

    events: pa.Table
    rejects: tuple[Reject, ...]
    skipped: int


class Converter:
    """Turns chunks of one file, in order, into events of one project. `zone` is that of times without an offset."""

    def __init__(self, plan: Plan, *, project_id: int, zone: str, source: str = SOURCE) -> None:
        mapping = self.mapping = plan.mapping
        self.zone = mapping.zone or zone
        self._known = frozenset(plan.columns)
        self._owner = f"{project_id}\0{source}\0".encode()
        self._seed = self._owner + mapping.dataset.encode() + b"\0" + plan.shape + b"\0"
        self._lines = LineKeys()

    def convert(self, chunk: Chunk) -> Converted:
        """The events of the chunk's rows."""
        import pyarrow as pa

        rows = _Rows(chunk, self._known)
        keys = self._keys(rows)
        given = self.mapping.time
        now = int(time.time() * 1000)
        times = read_times(rows.column(given.column), zone=self.zone, now=now, pattern=given.format, unit=given.unit)
        rows.reject_all(times.wrong)
        columns = {
            "event_key": keys,
            "name": self._names(rows),
            "at": times.ms,
            "user_id": self._ids(rows, self.mapping.person),
            "anonymous_id": self._ids(rows, self.mapping.anonymous),
        }
        columns |= self._properties(rows)
        events = pa.table(columns)
        kept = rows.kept()
        rejects = sorted([*chunk.rejects, *rows.rejects()], key=lambda reject: reject.line)
        return Converted(events.filter(kept) if rows.wrong else events, tuple(rejects), int((times.skipped & kept).sum()))

    def _keys(self, rows: _Rows) -> np.ndarray:
        """From the event's own id where the row has one, else from the row's content."""
        import numpy as np

        ids = rows.column(self.mapping.id).texts() if self.mapping.id else None
        if ids is not None and not ids.null_count:
            return hashes((text.encode() for text in ids.to_pylist()), self._owner)
        content = hashes(rows.chunk.contents(), self._seed)
        if ids is None:
            return self._lines.keys(content)
        given = np.asarray(ids.is_valid())
        keys = np.empty(len(content), dtype=np.uint64)
        keys[given] = hashes((text.encode() for text in ids.to_pylist() if text is not None), self._owner)
        keys[~given] = self._lines.keys(content[~given])
        return keys

    def _names(self, rows: _Rows) -> pa.Array:
        import pyarrow as pa
        import pyarrow.compute as pc

        if not self.mapping.event_column:
            return pa.repeat(self.mapping.event, rows.count)
        names = rows.column(self.mapping.event_column).texts()
        rows.reject(
            pc.is_null(names), Reason("The row does not say which event it is: {column} is empty.", {"column": self.mapping.event_column})
        )
        rows.reject(_longer(names, MAX_NAME), Reason("The event's name has more than {most} characters.", {"most": MAX_NAME}))
        return names

    def _ids(self, rows: _Rows, column: str) -> pa.Array:
        """Ids are texts, whatever they look like; those that only say "nobody" are nobody's."""
        import pyarrow as pa
        import pyarrow.compute as pc

        if not column:
            return pa.nulls(rows.count, pa.string())
        ids = rows.column(column).texts()
        rows.reject(_longer(ids, MAX_ID), Reason("The id in {column} has more than {most} characters.", {"column": column, "most": MAX_ID}))
        nobody = pc.is_in(ids, value_set=pa.array(sorted(NOT_IDS)))
        return pc.if_else(nobody, pa.scalar(None, pa.string()), ids)

    def _properties(self, rows: _Rows) -> dict[str, pa.Array]:
        """The built-in columns, and all other properties as one canonical JSON object a row."""
        mapped = self._mapped(rows)
        found = {name: self._column(rows, mapped.pop(name)) for name in COLUMNS if name in mapped}
        revenue = mapped.pop("revenue", None)
        money = self.mapping.revenue or (revenue.value if revenue else "")
        if money:
            found["revenue"] = _numbers(rows.numbers(money))
        found["props"] = _objects(rows, {name: self._json(rows, given) for name, given in mapped.items()})
        return found

    def _mapped(self, rows: _Rows) -> dict[str, Property]:
        if self.mapping.properties is not None:
            return dict(self.mapping.properties)
        used = self.mapping.used()
        return {property_name(column): Property(value=column) for column in rows.chunk.columns if column not in used}

    def _column(self, rows: _Rows, given: Property) -> pa.Array:
        import pyarrow.compute as pc

        source = rows.source(given.value)
        texts = rows.column(source).texts() if isinstance(source, str) else Typed(_numbers(rows.numbers(given.value))).texts()
        return pc.utf8_slice_codeunits(texts, 0, MAX_COLUMN)

    def _json(self, rows: _Rows, given: Property) -> Json:
        if isinstance(rows.source(given.value), str):
            numeric = {"auto": None, "text": False, "number": True}[given.type]
            return rows.column(given.value).json(numeric=numeric)
        return Typed(_numbers(rows.numbers(given.value))).json()


class _Rows:
    """The rows of a chunk while they are converted: their columns, and which are wrong so far and why."""

    def __init__(self, chunk: Chunk, known: frozenset[str]) -> None:
        self.chunk = chunk
        self._known = known
        self.count = len(chunk.lines)
        self.wrong: dict[int, Reason] = {}

    def source(self, text: str) -> str | Expression:
        return text if text in self.chunk.columns else source_of(text, self._known)

    def column(self, name: str) -> Values:
        """A column; JSON lines may leave one out for a whole chunk, and it is then empty."""
        import pyarrow as pa

        return self.chunk.columns.get(name) or Typed(pa.nulls(self.count, pa.string()))

    def numbers(self, text: str) -> np.ndarray:
        """A column or an expression as numbers; rows where a column it needs is not a number are rejected."""
        source = self.source(text)
        return self._numbers(source) if isinstance(source, str) else source.evaluate(self._numbers)

    def reject(self, mask: pa.Array, reason: Reason) -> None:
        import numpy as np
        import pyarrow.compute as pc

        for row in np.flatnonzero(pc.fill_null(mask, False).to_numpy(zero_copy_only=False)).tolist():
            self.wrong.setdefault(row, reason)

    def reject_all(self, wrong: Dictionary[int, Reason]) -> None:
        for row, reason in wrong.items():
            self.wrong.setdefault(row, reason)

    def kept(self) -> np.ndarray:
        import numpy as np

        kept = np.ones(self.count, dtype=bool)
        kept[list(self.wrong)] = False
        return kept

    def rejects(self) -> list[Reject]:
        return [Reject(int(self.chunk.lines[row]), reason, self.chunk.row(row)) for row, reason in sorted(self.wrong.items())]

    def _numbers(self, name: str) -> np.ndarray:
        import numpy as np

        column = self.column(name)
        numbers, bad = column.numbers()
        if bad.any():
            texts = column.texts()
            for row in np.flatnonzero(bad).tolist():
                self.wrong.setdefault(
                    row, Reason("{column} is not a number: “{text}”.", {"column": name, "text": shown(texts[row].as_py())})
                )
        return numbers


def _numbers(numbers: np.ndarray) -> pa.Array:
    import pyarrow as pa

    return pa.array(numbers, pa.float64(), from_pandas=True)


def _objects(rows: _Rows, properties: dict[str, Json]) -> pa.Array:
    """One JSON object a row, names in order, without the properties that a row does not have."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if len(properties) > MAX_PROPERTIES:
        raise ImportProblem(
            "An event may have at most {most} properties, these rows have {found}: choose some in the mapping.",
            most=MAX_PROPERTIES,
            found=len(properties),
        )
    if not properties:
        return pa.repeat("{}", rows.count)
    # Not null_handling="skip": pyarrow then drops a row that has no value at all.
    parts = [pc.binary_join_element_wise(f",{canonical(name)}:", found.texts, "") for name, found in sorted(properties.items())]
    joined = pc.binary_join_element_wise(*parts, "", null_handling="replace", null_replacement="")
    objects = pc.binary_join_element_wise("{", pc.utf8_slice_codeunits(joined, 1), "}", "")
    size = MAX_PROPS_BYTES // 1024
    rows.reject(
        pc.greater(pc.binary_length(objects), MAX_PROPS_BYTES), Reason("The row's properties take more than {most} KB.", {"most": size})
    )
    return objects


def _longer(texts: pa.Array, most: int) -> pa.Array:
    import pyarrow.compute as pc

    return pc.greater(pc.utf8_length(texts), most)
