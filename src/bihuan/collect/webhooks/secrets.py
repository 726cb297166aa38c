"""The secrets of webhooks: made or taken over by an owner, shown once, replaced with a time in which both are right."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime, timedelta

from django.db import transaction

from bihuan.catalog.definitions import definition
from bihuan.collect.models import WebhookSecret
from bihuan.govern.audit import record
from bihuan.govern.door import Member
from bihuan.govern.errors import Invalid

OVERLAP = timedelta(hours=24)
SHORTEST, LONGEST = 16, 500
SHOWN = 4


def secrets_of(member: Member, webhook: str) -> list[WebhookSecret]:
    """Those that are right now, the present one first. Their text is for nobody's eyes."""
    member.require("view")
    now = datetime.now(UTC)
    found = WebhookSecret.objects.filter(project=member.project, webhook=webhook).select_related("created_by").defer("secret")
    return [one for one in found if one.until is None or one.until > now]


def set_secret(*, member: Member, webhook: str, own: str = "") -> str:
    """Make a secret, or take over the sender's `own`. The one before stays right for a day, so that the sender can be changed in between.

    Returns it: the only time that it is shown.
    """
    member.require("manage")
    definition(member, "webhook", webhook)
    own = own.strip()
    if own and not SHORTEST <= len(own) <= LONGEST:
        raise Invalid("A secret must have {least} to {most} characters.", where="own", least=SHORTEST, most=LONGEST)
    if own and (not own.isascii() or not own.isprintable() or " " in own):
        raise Invalid("A secret has letters, digits and signs only, and no spaces.", where="own")
    secret = own or secrets.token_urlsafe(32)
    with transaction.atomic():
        earlier = WebhookSecret.objects.filter(project=member.project, webhook=webhook, until=None)
        changed = earlier.update(until=datetime.now(UTC) + OVERLAP)
        WebhookSecret.objects.create(project=member.project, webhook=webhook, secret=secret, hint=secret[-SHOWN:], created_by=member.user)
        record(member=member, verb="change" if changed else "create", object_kind="webhook_secret", object_key=webhook)
    return secret


def end_earlier(*, member: Member, webhook: str) -> None:
    """Secrets before the present one are right no longer, from now on."""
    member.require("manage")
    with transaction.atomic():
        now = datetime.now(UTC)
        ended = now - timedelta(milliseconds=1)  # the collector's clock has milliseconds
        if WebhookSecret.objects.filter(project=member.project, webhook=webhook, until__gt=now).update(until=ended):
            record(member=member, verb="revoke", object_kind="webhook_secret", object_key=webhook)
