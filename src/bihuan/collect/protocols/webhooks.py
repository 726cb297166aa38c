"""Webhooks of third parties at `/webhooks/<project>/<webhook>`: believed if signed, mapped to events, each delivery's fate noted.

What cannot be mapped is kept in the quarantine and answered with 200: to send it again would not help, and some senders switch a webhook
off that fails. Only what the sender can change is refused, and what is not on disk is answered with 503, so that it comes again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import msgspec

from bihuan.collect.bodies import Refused
from bihuan.collect.events import Outcome
from bihuan.collect.protocols.request import Answer, Request, Route
from bihuan.collect.webhooks.hooks import Hook, Note, body_for_note
from bihuan.engine.errors import Unavailable

_PRIVATE = frozenset({"authorization", "proxy-authorization", "cookie"})


async def _deliver(request: Request) -> Answer:
    from bihuan.collect.webhooks.mapping import Delivery, mapped  # only where there is a webhook, as what it needs is large

    hook = await request.door.hook(request.names["project"], request.names["webhook"])
    body = await request.body.read()
    note = Note(hook.project_id, hook.key, request.received, "forged")
    try:
        _verify(hook, request, body)
    except Refused as error:
        request.door.note(replace(note, detail=str(error)))
        raise
    delivery = Delivery(hook.project_id, hook.key, _headers(hook, request.headers), body, request.received)
    found = mapped(hook.spec, delivery)
    note = replace(note, fate="later", ignored=found.ignored, body=body_for_note(body))
    try:
        outcome = await request.door.keep(found.events, found.rejected)
    except Unavailable as error:
        request.door.note(replace(note, detail=str(error)))
        raise
    detail = found.rejected[0].detail if found.rejected else ""
    request.door.note(_fated(note, outcome, detail))
    answer = {**msgspec.structs.asdict(outcome), "ignored": found.ignored}
    return Answer(200, {**answer, "problems": [one.detail for one in found.rejected[:20]]} if found.rejected else answer)


ROUTES = (
    Route(("POST",), "/webhooks/{project}/{webhook}", _deliver),
    Route(("POST",), "/webhooks/{project}/{webhook}/{secret}", _deliver),
)


def _verify(hook: Hook, request: Request, body: bytes) -> None:
    from bihuan.collect.webhooks.signatures import Forged, verify

    given, delivery = request.names.get("secret", ""), request.headers.get(hook.spec.delivery_header.lower(), "")
    try:
        verify(hook.spec.signature, hook.secrets, request.headers, body, now=request.received / 1000, given=given, delivery=delivery)
    except Forged as error:
        raise Refused(401, error.code, str(error)) from None


def _headers(hook: Hook, headers: Mapping[str, str]) -> dict[str, str]:
    """The headers that a mapping may look at, and the quarantine keeps: none that holds a secret."""
    secret = {hook.spec.signature.header.lower()} if hook.spec.signature.method == "token" else set()
    return {name: value for name, value in headers.items() if name not in _PRIVATE and name not in secret}


def _fated(note: Note, outcome: Outcome, detail: str) -> Note:
    fate = "ignored"
    for name, number in (("quarantined", outcome.quarantined), ("stored", outcome.stored), ("known", outcome.duplicates)):
        if number:
            fate = name
            break
    return replace(note, fate=fate, detail=detail, stored=outcome.stored, known=outcome.duplicates, quarantined=outcome.quarantined)
