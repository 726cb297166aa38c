"""The pages of identity: who is who and what needs a decision, the log, one person's ids, and merging and undoing with a preview."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpResponse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext, ngettext
from django.views.decorators.http import require_POST

from bihuan.collect.identity import door
from bihuan.collect.identity.spec import IdentityRules
from bihuan.collect.identity.told import ToldSpec
from bihuan.collect.identity.words import KINDS, STATES, TYPES, WHICH, WHY
from bihuan.engine.errors import EngineError
from bihuan.govern.errors import Conflict, Invalid, NotFound
from bihuan.govern.forms import parse_dotted, validated
from bihuan.govern.web import ProjectRequest, SeeOther, project_view, redirect_to, render_page, sentence

WORDS = {"kinds": KINDS, "states": STATES, "types": TYPES, "why": WHY}


@project_view("view")
def identity(request: ProjectRequest) -> HttpResponse:
    """What needs a decision, what was decided, and how many ids people have."""
    member = request.member
    context: dict[str, Any] = {**WORDS, "rules": door.rules(member)}
    try:
        context["sizes"] = door.overview(member)
        context["most"] = max((people for _, _, people in context["sizes"].by_ids), default=1)
        context |= {which: door.told(member, ToldSpec(which=which, limit=10)) for which in ("open", "merges", "shared", "devices")}
    except EngineError as problem:
        context["problem"] = problem
    return render_page(request, "collect/identity/identity.html", context)


@project_view("view")
def log(request: ProjectRequest) -> HttpResponse:
    """Every link, merge and undo, filtered."""
    document = parse_dotted(request.GET)
    spec, errors = validated(ToldSpec, {name: value for name, value in document.items() if value != ""})
    context: dict[str, Any] = {**WORDS, "which": WHICH, "values": document, "errors": errors}
    if spec is not None:
        try:
            found = door.told(request.member, spec)
        except EngineError as problem:
            context["problem"] = problem
        else:
            context |= {"found": found, "older": _older(document, found)}
    return render_page(request, "collect/identity/log.html", context, panel="collect/identity/log_list.html")


@project_view("view")
def person(request: ProjectRequest, number: int) -> HttpResponse:
    """A person's ids: since when, why, by whom; and what can be undone."""
    member = request.member
    (found,) = door.somebody(member, number)
    rows = door.told(member, ToldSpec(person=found.person, limit=200)).rows
    context = {**WORDS, "found": found, "rows": rows, "because": _because(rows)}
    return render_page(request, "collect/identity/person.html", context)


@project_view(door.RIGHT)
def merge(request: ProjectRequest) -> HttpResponse:
    """Two persons side by side, what merging them would change, and the merge."""
    member = request.member
    given = request.POST if request.method == "POST" else request.GET
    context: dict[str, Any] = {**WORDS, "one": given.get("one", ""), "other": given.get("other", ""), "act": given.get("act", "")}
    try:
        if context["one"] and context["other"]:
            one, other = (door.number_of(member, context[name]) for name in ("one", "other"))
            if request.method == "POST":
                done = door.decide(
                    member=member, verb="merge", one=one, other=other, act=_number(context["act"]), why=request.POST.get("why", "")
                )
                messages.success(request, _merged(done.code))
                return redirect_to(request, "collect:identity_person", project=member.project.key, number=done.persons[0])
            context["preview"] = door.preview_merge(member, one, other)
    except (Invalid, Conflict, NotFound) as error:
        context["error"] = sentence(error)
    except EngineError as problem:
        context["problem"] = problem
    return render_page(request, "collect/identity/merge.html", context, status=422 if "error" in context else 200)


@project_view("view")
def entry(request: ProjectRequest, act: int) -> HttpResponse:
    """One link, merge or proposal: what was said, what undoing it would change; and undoing it."""
    member = request.member
    row = door.entry(member, act)
    context: dict[str, Any] = {**WORDS, "row": row, "rows": [row]}
    if request.method == "POST":
        member.require(door.RIGHT)
        verb: Any = {"undo": "undo", "redo": "redo"}.get(request.POST.get("verb", ""))
        if verb is not None:
            door.decide(member=member, verb=verb, act=act, why=request.POST.get("why", ""))
            messages.success(request, gettext("Undone: it is as if it had never been.") if verb == "undo" else gettext("It holds again."))
        return redirect_to(request, "collect:identity_entry", project=member.project.key, act=act)
    if row.turns:
        try:
            context["preview"] = door.preview_undo(member, row)
        except (Conflict, NotFound) as error:
            context["nothing"] = sentence(error)
    return render_page(request, "collect/identity/entry.html", context)


@require_POST
@project_view(door.RIGHT)
def do(request: ProjectRequest) -> HttpResponse:
    """Dismiss a proposal, let a pair link again, or undo every link of an id."""
    verb: Any = request.POST.get("verb")
    if verb not in ("dismiss", "allow", "detach"):
        raise NotFound("There is no such decision.")
    try:
        done = door.decide(
            member=request.member, verb=verb, one=_number(request.POST.get("one", "")), act=_number(request.POST.get("act", ""))
        )
    except Conflict as error:
        messages.error(request, sentence(error))
    else:
        messages.success(
            request,
            {
                "dismiss": gettext("The proposal is dismissed; the two stay apart."),
                "allow": gettext("The two may be linked again when they come together."),
                "detach": ngettext("It is {count} person now.", "They are {count} persons now.", max(len(done.persons), 1)).format(
                    count=max(len(done.persons), 1)
                ),
            }[verb],
        )
    back = request.POST.get("back", "")
    if url_has_allowed_host_and_scheme(back, allowed_hosts={request.get_host()}):
        return SeeOther(back)
    return redirect_to(request, "collect:identity", project=request.member.project.key)


@project_view(door.RIGHT)
def rules(request: ProjectRequest) -> HttpResponse:
    """What the project sets: shared devices, many devices, junk ids."""
    member = request.member
    now = door.rules(member)
    context: dict[str, Any] = {"values": {**now.model_dump(), "junk": "\n".join(now.junk)}, "errors": {}}
    if request.method == "POST":
        document = {name: request.POST.get(name, "") for name in IdentityRules.model_fields}
        spec, errors = validated(IdentityRules, document)
        if spec is not None:
            door.save_rules(member=member, spec=spec, reason=request.POST.get("reason", ""))
            messages.success(request, gettext("The rules hold within two seconds, for events that come from now on."))
            return redirect_to(request, "collect:identity", project=member.project.key)
        context = {"values": document, "errors": errors}
    return render_page(request, "collect/identity/rules.html", context, status=422 if context["errors"] else 200)


def _because(rows: Any) -> dict[int, Any]:
    """By an id's number, the newest link that it came to its person by."""
    found: dict[int, Any] = {}
    for row in rows:
        if row.state == "holds" and row.other is not None:
            for own in (row.one, row.other):
                found.setdefault(own.number, row)
    return found


def _merged(code: str) -> str:
    if code == "already":
        return gettext("They are one person already: somebody has just done that.")
    return gettext("Merged: every number counts them as one person now.")


def _older(document: Any, found: Any) -> str:
    """The query of the address of the rows before those shown, "" when there are none."""
    return urlencode({**document, "before": found.rows[-1].at.isoformat()}) if found.more else ""


def _number(text: str) -> int:
    return int(text) if text.isdecimal() and len(text) < 19 else 0
