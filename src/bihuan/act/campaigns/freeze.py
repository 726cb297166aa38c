"""Freezing an audience: everybody of the segment at launch gets one delivery, in chunks that can be repeated, and the draw is told
to the ledger before anything is sent."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from django.db.models import Max

from bihuan.act.audience import AUDIENCE, AudienceSpec
from bihuan.act.audience.result import Person
from bihuan.act.campaigns import reasons
from bihuan.act.campaigns.addresses import same_key, usable
from bihuan.act.campaigns.draw import HOLDOUT, arm_of
from bihuan.act.campaigns.ledger import Ledger, tell_assigned
from bihuan.act.campaigns.spec import CampaignSpec
from bihuan.act.campaigns.template import properties
from bihuan.act.models import Delivery, Run, Unsubscription
from bihuan.engine.ask import Engine
from bihuan.engine.question import Scope

CHUNK = 2_000
State = Delivery.State


def freeze(run: Run, *, engine: Engine, scope: Scope, tell: Ledger, go_on: Callable[[], bool], chunk: int = CHUNK) -> bool:
    """Make every delivery of the run and tell the draw; whether it was finished. Killed anywhere, it goes on where it was."""
    spec = campaign_spec(run)
    wanted = properties(spec.message.subject, spec.message.html, spec.message.text)
    while go_on():
        tell_assigned(run, tell)
        last = Delivery.objects.filter(run=run).aggregate(last=Max("person_id"))["last"] or 0
        asked = AudienceSpec(filter=spec.audience, properties=wanted, address=spec.address, after=last, limit=chunk)
        people = engine.ask(AUDIENCE, asked, scope).result.people
        if not people:
            return True
        Delivery.objects.bulk_create(_decide(run, spec, people), ignore_conflicts=True)
    return False


def campaign_spec(run: Run) -> CampaignSpec:
    """The run's document, as it was at launch."""
    return CampaignSpec.model_validate(run.spec["campaign"])


def _decide(run: Run, spec: CampaignSpec, people: Sequence[Person]) -> list[Delivery]:
    """One delivery a person: whoever cannot be reached is set apart *before* the draw, so that both arms are reachable alike."""
    addresses = {person.number: usable(person.properties.get(spec.address, "")) for person in people}
    keys = [same_key(address) for address in addresses.values() if address]
    taken = set(Delivery.objects.filter(run=run, address_key__in=keys).values_list("address_key", flat=True))
    gone, gone_people = unsubscribed(run.project_id, keys, addresses)
    rows = []
    for person in people:
        address = addresses[person.number]
        row = Delivery(run=run, person_id=person.number, address=(address or person.properties.get(spec.address, ""))[:320])
        row.reason = _reason(person, spec, address, taken, gone, gone_people)
        if row.reason or address is None:
            row.state, row.settled_at = State.SUPPRESSED, run.assigned_at
        else:
            row.address_key = same_key(address)
            taken.add(row.address_key)
            row.arm = arm_of(run.salt, person.number, spec.holdout)
            if row.arm == HOLDOUT:
                row.state, row.reason, row.settled_at = State.HELD, reasons.HOLDOUT, run.assigned_at
            else:
                row.properties = dict(person.properties)
        rows.append(row)
    return rows


def _reason(person: Person, spec: CampaignSpec, address: str | None, taken: set[str], gone: set[str], gone_people: set[int]) -> str:
    if not person.properties.get(spec.address, "").strip():
        return reasons.NO_ADDRESS
    if address is None:
        return reasons.INVALID_ADDRESS
    if same_key(address) in gone or person.number in gone_people:
        return reasons.UNSUBSCRIBED
    return reasons.DUPLICATE_ADDRESS if same_key(address) in taken else ""


def unsubscribed(project_id: int, keys: Iterable[str], people: Iterable[int]) -> tuple[set[str], set[int]]:
    """Which of these addresses and people want no campaigns any more."""
    rows = Unsubscription.objects.filter(project_id=project_id)
    by_key = rows.filter(address_key__in=list(keys)).values_list("address_key", flat=True)
    by_person = rows.filter(person_id__in=list(people)).exclude(person_id=0).values_list("person_id", flat=True)
    return set(by_key), set(by_person)
