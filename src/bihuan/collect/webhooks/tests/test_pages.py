"""The pages of webhooks: made, tried out, given a secret that is shown once, looked at, and mapped again after mending."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from msgspec.structs import replace

from bihuan.catalog.definitions import definition, save_definition, spec_of
from bihuan.catalog.models import Revision
from bihuan.collect.client import Collector
from bihuan.collect.events import Outcome
from bihuan.collect.models import WebhookDelivery, WebhookSecret
from bihuan.collect.webhooks.hooks import HOOKS, SECRETS, Hooks, Note, moment_of
from bihuan.collect.webhooks.mapping import Delivery, mapped
from bihuan.collect.webhooks.presets import OWN, PRESETS, STRIPE
from bihuan.collect.webhooks.secrets import end_earlier, set_secret
from bihuan.collect.webhooks.spec import WebhookSpec
from bihuan.collect.writer import Writer
from bihuan.engine.question import Scope
from bihuan.govern.errors import Forbidden, Invalid
from bihuan.govern.forms import to_dotted
from bihuan.govern.models import AuditEntry
from bihuan.govern.tests.cast import Cast

pytestmark = pytest.mark.django_db


def text(response: Any) -> str:
    return re.sub(r"\s+", " ", response.content.decode())


def posted(spec: WebhookSpec, **more: str) -> dict[str, Any]:
    return {**dict(to_dotted(spec)), "name": "Shop orders", **more}


@pytest.fixture
def hook(cast: Cast) -> Cast:
    save_definition(member=cast.alice, kind="webhook", key="orders", name="Orders", spec=OWN.spec)
    return cast


def operator(cast: Cast) -> Any:
    return cast.client(cast.alice)


def test_each_preset_fills_the_form_and_can_be_saved(cast: Cast) -> None:
    client = operator(cast)
    for preset in PRESETS:
        page = client.get(f"/p/shop/webhooks/new/?preset={preset.key}")
        assert page.status_code == 200
        assert text(page).count('name="event"') == 1
        assert "None" not in text(page)
    made = client.post("/p/shop/webhooks/new/", posted(STRIPE.spec))
    assert made.status_code == 303, text(made)
    assert spec_of(definition(cast.alice, "webhook", "shop-orders")) == STRIPE.spec


def test_a_mistake_is_shown_where_it_is(cast: Cast) -> None:
    page = operator(cast).post(
        "/p/shop/webhooks/new/", {**posted(OWN.spec), "event": "a b", "properties.0.name": "x", "properties.0.from": "'"}
    )
    assert page.status_code == 422
    assert "a dot, + or | is missing" in text(page)
    assert "properties.0.from" in text(page)


def test_a_mapping_is_tried_without_storing(cast: Cast) -> None:
    client = operator(cast)
    tried = text(client.post("/p/shop/webhooks/try/", {**posted(STRIPE.spec), "sample": STRIPE.sample}))
    assert "payment_intent.succeeded" in tried
    assert "ann@tea.example" in tried
    assert "evt_1N" in tried
    assert "there is nothing, not the name" in text(client.post("/p/shop/webhooks/try/", {**posted(STRIPE.spec), "sample": '{"id": "e"}'}))
    assert "not JSON" in text(client.post("/p/shop/webhooks/try/", {**posted(STRIPE.spec), "sample": "{"}))
    assert "This is needed" in text(client.post("/p/shop/webhooks/try/", {"sample": "{}"}))


def test_a_secret_is_shown_once_and_stands_nowhere_else(hook: Cast) -> None:
    client = operator(hook)
    shown = text(client.post("/p/shop/webhooks/orders/secret/", {"own": "whsec_0123456789abcdef"}))
    assert "whsec_0123456789abcdef" in shown
    assert "…cdef" in shown
    page = text(client.get("/p/shop/webhooks/orders/"))
    for place in (
        page,
        json.dumps(list(AuditEntry.objects.values()), default=str),
        json.dumps(list(Revision.objects.values()), default=str),
    ):
        assert "whsec_0123456789" not in place
    assert AuditEntry.objects.filter(object_kind="webhook_secret", verb="create").count() == 1


def test_only_an_owner_makes_a_secret_and_a_bad_one_is_refused(hook: Cast) -> None:
    assert hook.client(hook.vera).post("/p/shop/webhooks/orders/secret/", {}).status_code == 403
    with pytest.raises(Forbidden):
        set_secret(member=hook.vera, webhook="orders")
    for own in ("short", "x" * 501, "with a space in it", "not-ascii-密钥-long-enough"):
        with pytest.raises(Invalid):
            set_secret(member=hook.alice, webhook="orders", own=own)
    assert "16 to 500" in text(operator(hook).post("/p/shop/webhooks/orders/secret/", {"own": "short"}))


def test_the_one_before_stays_right_for_a_day_unless_it_is_ended(hook: Cast) -> None:
    first, second = set_secret(member=hook.alice, webhook="orders"), set_secret(member=hook.alice, webhook="orders")
    assert right_now() == {first, second}
    end_earlier(member=hook.alice, webhook="orders")
    assert right_now() == {second}
    WebhookSecret.objects.filter(until=None).update(until=datetime.now(UTC) - timedelta(seconds=1))
    assert right_now() == set()


def right_now() -> set[str]:
    """What the collector reads, by its own statement."""
    with connection.cursor() as cursor:
        cursor.execute(SECRETS.format(now="%s"), [moment_of(int(datetime.now(UTC).timestamp() * 1000), as_text=True)])
        return {row[2] for row in cursor.fetchall()}


def test_what_the_collector_reads_and_writes_is_what_the_models_hold(hook: Cast) -> None:
    hooks = Hooks()
    secret = set_secret(member=hook.alice, webhook="orders")
    with connection.cursor() as cursor:
        cursor.execute(HOOKS)
        hooks.take(cursor.fetchall(), [(hook.project.pk, "orders", secret)])
        found = hooks.of("shop", "orders")
        assert found is not None
        assert (found.project_id, found.spec, found.secrets) == (hook.project.pk, OWN.spec, (secret,))
        for n in range(70):
            hooks.note(Note(hook.project.pk, "orders", 1_773_000_000_000 + n, "stored", stored=1))
            if n % 20 == 0:
                hooks.save(_Connection(cursor), "%s", lambda ms: moment_of(ms, as_text=True))
        hooks.save(_Connection(cursor), "%s", lambda ms: moment_of(ms, as_text=True))
    kept = WebhookDelivery.objects.filter(webhook="orders")
    assert kept.count() == 50
    assert kept[0].at == datetime(2026, 3, 8, 20, 0, 0, 69_000, UTC)


class _Connection:
    """A cursor as the connection that the collector has."""

    def __init__(self, cursor: Any) -> None:
        self.execute = cursor.execute

    def commit(self) -> None: ...


def test_a_delivery_is_shown_with_its_fate_and_its_body_only_to_whom_private_things_are_shown(hook: Cast) -> None:
    WebhookDelivery.objects.create(
        project=hook.project, webhook="orders", at=datetime.now(UTC), fate="forged", detail="The header X is missing.", body="phone 138"
    )
    assert "phone 138" in text(operator(hook).get("/p/shop/webhooks/orders/"))
    seen = text(hook.client(hook.vera).get("/p/shop/webhooks/orders/", headers={"HX-Request": "true"}))
    assert "Not believed" in seen
    assert "The header X is missing." in seen
    assert "phone 138" not in seen
    assert "<html" not in seen


def test_what_is_in_quarantine_is_mapped_again_after_mending(
    hook: Cast, scope: Scope, writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = b'{"name": "Paid", "id": 7}'
    refused = mapped(OWN.spec, Delivery(hook.project.pk, "orders", {}, body, int(datetime.now(UTC).timestamp() * 1000))).rejected
    assert writer.submit([], refused).result(30) == Outcome(quarantined=1)
    client = operator(hook)
    assert "1 delivery is in quarantine" in text(client.get("/p/shop/webhooks/orders/"))
    save_definition(member=hook.alice, kind="webhook", key="orders", name="Orders", spec=OWN.spec.model_copy(update={"event": "name"}))
    monkeypatch.setattr(Collector, "send", lambda _self, events: writer.submit(list(events)).result(30))
    for stored in ("1 event is stored now", "0 events are stored now"):
        seen = text(client.post("/p/shop/webhooks/orders/retry/", follow=True))
        assert f"{stored}; 0 were known already; 0 still" in seen
        assert "in quarantine." not in seen
    save_definition(member=hook.alice, kind="webhook", key="orders", name="Orders", spec=OWN.spec)
    assert writer.submit([], [replace(refused[0], body=refused[0].body.replace(" 7", " 8"), key="8")]).result(30) == Outcome(quarantined=1)
    assert "; 1 still cannot be mapped" in text(client.post("/p/shop/webhooks/orders/retry/", follow=True))
    assert "1 delivery is in quarantine" in text(client.get("/p/shop/webhooks/orders/"))


def test_an_archived_webhook_says_that_it_refuses(hook: Cast) -> None:
    client = operator(hook)
    client.post("/p/shop/webhooks/orders/archive/")
    assert "deliveries are refused" in text(client.get("/p/shop/webhooks/orders/"))
    with connection.cursor() as cursor:
        cursor.execute(HOOKS)
        assert cursor.fetchall() == []


def test_the_pages_speak_chinese_and_are_closed_to_strangers(hook: Cast) -> None:
    for page in ("", "orders/", "new/"):
        seen = operator(hook).get(f"/p/shop/webhooks/{page}", headers={"Accept-Language": "zh-hans"})
        assert "Webhook" in text(seen)
        assert hook.client(hook.charlie).get(f"/p/shop/webhooks/{page}").status_code == 404
