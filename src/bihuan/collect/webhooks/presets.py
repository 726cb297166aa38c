"""How well-known senders sign, and a mapping to begin with: each as its own documentation describes it."""

from __future__ import annotations

from typing import NamedTuple

from bihuan.collect.webhooks.spec import Condition, Named, Signature, TypedId, WebhookSpec


class Preset(NamedTuple):
    """`sample` is a body such as the sender posts, with which the mapping can be tried; `headers` go with it."""

    key: str
    name: str
    spec: WebhookSpec
    sample: str
    headers: str = ""


GITHUB = Preset(
    "github",
    "GitHub",
    WebhookSpec(
        signature=Signature(header="X-Hub-Signature-256", prefix="sha256="),
        delivery_header="X-GitHub-Delivery",
        event="'GitHub ' + @headers.x-github-event + ' ' + action | 'GitHub ' + @headers.x-github-event",
        user="sender.login",
        properties=(
            Named(name="repository", from_="repository.full_name"),
            Named(name="title", from_="pull_request.title | issue.title | release.name"),
        ),
    ),
    '{"action": "opened", "issue": {"number": 7, "title": "The kettle whistles"},\n '
    '"repository": {"full_name": "tea/shop"}, "sender": {"login": "ann"}}',
    "X-GitHub-Event: issues\nX-GitHub-Delivery: 0c1f6b9e-72aa-4c5b-9d3e-1f2a3b4c5d6e",
)
STRIPE = Preset(
    "stripe",
    "Stripe",
    WebhookSpec(
        signature=Signature(header="Stripe-Signature", form="list", signed="{timestamp}.{body}"),
        id="id",
        time="created",
        event="type",
        user="data.object.metadata.user_id | data.object.client_reference_id",
        ids=(TypedId(type="email", from_="data.object.receipt_email | data.object.customer_details.email"),),
        properties=(
            Named(name="amount_in_cents", from_="data.object.amount | data.object.amount_total"),
            Named(name="currency", from_="data.object.currency"),
            Named(name="customer", from_="data.object.customer"),
        ),
    ),
    '{"id": "evt_1N", "type": "payment_intent.succeeded", "created": 1773000000,\n "data": {"object": {"amount": 12850, "currency": "cny", '
    '"customer": "cus_9", "receipt_email": "ann@tea.example"}}}',
)
SHOPIFY = Preset(
    "shopify",
    "Shopify",
    WebhookSpec(
        signature=Signature(header="X-Shopify-Hmac-Sha256", encoding="base64"),
        delivery_header="X-Shopify-Webhook-Id",
        event="'Shopify ' + @headers.x-shopify-topic",
        time="processed_at | created_at",
        user="customer.id",
        ids=(TypedId(type="email", from_="customer.email"), TypedId(type="phone", from_="customer.phone")),
        properties=(
            Named(name="revenue", from_="total_price"),
            Named(name="currency", from_="currency"),
            Named(name="order", from_="name"),
        ),
    ),
    '{"id": 820982, "name": "#1001", "created_at": "2026-03-08T20:00:00+08:00", "total_price": "128.50", "currency": "CNY",\n '
    '"customer": {"id": 115310, "email": "ann@tea.example"}}',
    "X-Shopify-Topic: orders/paid\nX-Shopify-Webhook-Id: b54557e4-bdd9-4b37-8a5f-bf7d70bcd043",
)
STANDARD = Preset(
    "standard",
    "Standard Webhooks (Svix, Clerk, Resend …)",
    WebhookSpec(
        signature=Signature(
            header="Webhook-Signature",
            prefix="v1,",
            encoding="base64",
            signed="{id}.{timestamp}.{body}",
            key="base64",
            timestamp_header="Webhook-Timestamp",
        ),
        delivery_header="Webhook-Id",
        event="type",
        time="timestamp",
        user="data.user_id",
        properties=(),
        all_of="data",
    ),
    '{"type": "invoice.paid", "timestamp": "2026-03-08T20:00:00Z", "data": {"user_id": "u-1", "total": 128.5}}',
    "Webhook-Id: msg_1",
)
GITLAB = Preset(
    "gitlab",
    "GitLab",
    WebhookSpec(
        signature=Signature(method="token", header="X-Gitlab-Token"),
        delivery_header="X-Gitlab-Event-UUID",
        event="'GitLab ' + object_kind",
        user="user.username | user_username",
        properties=(Named(name="project", from_="project.path_with_namespace"), Named(name="title", from_="object_attributes.title")),
    ),
    '{"object_kind": "issue", "user": {"username": "ann"}, "project": {"path_with_namespace": "tea/shop"},\n '
    '"object_attributes": {"title": "The kettle whistles"}}',
    "X-Gitlab-Event-UUID: 13792a34-cac6-4fda-95a8-c58e00a3954e",
)
BEARER = Preset(
    "bearer",
    "A token in the header Authorization",
    WebhookSpec(
        signature=Signature(method="token", header="Authorization", prefix="Bearer "),
        event="event",
        id="id",
        time="time",
        user="user",
        all_of="properties",
    ),
    '{"event": "Order paid", "id": "o-1001", "time": "2026-03-08T20:00:00Z", "user": "u-1", "properties": {"revenue": 128.5}}',
)
ADDRESS = Preset(
    "address",
    "A secret address, for senders that cannot sign (survey and form services)",
    WebhookSpec(
        signature=Signature(method="address", header=""),
        for_each="entries",
        only_when=(Condition(from_="$.kind", values=("answer",)),),
        event="'Survey answered'",
        id="id",
        time="at",
        user="openid | phone",
        all_of="answers",
    ),
    '{"kind": "answer", "entries": [\n {"id": 1, "at": "2026-03-08T20:00:00+08:00", "phone": "13800000000", "answers": {"taste": 5}},\n '
    '{"id": 2, "at": "2026-03-08T20:01:00+08:00", "phone": "13900000000", "answers": {"taste": 3}}]}',
)
OWN = Preset(
    "own",
    "A signature of your own (HMAC-SHA256 of the body)",
    WebhookSpec(event="event", id="id", time="time", user="user", all_of="properties"),
    BEARER.sample,
)
PRESETS = (OWN, BEARER, ADDRESS, GITHUB, GITLAB, SHOPIFY, STRIPE, STANDARD)
