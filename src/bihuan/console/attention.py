"""What needs somebody: found in every stage, each with what to do and where."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from django.utils.translation import get_language, gettext, ngettext

from bihuan.act.models import Delivery, Run
from bihuan.catalog.definitions import definitions
from bihuan.catalog.door import scope as scope_of
from bihuan.collect.health import in_words, trouble
from bihuan.collect.models import ImportRun, ImportTask
from bihuan.console.reader import PageReader
from bihuan.engine.config import Config
from bihuan.engine.errors import EngineError
from bihuan.engine.here import engine
from bihuan.engine.question import Scope
from bihuan.govern.door import Member
from bihuan.govern.models import Job, WriteKey

Tone = Literal["danger", "warning", "info"]
GRAVITY: tuple[Tone, ...] = ("danger", "warning", "info")
SILENT_FOR = timedelta(hours=6)
LATELY = timedelta(days=7)


@dataclass(frozen=True)
class Thing:
    """Something to do: a sentence, how grave it is, and the page (under the project's address) where it is done."""

    tone: Tone
    icon: str
    text: str
    path: str
    action: str


def things_to_do(member: Member, now: datetime) -> list[Thing]:
    """Everything that needs somebody in this project, the gravest first."""
    found = [*_data(member, now), *_work(member, now), *_campaigns(member)]
    return sorted(found, key=lambda thing: GRAVITY.index(thing.tone))


def _data(member: Member, now: datetime) -> Iterator[Thing]:
    scope = scope_of(member, now=now)
    found = trouble(Config.from_env())
    if found is not None:
        yield Thing("danger", "database-off", in_words(found, member.project.timezone), "sources/", gettext("Look"))
    try:
        fresh_to = engine().version(scope.project_id).fresh_to
        refused = quarantined_since(scope, now - timedelta(days=1))
    except EngineError:
        yield Thing("danger", "database-off", gettext("The event store does not answer just now; it starts again by itself."), "", "")
        return
    if fresh_to is None:
        if not WriteKey.objects.filter(project=member.project, revoked_at=None).exists():
            yield Thing(
                "info", "key", gettext("Make a write key and send your first event, or import a file."), "sources/", gettext("Connect")
            )
        else:
            yield Thing("info", "plug-connected", gettext("Send the first event with your write key."), "sources/", gettext("How to send"))
    elif now - fresh_to > SILENT_FOR:
        since = PageReader(get_language() or "en").duration((now - fresh_to).total_seconds())
        yield Thing("warning", "plug", gettext("No event has arrived for {duration}.").format(duration=since), "live/", gettext("Look"))
    if refused:
        text = ngettext("{count} event was refused in the last 24 hours.", "{count} events were refused in the last 24 hours.", refused)
        yield Thing("warning", "shield-lock", text.format(count=f"{refused:,}"), "quarantine/", gettext("See why"))


def quarantined_since(scope: Scope, since: datetime) -> int:
    """How many events were refused since then."""
    rows = engine().store.fetch(
        "SELECT count() AS number FROM quarantine WHERE project_id = {project:UInt32} AND received_at >= {since:DateTime64(3, 'UTC')}",
        {"project": scope.project_id, "since": since},
    )
    return int(rows.rows[0]["number"])


def _work(member: Member, now: datetime) -> Iterator[Thing]:
    failed = Job.objects.filter(project=member.project, state=Job.State.FAILED, finished_at__gte=now - LATELY).count()
    if failed:
        text = ngettext("{count} job failed in the last days.", "{count} jobs failed in the last days.", failed)
        yield Thing("danger", "alert-triangle", text.format(count=failed), "settings/jobs/", gettext("See why"))
    if member.can("act"):
        for run in ImportRun.objects.filter(project=member.project, state=ImportRun.State.UPLOADED)[:3]:
            text = gettext("The file {name} waits to be checked and imported.").format(name=run.file_name)
            yield Thing("info", "file-import", text, f"imports/{run.pk}/", gettext("Check"))
        for task in ImportTask.objects.filter(definition__project=member.project, definition__state="live", failures__gt=0)[:5]:
            text = ngettext(
                "The import “{name}” has failed.", "The import “{name}” has failed {count} times in a row.", task.failures
            ).format(name=task.definition.name, count=task.failures)
            yield Thing("danger", "database-import", text, f"imports/regular/{task.definition.key}/", gettext("See why"))


def _campaigns(member: Member) -> Iterator[Thing]:
    launched = dict(Run.objects.filter(project=member.project).values_list("key", "state"))
    for definition in definitions(member, "campaign"):
        if definition.key not in launched and member.can("act"):
            text = gettext("The campaign “{name}” is a draft: review and launch it.").format(name=definition.name)
            yield Thing("info", "mail", text, f"campaigns/{definition.key}/", gettext("Review"))
    for run in Run.objects.filter(project=member.project).exclude(state__in=(Run.State.DONE, Run.State.CANCELLED)):
        uncertain = Delivery.objects.filter(run=run, state=Delivery.State.UNCERTAIN).count()
        if run.trouble:
            text = gettext("The campaign “{name}” has stopped: {trouble}").format(name=run.name, trouble=gettext(run.trouble))
            yield Thing("danger", "mail", text, f"campaigns/{run.key}/", gettext("Look"))
        elif uncertain:
            text = ngettext(
                "{count} message of “{name}” may or may not have been sent.",
                "{count} messages of “{name}” may or may not have been sent.",
                uncertain,
            )
            yield Thing("warning", "mail", text.format(count=uncertain, name=run.name), f"campaigns/{run.key}/", gettext("Look"))
