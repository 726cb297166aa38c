"""Do an import and keep its record up to date: how far it is, and what became of the rows."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from django.db import transaction
from django.utils.translation import gettext

from bihuan.collect.imports.errors import ImportProblem, Reason, Reject
from bihuan.collect.imports.mapping import Mapping
from bihuan.collect.imports.plan import Plan
from bihuan.collect.imports.rejects import rejects_file
from bihuan.collect.imports.run import Tally, run_import
from bihuan.collect.imports.sinks import open_sink
from bihuan.collect.models import ImportRun
from bihuan.engine.config import Config
from bihuan.engine.errors import EngineError
from bihuan.govern.audit import record
from bihuan.govern.door import Member
from bihuan.govern.models import Project, Role

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
) -> Tally:
    """Do the import from its beginning, and tell `progress`, and `notice` each reject. What a broken-off attempt stored counts as stored.

    Raises ImportProblem or EngineError, which the record then tells.
    """
    noted = _Noted(run, progress)
    _begin(run, plan)
    try:
        with rejects_file(rejects, say) as write, open_sink(config, project_id=run.project_id, zones=_zones(run.project)) as sink:

            def reject(one: Reject) -> None:
                write(one)
                notice(one)

            tally = run_import(plan, project_id=run.project_id, zone=run.project.timezone, sink=sink, reject=reject, progress=noted)
    except Exception as error:
        noted.save(problem=sentence(error), state=ImportRun.State.FAILED, finished_at=datetime.now(UTC))
        raise
    made = str(rejects) if rejects is not None and tally.rejected else ""
    noted.save(state=ImportRun.State.DONE, finished_at=datetime.now(UTC), rejects=made, progress=1.0)
    return tally


def sentence(error: Exception) -> str:
    """What is wrong, in the present language."""
    if not isinstance(error, ImportProblem | EngineError):
        log.error("An import ended by a mistake of our own", exc_info=error)
        return gettext("Bihuan made a mistake here; the log says what happened.")
    text = gettext(error.msgid)
    return text.format(**error.values) if error.values else text


def _begin(run: ImportRun, plan: Plan) -> None:
    with transaction.atomic():
        if run.started_at is None:
            member = Member(run.project, run.created_by, Role.OWNER, via=run.via)
            record(member=member, verb="import", object_kind="file", object_key=run.file_name[:200], summary=run.digest)
        _save(
            run, state=ImportRun.State.RUNNING, started_at=run.started_at or datetime.now(UTC), problem="", mapping=as_given(plan.mapping)
        )


def as_given(mapping: Mapping) -> dict[str, Any]:
    """The mapping as a person would write it down."""
    return mapping.model_dump(mode="json", exclude_defaults=True)


def _zones(project: Project) -> Callable[[int], ZoneInfo]:
    return {project.pk: ZoneInfo(project.timezone)}.__getitem__


def _save(run: ImportRun, **fields: Any) -> None:
    for name, value in fields.items():
        setattr(run, name, value)
    run.save(update_fields=list(fields))


def _instant(ms: int | None) -> datetime | None:
    return None if ms is None else datetime.fromtimestamp(ms / 1000, UTC)


class _Noted:
    """Keeps the record up to date, at most once a second."""

    def __init__(self, run: ImportRun, progress: Callable[[Tally], None]) -> None:
        self.run = run
        self.tally = Tally()
        self._progress = progress
        self._before = run.rows_stored  # stored by attempts that were broken off
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
        _save(
            self.run,
            rows_read=tally.read,
            rows_stored=max(self._before, tally.stored + again),
            rows_known=tally.duplicates - again,
            rows_rejected=tally.rejected,
            rows_of_nobody=tally.nobody,
            rows_moved=tally.skipped,
            first_at=_instant(tally.first),
            last_at=_instant(tally.last),
            **fields,
        )
