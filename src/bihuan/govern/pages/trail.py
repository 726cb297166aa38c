"""The audit trail's page: every change, newest first, by who, what and when."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.db.models import QuerySet
from django.http import HttpResponse
from django.utils.translation import gettext_lazy as _

from bihuan.govern.audit import changes
from bihuan.govern.forms import whole
from bihuan.govern.models import AuditEntry
from bihuan.govern.web import ProjectRequest, project_view, render_page

PAGE = 50
FILTERS = {"actor": "actor__username", "verb": "verb", "kind": "object_kind", "key": "object_key"}
VERBS = {
    "create": _("created"),
    "change": _("changed"),
    "archive": _("archived"),
    "restore": _("restored"),
    "add": _("added"),
    "remove": _("removed"),
    "revoke": _("revoked"),
    "start": _("started"),
    "stop": _("stopped"),
    "import": _("imported"),
    "launch": _("launched"),
    "pause": _("paused"),
    "resume": _("resumed"),
    "cancel": _("cancelled"),
    "resend": _("sent again"),
}
KINDS = {
    "project": _("project"),
    "member": _("member"),
    "write_key": _("write key"),
    "api_token": _("API token"),
    "segment": _("segment"),
    "metric": _("metric"),
    "board": _("board"),
    "campaign": _("campaign"),
    "import": _("import"),
    "file": _("file"),
}


@project_view("manage")
def trail(request: ProjectRequest) -> HttpResponse:
    """The changes that the address asks for: `actor`, `verb`, `kind`, `key`, and those `before` an entry."""
    rows = AuditEntry.objects.filter(project=request.member.project)
    choices = {
        "actor": [(one, one) for one in _all(rows.exclude(actor=None), "actor__username")],
        "verb": [(one, VERBS.get(one, one)) for one in _all(rows, "verb")],
        "kind": [(one, KINDS.get(one, one)) for one in _all(rows, "object_kind")],
    }
    chosen = {name: request.GET[name] for name in FILTERS if request.GET.get(name)}
    shown = rows.filter(**{FILTERS[name]: value for name, value in chosen.items()}).select_related("actor")
    before = whole(request.GET.get("before", ""))
    if before is not None:
        shown = shown.filter(pk__lt=before)
    entries = list(shown.order_by("-pk")[: PAGE + 1])
    more = urlencode({**chosen, "before": entries[PAGE - 1].pk}) if len(entries) > PAGE else ""
    context: dict[str, Any] = {
        "tab": "audit",
        "choices": choices,
        "chosen": chosen,
        "more": more,
        "entries": [_shown(entry) for entry in entries[:PAGE]],
    }
    return render_page(request, "govern/audit.html", context)


def _all(rows: QuerySet[AuditEntry], field: str) -> list[str]:
    return sorted(set(rows.order_by().values_list(field, flat=True)))


def _shown(entry: AuditEntry) -> dict[str, Any]:
    return {
        "entry": entry,
        "verb": VERBS.get(entry.verb, entry.verb),
        "kind": KINDS.get(entry.object_kind, entry.object_kind),
        "changes": changes(entry.before, entry.after or {}) if entry.before else [],
    }
