"""Rows as what is known of persons: their ids, and the properties that hold from a time on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bihuan.collect.events import canonical
from bihuan.collect.imports.convert import Converted
from bihuan.collect.imports.errors import Reason
from bihuan.collect.imports.mapping import PersonsMapping, Trait, property_name
from bihuan.collect.imports.plan import Plan
from bihuan.collect.imports.readers import Chunk
from bihuan.collect.imports.rows import Rows, objects
from bihuan.collect.imports.times import read_times
from bihuan.collect.imports.values import Json

if TYPE_CHECKING:
    import pyarrow as pa

NO_ID = Reason("The row has no id of a person.")


class PersonsConverter:
    """Turns chunks into persons. `stamp` (ms) is the time of the import, which holds for rows without one of their own."""

    def __init__(self, plan: Plan, *, zone: str, stamp: int) -> None:
        assert isinstance(plan.mapping, PersonsMapping)
        self.mapping = plan.mapping
        self.zone = plan.mapping.zone or zone
        self._known = frozenset(plan.columns)
        self._stamp = stamp

    def skip(self, chunk: Chunk) -> None:
        """There is nothing to count."""

    def convert(self, chunk: Chunk) -> Converted:
        """A table of `user_id`, `anonymous_id`, `ids`, `traits` and `once` (JSON objects or null), and `at`."""
        import numpy as np
        import pyarrow as pa
        import pyarrow.compute as pc

        rows = Rows(chunk, self._known)
        users, anonymous = rows.ids(self.mapping.person), rows.ids(self.mapping.anonymous)
        further = {kind: rows.ids(column) for kind, column in self.mapping.ids.items()}
        nobody = pc.and_(pc.is_null(users), pc.is_null(anonymous))
        for ids in further.values():
            nobody = pc.and_(nobody, pc.is_null(ids))
        rows.reject(nobody, NO_ID)
        at, moved = self._times(rows)
        traits = self._traits(rows)
        table = pa.table(
            {
                "user_id": users,
                "anonymous_id": anonymous,
                "ids": _ids(rows, further),
                "traits": _object(rows, {name: json for name, (given, json) in traits.items() if not given.once}),
                "once": _object(rows, {name: json for name, (given, json) in traits.items() if given.once}),
                "at": at,
            }
        )
        kept = rows.kept()
        table = table.filter(kept) if rows.wrong else table
        rejects = sorted([*chunk.rejects, *rows.rejects()], key=lambda reject: reject.line)
        return Converted(table, tuple(rejects), int((moved & kept).sum()) if isinstance(moved, np.ndarray) else 0, table.num_rows)

    def _times(self, rows: Rows) -> tuple[object, object]:
        import numpy as np

        given = self.mapping.time
        if given is None:
            return np.full(rows.count, self._stamp, dtype=np.int64), None
        times = read_times(rows.column(given.column), zone=self.zone, now=self._stamp, pattern=given.format, unit=given.unit)
        rows.reject_all(times.wrong)
        return times.ms, times.skipped

    def _traits(self, rows: Rows) -> dict[str, tuple[Trait, Json]]:
        given = self.mapping.traits
        if given is None:
            used = self.mapping.used()
            given = {property_name(column): Trait(value=column) for column in rows.chunk.columns if column not in used}
        return {name: (one, rows.json(one, self.zone)) for name, one in given.items()}


def _ids(rows: Rows, further: dict[str, pa.Array]) -> pa.Array:
    """The further ids of each row as a JSON object of texts."""
    import pyarrow as pa

    texts = {kind: ids.to_pylist() for kind, ids in further.items()}
    if not texts:
        return pa.nulls(rows.count, pa.string())
    made = []
    for place in range(rows.count):
        found = {kind: values[place] for kind, values in texts.items() if values[place] is not None}
        made.append(canonical(found) if found else None)
    return pa.array(made, pa.string())


def _object(rows: Rows, found: dict[str, Json]) -> pa.Array:
    import pyarrow as pa

    return objects(rows, found) if found else pa.nulls(rows.count, pa.string())
