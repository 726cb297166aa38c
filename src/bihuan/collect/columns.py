"""Many events of one project as columns: what imports hand to the writer, in the process or as the body of one request."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bihuan.engine.schema import COLUMNS, NUMBER_COLUMNS

if TYPE_CHECKING:
    import pyarrow as pa

Seen = Mapping[tuple[str, str, str], tuple[int, int]]


@dataclass(frozen=True)
class Columns:
    """A batch of events. Each row of `table` (its schema is `schema()`) is one event:

    `event_key` as the store keeps it, `name`, `at` (ms since 1970, UTC), `user_id` and `anonymous_id` (null: none; both null:
    an event of nobody), the typed columns of the store ('' or null: none) and `props`, a canonical JSON object of all others.
    `seen` says which properties came: (event, property, type) -> (first, last ms), as the table `properties_seen` wants them.
    """

    project_id: int
    source: str
    table: pa.Table
    seen: Seen

    def to_bytes(self) -> bytes:
        """The batch as one Arrow IPC stream, with the rest in the schema's metadata."""
        import pyarrow as pa

        about = {"project_id": self.project_id, "source": self.source, "seen": [[*what, *when] for what, when in self.seen.items()]}
        sink = pa.BufferOutputStream()
        table = self.table.replace_schema_metadata({"bihuan": json.dumps(about)})
        with pa.ipc.new_stream(sink, table.schema) as writer:
            writer.write_table(table)
        return bytes(sink.getvalue())

    @classmethod
    def from_bytes(cls, body: bytes) -> Columns:
        """What `to_bytes` wrote. Raises ValueError when it is something else."""
        import pyarrow as pa

        table = pa.ipc.open_stream(body).read_all()
        if not table.schema.equals(schema()):
            raise ValueError("These are not columns of events.")
        about = json.loads(table.schema.metadata[b"bihuan"])
        seen = {(event, name, kind): (first, last) for event, name, kind, first, last in about["seen"]}
        return cls(int(about["project_id"]), str(about["source"]), table.replace_schema_metadata(None), seen)


def schema() -> pa.Schema:
    """The columns of `Columns.table`, in order."""
    import pyarrow as pa

    return pa.schema(
        [
            pa.field("event_key", pa.uint64(), nullable=False),
            pa.field("name", pa.string(), nullable=False),
            pa.field("at", pa.int64(), nullable=False),
            pa.field("user_id", pa.string()),
            pa.field("anonymous_id", pa.string()),
            *(pa.field(name, pa.string()) for name in COLUMNS),
            *(pa.field(name, pa.float64()) for name in NUMBER_COLUMNS),
            pa.field("props", pa.string(), nullable=False),
        ]
    )
