"""Who is who, over HTTP: what a merge or an undo would change, and doing it."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any, Literal

from django.http import HttpRequest
from ninja import Path, Router, Schema
from pydantic import Field

from bihuan.collect.identity import door
from bihuan.console.api.errors import Error

router = Router(tags=["Identity"])
REFUSALS = {401: Error, 403: Error, 404: Error, 409: Error, 422: Error, 503: Error}
Number = Annotated[int, Field(ge=0, lt=2**63)]


class Decision(Schema):
    """`merge` takes the persons of the numbers `one` and `other` (and the proposal `act`, if it confirms one), `detach` the id `one`,
    the others the entry `act` of the log (question `identity_log`)."""

    verb: Literal["merge", "undo", "redo", "allow", "dismiss", "detach"]
    one: Number = 0
    other: Number = 0
    act: Number = 0
    why: Annotated[str, Field(max_length=500)] = ""


class Decided(Schema):
    """`already`: it was so before. `entry` is the log's new entry, `persons` those whom the ids belong to now; `together`: other links
    still make one person of what was to be taken apart."""

    code: Literal["done", "already"]
    entry: int
    persons: list[int]
    together: bool


@router.post("/preview", response={200: dict[str, Any], **REFUSALS}, operation_id="preview_identity")
def preview(request: HttpRequest, project: Path[str], body: Decision) -> Any:
    """The persons, and the people counted, before and after a merge, an undo or a redo."""
    from bihuan.console.api.app import member_of

    member = member_of(request, project)
    if body.verb == "merge":
        found = door.preview_merge(member, body.one, body.other)
    else:
        found = door.preview_undo(member, door.entry(member, body.act))
    return asdict(found)


@router.post("/decide", response={200: Decided, **REFUSALS}, operation_id="decide_identity")
def decide(request: HttpRequest, project: Path[str], body: Decision) -> Any:
    """Merge, undo, redo, dismiss a proposal, let a pair link again, or undo every link of an id."""
    from bihuan.console.api.app import member_of

    done = door.decide(member=member_of(request, project), verb=body.verb, one=body.one, other=body.other, act=body.act, why=body.why)
    return {"code": done.code, "entry": done.act, "persons": list(done.persons), "together": done.together}
