"""Import one source: read, convert, hand over, and go on with the next chunk while the one before is being stored."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from bihuan.collect.events import Outcome
from bihuan.collect.imports.convert import Converted
from bihuan.collect.imports.cursors import Cursor
from bihuan.collect.imports.errors import ImportProblem, Reject
from bihuan.collect.imports.kinds import converter
from bihuan.collect.imports.plan import Plan

if TYPE_CHECKING:
    import pyarrow as pa

Sink = Callable[["pa.Table"], Outcome]  # takes rows of a kind, returns when they are on disk
Progress = Callable[["Tally"], None]


@dataclass(frozen=True)
class Tally:
    """What became of the rows so far: `read` = `stored` + `duplicates` (known before) + `rejected`; of costs, a row is stored as up to
    three numbers and counts once.

    `nobody` of the stored and known ones have no id of a person; `skipped` stood at a local time that the clock skipped. `first` and `last`
    are their times (ms). `done` is the part of the file that is through, 0 to 1, and `total` its number of rows if the file says so.
    `cursor` is how far the source has got, where it can go on later.
    """

    read: int = 0
    stored: int = 0
    duplicates: int = 0
    rejected: int = 0
    nobody: int = 0
    skipped: int = 0
    first: int | None = None
    last: int | None = None
    done: float = 0.0
    total: int | None = None
    cursor: Cursor | None = None

    def to_json(self) -> dict[str, Any]:
        """For the checkpoint of a run."""
        return {**asdict(self), "cursor": self.cursor.to_json() if self.cursor else None}

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> Tally:
        return cls(**{**document, "cursor": Cursor.from_json(document.get("cursor"))})

    def plus(self, converted: Converted, outcome: Outcome, done: float, cursor: Cursor | None) -> Tally:
        """With one more chunk, whose rows had this outcome."""
        kept, rejected = converted.kept, len(converted.rejects) + outcome.quarantined
        times = _span(converted)
        return replace(
            self,
            read=self.read + kept + len(converted.rejects),
            stored=self.stored + kept - outcome.duplicates - outcome.quarantined,
            duplicates=self.duplicates + outcome.duplicates,
            rejected=self.rejected + rejected,
            nobody=self.nobody + converted.nobody,
            skipped=self.skipped + converted.skipped,
            first=min(filter(None, (self.first, *times)), default=None),
            last=max(filter(None, (self.last, *times)), default=None),
            done=done,
            cursor=cursor or self.cursor,
        )


def run_import(
    plan: Plan,
    *,
    project_id: int,
    zone: str,
    sink: Sink,
    reject: Callable[[Reject], None],
    progress: Progress | None = None,
    currency: str = "",
    stamp: int | None = None,
    since: Cursor | None = None,
    begun: Tally | None = None,
) -> Tally:
    """Import the plan's source. `reject` gets each row that is not taken, `progress` the tally after each chunk that is on disk.

    `since` is where the source goes on from; `begun` what an attempt that was broken off has done: of a source that gives the same rows
    again, these are passed over. Raises ImportProblem when the source breaks off in the middle; what was read until then is stored, and
    `progress` was told.
    """
    stamp = stamp or int(time.time() * 1000)
    convert = converter(plan, project_id=project_id, zone=zone, currency=currency, stamp=stamp)
    given = plan.mapping
    start, there = begun or Tally(), begun.read if begun and plan.source.by_rows else 0
    with (
        plan.source.open(encoding=given.encoding, delimiter=given.delimiter, since=since) as reader,
        _Storing(sink, reject, progress, replace(start, total=reader.total)) as storing,
    ):
        for chunk in reader.chunks():
            if there:
                if chunk.size > there:
                    raise ImportProblem("The file is not the one that this import began with: import it anew.")
                there -= chunk.size
                convert.skip(chunk)
            else:
                storing.take(convert.convert(chunk), reader.done(), chunk.cursor)
    return storing.tally


class _Storing:
    """Stores one chunk in a thread of its own while the next one is read; never more than one waits."""

    def __init__(self, sink: Sink, reject: Callable[[Reject], None], progress: Progress | None, tally: Tally) -> None:
        self.tally = tally
        self._sink = sink
        self._reject = reject
        self._progress = progress
        self._thread = ThreadPoolExecutor(1, "import")
        self._pending: tuple[Converted, Future[Outcome], float, Cursor | None] | None = None

    def __enter__(self) -> _Storing:
        return self

    def __exit__(self, *error: object) -> None:
        try:
            self._settle()
        finally:
            self._thread.shutdown()

    def take(self, converted: Converted, done: float, cursor: Cursor | None) -> None:
        self._settle()
        self._pending = converted, self._thread.submit(self._store, converted), done, cursor

    def _store(self, converted: Converted) -> Outcome:
        return self._sink(converted.table) if converted.table.num_rows else Outcome()

    def _settle(self) -> None:
        if self._pending is None:
            return
        (converted, future, done, cursor), self._pending = self._pending, None
        outcome = future.result()
        for one in converted.rejects:
            self._reject(one)
        self.tally = self.tally.plus(converted, outcome, done, cursor)
        if self._progress is not None:
            self._progress(self.tally)


def _span(converted: Converted) -> tuple[int, ...]:
    """The earliest and the latest time, if there is any."""
    at = converted.table["at"].to_numpy()
    return (int(at.min()), int(at.max())) if len(at) else ()
