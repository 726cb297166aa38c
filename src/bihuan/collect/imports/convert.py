"""A chunk of a file's rows as events in columns: each row is kept whole or rejected with its reason, never half."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from bihuan.collect.events import MAX_NAME
from bihuan.collect.imports.errors import Reason, Reject
from bihuan.collect.imports.keys import LineKeys, hashes
from bihuan.collect.imports.mapping import Mapping, Property, property_name
from bihuan.collect.imports.plan import Plan
from bihuan.collect.imports.readers import Chunk
from bihuan.collect.imports.rows import Rows, longer, numbers_of, objects
from bihuan.collect.imports.times import read_times
from bihuan.collect.imports.values import Typed
from bihuan.engine.schema import COLUMNS

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

SOURCE = "import"
MAX_COLUMN = 1_000  # characters of a built-in column


@dataclass(frozen=True)
class Converted:
    """What the rows became, as the sink of their kind wants it (events: `Writer.submit_columns`), those that became nothing in the
    order of their lines, how many rows were `kept`, how many of these have no id of a person (`nobody`), and how many stood at a local
    time that the clock skipped and were moved by the gap."""

    table: pa.Table
    rejects: tuple[Reject, ...]
    skipped: int
    kept: int
    nobody: int = 0


class Converter(Protocol):
    """Turns chunks of one source, in order, into what is stored. `skip` passes over a chunk that is stored already."""

    def convert(self, chunk: Chunk) -> Converted: ...

    def skip(self, chunk: Chunk) -> None: ...


class EventsConverter:
    """Turns chunks, in order, into events of one project. `zone` is that of times without an offset."""

    def __init__(self, plan: Plan, *, project_id: int, zone: str, source: str = SOURCE) -> None:
        assert isinstance(plan.mapping, Mapping)
        mapping = self.mapping = plan.mapping
        self.zone = mapping.zone or zone
        self._known = frozenset(plan.columns)
        self._owner = f"{project_id}\0{source}\0".encode()
        self._part = ""
        self._begin(plan.shape)

    def convert(self, chunk: Chunk) -> Converted:
        """The events of the chunk's rows."""
        import numpy as np
        import pyarrow as pa

        self._follow(chunk)
        rows = Rows(chunk, self._known)
        keys = self._keys(rows)
        given = self.mapping.time
        now = int(time.time() * 1000)
        times = read_times(rows.column(given.column), zone=self.zone, now=now, pattern=given.format, unit=given.unit)
        rows.reject_all(times.wrong)
        users, anonymous = rows.ids(self.mapping.person), rows.ids(self.mapping.anonymous)
        columns = {"event_key": keys, "name": self._names(rows), "at": times.ms, "user_id": users, "anonymous_id": anonymous}
        columns |= self._properties(rows)
        table = pa.table(columns)
        kept = rows.kept()
        nobody = ~np.asarray(users.is_valid()) & ~np.asarray(anonymous.is_valid()) & kept
        rejects = sorted([*chunk.rejects, *rows.rejects()], key=lambda reject: reject.line)
        table = table.filter(kept) if rows.wrong else table
        return Converted(table, tuple(rejects), int((times.skipped & kept).sum()), table.num_rows, int(nobody.sum()))

    def skip(self, chunk: Chunk) -> None:
        """Only count its lines, so that those behind it get the keys that they would have had."""
        self._follow(chunk)
        self._keys(Rows(chunk, self._known))

    def _begin(self, shape: bytes) -> None:
        self._seed = self._owner + self.mapping.dataset.encode() + b"\0" + shape + b"\0"
        self._lines = LineKeys()

    def _follow(self, chunk: Chunk) -> None:
        """Each file of several has its own lines."""
        if chunk.part != self._part:
            self._part = chunk.part
            self._begin(chunk.shape)

    def _keys(self, rows: Rows) -> np.ndarray:
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

    def _names(self, rows: Rows) -> pa.Array:
        import pyarrow as pa
        import pyarrow.compute as pc

        if not self.mapping.event_column:
            return pa.repeat(self.mapping.event, rows.count)
        names = rows.column(self.mapping.event_column).texts()
        rows.reject(
            pc.is_null(names), Reason("The row does not say which event it is: {column} is empty.", {"column": self.mapping.event_column})
        )
        rows.reject(longer(names, MAX_NAME), Reason("The event's name has more than {most} characters.", {"most": MAX_NAME}))
        return names

    def _properties(self, rows: Rows) -> dict[str, pa.Array]:
        """The built-in columns, and all other properties as one canonical JSON object a row."""
        mapped = self._mapped(rows)
        found = {name: self._column(rows, mapped.pop(name)) for name in COLUMNS if name in mapped}
        revenue = mapped.pop("revenue", None)
        money = self.mapping.revenue or (revenue.value if revenue else "")
        if money:
            found["revenue"] = numbers_of(rows.numbers(money))
        found["props"] = objects(rows, {name: rows.json(given, self.zone) for name, given in mapped.items()})
        return found

    def _mapped(self, rows: Rows) -> dict[str, Property]:
        if self.mapping.properties is not None:
            return dict(self.mapping.properties)
        used = self.mapping.used()
        return {property_name(column): Property(value=column) for column in rows.chunk.columns if column not in used}

    def _column(self, rows: Rows, given: Property) -> pa.Array:
        import pyarrow.compute as pc

        source = rows.source(given.value)
        texts = rows.column(source).texts() if isinstance(source, str) else Typed(numbers_of(rows.numbers(given.value))).texts()
        return pc.utf8_slice_codeunits(texts, 0, MAX_COLUMN)
