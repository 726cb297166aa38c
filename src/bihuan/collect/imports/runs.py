"""Do an import and keep its record up to date: how far it is, and what became of the rows."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from django.db import transaction
from django.utils.translation import gettext

from bihuan.collect.events import Outcome
from bihuan.collect.imports.cursors import Cursor
from bihuan.collect.imports.errors import ImportProblem, Reason, Reject
from bihuan.collect.imports.plan import Plan
from bihuan.collect.imports.rejects import rejects_file
from bihuan.collect.imports.run import Sink, Tally, run_import
from bihuan.collect.imports.sinks import open_sink
from bihuan.collect.models import ImportRun, ImportTask
from bihuan.engine.config import Config
from bihuan.engine.errors import EngineError
from bihuan.govern.audit import record
from bihuan.govern.door import Member
from bihuan.govern.models import Role

log = logging.getLogger(__name__)
NOTE = 1.0  # seconds between two notes of the progress


def perform(
    run: ImportRun,
    plan: Plan,
    *,
    config: Config,
    rejects: Path | None,
    say: Callable[[Reason], str] = str,
    progress: Callable[[Tally], None] = lambda tally: None,
    notice: Callable[[Reject], None] = lambda reject: None,
    since: Cursor | None = None,
) -> Tally:
    """Do the import, and tell `progress`, and `notice` each reject. One that was broken off goes on behind what it has noted as done.

    Raises ImportProblem or EngineError, which the record then tells.
    """
    begun = Tally.from_json(run.checkpoint["tally"]) if run.checkpoint else None
    noted = _Noted(run, progress, begun or Tally(), rejects)
    _begin(run, plan)
    kept = int(run.checkpoint.get("rejects", 0))
    try:
        with rejects_file(rejects, say, kept=kept) as write, _sink(run, plan, config) as sink:

            def reject(one: Reject) -> None:
                write(one)
                notice(one)

            tally = run_import(
                plan,
                project_id=run.project_id,
                zone=run.project.timezone,
                currency=run.project.currency,
                sink=sink,
                reject=reject,
                progress=noted,
                stamp=_stamp(run),
                since=begun.cursor if begun and begun.cursor else since,
                begun=begun if begun and (plan.source.by_rows or begun.cursor) else None,
            )
    except Exception as error:
        noted.save(problem=sentence(error), state=ImportRun.State.FAILED, finished_at=datetime.now(UTC))
        raise
    made = str(rejects) if rejects is not None and tally.rejected else ""
    noted.tally = tally
    noted.save(state=ImportRun.State.DONE, finished_at=datetime.now(UTC), rejects=made, progress=1.0)
    return tally


@contextmanager
def _sink(run: ImportRun, plan: Plan, config: Config) -> Iterator[Sink]:
    if run.dry:
        yield lambda table: Outcome(stored=table.num_rows)
        return
    zones = {run.project.pk: ZoneInfo(run.project.timezone)}.__getitem__
    with open_sink(config, project_id=run.project_id, zones=zones, kind=plan.mapping.kind) as sink:
        yield sink


def _stamp(run: ImportRun) -> int:
    """The time of the import, for rows without one: that of the first import of the same file, so that the same file again changes
    nothing, not even what came in since."""
    first = run.started_at
    if run.digest:
        same = ImportRun.objects.filter(project=run.project, kind=run.kind, digest=run.digest, dry=False, started_at__isnull=False)
        first = same.order_by("started_at").values_list("started_at", flat=True).first() or first
    return int((first or datetime.now(UTC)).timestamp() * 1000)


def sentence(error: Exception) -> str:
    """What is wrong, in the present language."""
    if not isinstance(error, ImportProblem | EngineError):
        log.error("An import ended by a mistake of our own", exc_info=error)
        return gettext("Bihuan made a mistake here; the log says what happened.")
    text = gettext(error.msgid)
    return text.format(**error.values) if error.values else text


def _begin(run: ImportRun, plan: Plan) -> None:
    with transaction.atomic():
        if run.started_at is None and not run.dry:
            member = Member(run.project, run.created_by, Role.OWNER, via=run.via)
            record(member=member, verb="import", object_kind="file", object_key=run.file_name[:200], summary=run.digest)
        _save(run, state=ImportRun.State.RUNNING, started_at=run.started_at or datetime.now(UTC), problem="", mapping=plan.mapping.given())


def _save(run: ImportRun, **fields: Any) -> None:
    for name, value in fields.items():
        setattr(run, name, value)
    run.save(update_fields=list(fields))


def _instant(ms: int | None) -> datetime | None:
    return None if ms is None else datetime.fromtimestamp(ms / 1000, UTC)


class _Noted:
    """Keeps the record up to date, at most once a second: how far it is, and with it where an attempt after this one would go on."""

    def __init__(self, run: ImportRun, progress: Callable[[Tally], None], begun: Tally, rejects: Path | None) -> None:
        self.run = run
        self.tally = begun
        self._progress = progress
        self._rejects = rejects
        self._before = max(run.rows_stored - begun.stored, 0)  # stored by attempts that were broken off, after their last note
        self._at = 0.0

    def __call__(self, tally: Tally) -> None:
        self.tally = tally
        if time.monotonic() - self._at >= NOTE:
            self.save(progress=tally.done)
            self._at = time.monotonic()
        self._progress(tally)

    def save(self, **fields: Any) -> None:
        tally = self.tally
        again = min(self._before, tally.duplicates)
        with transaction.atomic():
            if self.run.task_id and tally.cursor is not None and not self.run.dry:
                ImportTask.objects.filter(pk=self.run.task_id).update(cursor=tally.cursor.to_json())
            _save(
                self.run,
                rows_read=tally.read,
                rows_stored=tally.stored + again,
                rows_known=tally.duplicates - again,
                rows_rejected=tally.rejected,
                rows_of_nobody=tally.nobody,
                rows_moved=tally.skipped,
                first_at=_instant(tally.first),
                last_at=_instant(tally.last),
                checkpoint={"tally": tally.to_json(), "rejects": _size(self._rejects)},
                **fields,
            )


def _size(path: Path | None) -> int:
    return path.stat().st_size if path is not None and path.exists() else 0
