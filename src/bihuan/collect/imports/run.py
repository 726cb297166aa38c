"""Import one file: read, convert, hand over, and go on with the next chunk while the one before is being stored."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from bihuan.collect.events import Outcome
from bihuan.collect.imports.convert import Converted, Converter
from bihuan.collect.imports.errors import Reject
from bihuan.collect.imports.plan import Plan
from bihuan.collect.imports.readers import open_file

if TYPE_CHECKING:
    import pyarrow as pa

Sink = Callable[["pa.Table"], Outcome]  # takes events, returns when they are on disk
Progress = Callable[["Tally"], None]


@dataclass(frozen=True)
class Tally:
    """What became of the rows so far: `read` = `stored` + `duplicates` (known before) + `rejected`.

    `nobody` of the stored and known ones have no id of a person; `skipped` stood at a local time that the clock skipped. `first` and `last`
    are their times (ms). `done` is the part of the file that is through, 0 to 1, and `total` its number of rows if the file says so.
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

    def plus(self, converted: Converted, outcome: Outcome, done: float) -> Tally:
        """With one more chunk, whose events had this outcome."""
        events, rejected = converted.events.num_rows, len(converted.rejects) + outcome.quarantined
        times = _span(converted)
        return replace(
            self,
            read=self.read + events + len(converted.rejects),
            stored=self.stored + outcome.stored,
            duplicates=self.duplicates + outcome.duplicates,
            rejected=self.rejected + rejected,
            nobody=self.nobody + _of_nobody(converted),
            skipped=self.skipped + converted.skipped,
            first=min(filter(None, (self.first, *times)), default=None),
            last=max(filter(None, (self.last, *times)), default=None),
            done=done,
        )


def run_import(
    plan: Plan, *, project_id: int, zone: str, sink: Sink, reject: Callable[[Reject], None], progress: Progress | None = None
) -> Tally:
    """Import the plan's file. `reject` gets each row that is not taken, `progress` the tally after each chunk that is on disk.

    Raises ImportProblem when the file breaks off in the middle; what was read until then is stored, and `progress` was told.
    """
    converter = Converter(plan, project_id=project_id, zone=zone)
    with (
        open_file(plan.path, encoding=plan.mapping.encoding, delimiter=plan.mapping.delimiter) as reader,
        _Storing(sink, reject, progress, Tally(total=reader.total)) as storing,
    ):
        for chunk in reader.chunks():
            storing.take(converter.convert(chunk), reader.done())
    return storing.tally


class _Storing:
    """Stores one chunk in a thread of its own while the next one is read; never more than one waits."""

    def __init__(self, sink: Sink, reject: Callable[[Reject], None], progress: Progress | None, tally: Tally) -> None:
        self.tally = tally
        self._sink = sink
        self._reject = reject
        self._progress = progress
        self._thread = ThreadPoolExecutor(1, "import")
        self._pending: tuple[Converted, Future[Outcome], float] | None = None

    def __enter__(self) -> _Storing:
        return self

    def __exit__(self, *error: object) -> None:
        try:
            self._settle()
        finally:
            self._thread.shutdown()

    def take(self, converted: Converted, done: float) -> None:
        self._settle()
        self._pending = converted, self._thread.submit(self._store, converted), done

    def _store(self, converted: Converted) -> Outcome:
        return self._sink(converted.events) if converted.events.num_rows else Outcome()

    def _settle(self) -> None:
        if self._pending is None:
            return
        (converted, future, done), self._pending = self._pending, None
        outcome = future.result()
        for one in converted.rejects:
            self._reject(one)
        self.tally = self.tally.plus(converted, outcome, done)
        if self._progress is not None:
            self._progress(self.tally)


def _of_nobody(converted: Converted) -> int:
    events = converted.events
    return int(np.sum(~np.asarray(events["user_id"].is_valid()) & ~np.asarray(events["anonymous_id"].is_valid())))


def _span(converted: Converted) -> tuple[int, ...]:
    """The earliest and the latest time, if there is any."""
    at = converted.events["at"].to_numpy()
    return (int(at.min()), int(at.max())) if len(at) else ()
