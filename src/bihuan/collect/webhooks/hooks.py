"""What the collector knows of the live webhooks, and the notes of their latest deliveries that it keeps for their pages."""

from __future__ import annotations

import json
import logging
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from bihuan.collect.quarantine import shortened

if TYPE_CHECKING:
    from bihuan.collect.webhooks.spec import WebhookSpec

HOOKS = """SELECT project.id, project.key, webhook.key, webhook.spec
FROM catalog_definition AS webhook JOIN govern_project AS project ON project.id = webhook.project_id
WHERE webhook.kind = 'webhook' AND webhook.state = 'live'"""
SECRETS = "SELECT project_id, webhook, secret FROM collect_webhooksecret WHERE until IS NULL OR until > {now}"
NOTE = """INSERT INTO collect_webhookdelivery (project_id, webhook, at, fate, detail, stored, known, quarantined, ignored, body)
VALUES ({values})"""
FORGET = """DELETE FROM collect_webhookdelivery WHERE project_id = {p} AND webhook = {p} AND id NOT IN
(SELECT id FROM collect_webhookdelivery WHERE project_id = {p} AND webhook = {p} ORDER BY id DESC LIMIT 50)"""
KEPT = 50  # notes of each webhook

log = logging.getLogger("bihuan.collect")


@dataclass(frozen=True)
class Hook:
    """A live webhook with the secrets that are right now."""

    project_id: int
    key: str
    spec: WebhookSpec
    secrets: tuple[str, ...]


@dataclass(frozen=True)
class Note:
    """What became of one delivery. `at` in ms; the numbers are of events."""

    project_id: int
    webhook: str
    at: int
    fate: str
    detail: str = ""
    stored: int = 0
    known: int = 0
    quarantined: int = 0
    ignored: int = 0
    body: str = ""


class Hooks:
    """The webhooks by (project's key, own key); threads may share it."""

    def __init__(self) -> None:
        self._hooks: dict[tuple[str, str], Hook] = {}
        self._specs: dict[str, WebhookSpec | None] = {}
        self._notes: dict[tuple[int, str], deque[Note]] = {}

    def of(self, project: str, key: str) -> Hook | None:
        return self._hooks.get((project, key))

    def take(self, hooks: Iterable[tuple[Any, ...]], secrets: Iterable[tuple[Any, ...]]) -> None:
        """What was read of the definitions' database."""
        known: dict[tuple[int, str], list[str]] = {}
        for project_id, webhook, secret in secrets:
            known.setdefault((int(project_id), webhook), []).append(secret)
        specs: dict[str, WebhookSpec | None] = {}
        found: dict[tuple[str, str], Hook] = {}
        for project_id, project, key, document in hooks:
            text = document if isinstance(document, str) else json.dumps(document)
            spec = specs[text] = self._specs[text] if text in self._specs else _spec(text, key)
            if spec is not None:
                found[(project, key)] = Hook(int(project_id), key, spec, tuple(known.get((int(project_id), key), ())))
        self._hooks, self._specs = found, specs

    def note(self, note: Note) -> None:
        """Remember what became of a delivery until `save`."""
        self._notes.setdefault((note.project_id, note.webhook), deque(maxlen=KEPT)).append(note)

    def save(self, connection: Any, place: str, moment: Any) -> None:
        """Write the notes down, and forget the old ones. `place` stands for a value in a statement, `moment` makes one of ms."""
        notes, self._notes = self._notes, {}
        if not notes:
            return
        try:
            for (project_id, webhook), several in notes.items():
                for one in list(several):
                    values = (
                        project_id,
                        webhook,
                        moment(one.at),
                        one.fate,
                        one.detail,
                        one.stored,
                        one.known,
                        one.quarantined,
                        one.ignored,
                    )
                    connection.execute(NOTE.format(values=", ".join([place] * 10)), (*values, one.body))
                connection.execute(FORGET.format(p=place), (project_id, webhook, project_id, webhook))
            connection.commit()
        except BaseException:
            for key, several in notes.items():
                self._notes.setdefault(key, deque(maxlen=KEPT)).extendleft(reversed(several))
            raise


def body_for_note(body: bytes) -> str:
    """As much of a body as its note keeps; NUL, which PostgreSQL takes in no text, is left out."""
    return shortened(body.decode(errors="replace").replace("\0", ""))


def moment_of(ms: int, *, as_text: bool) -> Any:
    """A time for a statement: SQLite keeps it as a text."""
    at = datetime.fromtimestamp(ms / 1000, UTC)
    return f"{at:%Y-%m-%d %H:%M:%S.%f}" if as_text else at


def _spec(text: str, key: str) -> WebhookSpec | None:
    from bihuan.collect.webhooks.spec import WebhookSpec  # only where there is a webhook

    try:
        return WebhookSpec.model_validate_json(text)
    except ValueError as error:
        log.warning("The webhook %s cannot be read: %s", key, error)
        return None
