"""The rows of a chunk while they are converted: their columns as the mapping needs them, and which rows are wrong and why."""

from __future__ import annotations

from collections.abc import Mapping as Dictionary
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from bihuan.collect.events import MAX_ID, MAX_PROPERTIES, MAX_PROPS_BYTES, canonical
from bihuan.collect.identity.junk import is_junk
from bihuan.collect.imports.errors import ImportProblem, Reason, Reject, shown
from bihuan.collect.imports.expressions import Expression
from bihuan.collect.imports.mapping import Property, source_of
from bihuan.collect.imports.readers import Chunk
from bihuan.collect.imports.times import LATEST, read_times
from bihuan.collect.imports.values import Json, Typed, Values

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

YES = ("true", "yes", "y", "1", "是", "真", "on")
NO = ("false", "no", "n", "0", "否", "假", "off")


class Rows:
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

    def ids(self, column: str) -> pa.Array:
        """Ids are texts, whatever they look like; those that only say "nobody" are nobody's."""
        import pyarrow as pa

        if not column:
            return pa.nulls(self.count, pa.string())
        ids = self.column(column).texts()
        self.reject(longer(ids, MAX_ID), Reason("The id in {column} has more than {most} characters.", {"column": column, "most": MAX_ID}))
        encoded = ids.dictionary_encode()
        known = [None if text is None or is_junk(text) else text for text in encoded.dictionary.to_pylist()]
        return pa.array(known, pa.string()).take(encoded.indices)

    def json(self, given: Property, zone: str) -> Json:
        """A property's values as JSON, by its type; rows whose value is not of that type are rejected."""
        if not isinstance(self.source(given.value), str):
            return Typed(numbers_of(self.numbers(given.value))).json()
        values = self.column(given.value)
        if given.type == "boolean":
            return self._booleans(given.value, values)
        if given.type == "time":
            return self._instants(given.value, values, zone)
        return values.json(numeric={"auto": None, "text": False, "number": True}[given.type])

    def _booleans(self, name: str, values: Values) -> Json:
        import pyarrow as pa

        texts, found = values.texts().to_pylist(), []
        for row, text in enumerate(texts):
            said = None if text is None else text.lower()
            found.append(None if said is None else "true" if said in YES else "false")
            if said is not None and said not in (*YES, *NO):
                self.wrong.setdefault(row, Reason("{column} is neither yes nor no: “{text}”.", {"column": name, "text": shown(text)}))
        return Typed(pa.array([None if one is None else one == "true" for one in found], pa.bool_())).json()

    def _instants(self, name: str, values: Values, zone: str) -> Json:
        import numpy as np
        import pyarrow as pa

        times = read_times(values, zone=zone, now=LATEST)
        given = np.asarray(values.texts().is_valid())
        for row, reason in times.wrong.items():
            if given[row]:
                self.wrong.setdefault(row, reason)
        texts = [_instant(int(ms)) if there else None for ms, there in zip(times.ms, given, strict=True)]
        return Typed(pa.array(texts, pa.string())).json()

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


def numbers_of(numbers: np.ndarray) -> pa.Array:
    import pyarrow as pa

    return pa.array(numbers, pa.float64(), from_pandas=True)


def objects(rows: Rows, properties: dict[str, Json]) -> pa.Array:
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


def longer(texts: pa.Array, most: int) -> pa.Array:
    import pyarrow.compute as pc

    return pc.greater(pc.utf8_length(texts), most)


def _instant(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="milliseconds" if ms % 1000 else "seconds").replace("+00:00", "Z")
