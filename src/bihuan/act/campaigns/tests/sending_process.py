"""What the test of sudden death runs in processes of their own: `prepare N`, `send`, `report`, on a data folder that is only theirs."""

from __future__ import annotations

import json
import os
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

LEASE = timedelta(seconds=1.5)


def prepare(people: int) -> None:
    """A launched run whose audience is frozen: every tenth person has the address of another, every seventh none."""
    from django.core.management import call_command

    from bihuan.act.audience.result import Person
    from bihuan.act.campaigns.freeze import _decide, campaign_spec
    from bihuan.act.campaigns.ledger import tell_assigned
    from bihuan.act.campaigns.spec import CampaignSpec, Message
    from bihuan.act.lift.spec import Goal
    from bihuan.act.models import Delivery, Run
    from bihuan.govern.models import Project

    call_command("migrate", verbosity=0)
    project = Project.objects.create(key="shop", name="Shop")
    message = Message(from_address="shop@shop.example", subject="Hello {{ name }}", html="<p>Hi</p>")
    spec = CampaignSpec(message=message, goal=Goal(event="Order"), holdout=0.2)
    now = datetime.now(UTC)
    run = Run.objects.create(
        project=project,
        key="spring",
        name="Spring",
        uid="u1",
        salt="s",
        spec={"campaign": spec.model_dump(mode="json", by_alias=True), "links": []},
        goal={},
        state=Run.State.SENDING,
        send_at=now,
        assigned_at=now,
    )
    everybody = []
    for number in range(1, people + 1):
        address = "" if number % 7 == 0 else f"p{number - 1 if number % 10 == 0 else number}@mail.example"
        everybody.append(Person(number, (), {"email": address, "name": f"P{number}"}))
    Delivery.objects.bulk_create(_decide(run, campaign_spec(run), everybody))
    tell_assigned(run, _ledger)


def send() -> None:
    """Send until nothing is left to do."""
    import time

    from bihuan.act.campaigns import send as sending
    from bihuan.act.campaigns.ledger import tell_deliveries
    from bihuan.act.campaigns.send import Sender, next_due
    from bihuan.act.campaigns.smtp import Outlet, Unreachable
    from bihuan.act.models import Run
    from bihuan.engine.config import Config

    sending.LEASE = LEASE
    config = Config.from_env()
    run = Run.objects.get()
    sender = Sender(config, Outlet(config.smtp_url, timeout=5), per_second=None)
    while next_due(run) is not None:
        try:
            sender.send(run, lambda: True)
        except Unreachable:
            time.sleep(0.2)
        tell_deliveries(_ledger)
        time.sleep(0.05)


def report() -> None:
    """Every delivery, as JSON."""
    from bihuan.act.models import Delivery

    rows = Delivery.objects.values("person_id", "address", "arm", "state", "reason", "ledgered", "told_assigned", "message_id")
    print(json.dumps(list(rows)))


def _ledger(events: Any) -> None:
    path = Path(os.environ["BIHUAN_DATA"]) / "ledger.jsonl"
    with path.open("ab") as file:
        file.write("".join(json.dumps([event.name, event.key, event.props.get("reason")]) + "\n" for event in events).encode())
        file.flush()
        os.fsync(file.fileno())


def main() -> None:
    import django

    django.setup()
    {"prepare": lambda: prepare(int(sys.argv[2])), "send": send, "report": report}[sys.argv[1]]()


if __name__ == "__main__":
    main()
