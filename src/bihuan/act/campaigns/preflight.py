"""What to know before a campaign is launched: how many it reaches, what could be seen of its effect, and what may be wrong with it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from django.utils.translation import gettext

from bihuan.act.audience import AUDIENCE, AudienceSpec
from bihuan.act.audience.result import Person
from bihuan.act.campaigns.commands import goal_of
from bihuan.act.campaigns.spec import CampaignSpec
from bihuan.act.campaigns.template import UNSUBSCRIBE, places, properties
from bihuan.act.lift.spec import Goal
from bihuan.act.lift.statistics import smallest_visible_lift
from bihuan.catalog.door import scope
from bihuan.catalog.words import words
from bihuan.engine.ask import Engine
from bihuan.engine.config import Config
from bihuan.engine.errors import EngineError
from bihuan.engine.filters import All, Did, Filter
from bihuan.engine.question import Reader, Scope
from bihuan.govern.door import Member
from bihuan.govern.errors import Refused
from bihuan.govern.web import sentence

SAMPLES = 5


@dataclass(frozen=True)
class Check:
    """One thing to know: `danger` stops the launch, `warning` should be looked at, `info` is good to know."""

    tone: Literal["danger", "warning", "info", "success"]
    text: str


@dataclass(frozen=True)
class Preflight:
    """`people` of the audience, those `reachable` by e-mail, whom the draw will about hold out and send to; the share of the audience
    that reached the goal in as many days before (`usual`), and the `smallest` absolute lift that will then be seen."""

    people: int = 0
    reachable: int = 0
    held: int = 0
    sent: int = 0
    usual: float | None = None
    smallest: float | None = None
    samples: tuple[Person, ...] = ()
    checks: tuple[Check, ...] = field(default=())

    @property
    def ready(self) -> bool:
        return not any(check.tone == "danger" for check in self.checks)


def preflight(member: Member, spec: CampaignSpec, engine: Engine, config: Config, reader: Reader) -> Preflight:
    """Everything that can be known before."""
    where = scope(member)
    wanted = properties(spec.message.subject, spec.message.html, spec.message.text)
    try:
        audience = engine.ask(
            AUDIENCE, AudienceSpec(filter=spec.audience, properties=wanted, address=spec.address, limit=SAMPLES), where
        ).result
        goal = goal_of(member, spec)
        usual = _usual(spec, goal, engine, where, audience.total)
    except (EngineError, Refused) as error:
        return Preflight(checks=(Check("danger", sentence(error)),))
    held = round(audience.reachable * spec.holdout)
    smallest = smallest_visible_lift(audience.reachable, spec.holdout, usual) if usual is not None and spec.holdout else None
    found = Preflight(
        people=audience.total,
        reachable=audience.reachable,
        held=held,
        sent=audience.reachable - held,
        usual=usual,
        smallest=smallest,
        samples=audience.people,
    )
    checks = (*_reach(found, config), *_measure(found, spec, goal, member, reader), *_message(spec, wanted, member))
    return Preflight(**{**found.__dict__, "checks": checks})


def _usual(spec: CampaignSpec, goal: Goal, engine: Engine, where: Scope, people: int) -> float | None:
    """The share of the audience that did the goal in as many days before."""
    if not people:
        return None
    did: Filter = Did(did=goal.event, days=spec.window, where=goal.filter)
    asked = AudienceSpec(filter=All(all=(spec.audience, did)), address=spec.address, limit=1)
    return engine.ask(AUDIENCE, asked, where).result.total / people


def _reach(found: Preflight, config: Config) -> list[Check]:
    checks = []
    if not config.smtp_url:
        checks.append(Check("danger", gettext("There is no mail server yet: set BIHUAN_SMTP_URL and start Bihuan again.")))
    if not found.people:
        checks.append(Check("danger", gettext("Nobody belongs to the audience now.")))
    elif not found.reachable:
        checks.append(Check("danger", gettext("Nobody of the audience has an e-mail address in this property.")))
    elif found.reachable < found.people:
        text = gettext("{count} of the audience have no e-mail address and will be left out.")
        checks.append(Check("info", text.format(count=f"{found.people - found.reachable:,}")))
    return checks


def _measure(found: Preflight, spec: CampaignSpec, goal: Goal, member: Member, reader: Reader) -> list[Check]:
    checks = []
    if not spec.holdout:
        checks.append(Check("warning", gettext("Nobody is held out: what the campaign changes cannot be measured.")))
    elif found.reachable and found.smallest is None:
        checks.append(Check("warning", gettext("There are too few people to see any effect.")))
    elif found.smallest is not None and found.usual is not None:
        text = gettext(
            "About {usual} reach the goal in {days} days anyway. A lift of {smallest} points or more will be seen four times out of five."
        )
        points = f"{found.smallest * 100:.1f}"
        far = found.smallest > max(found.usual, 0.02)
        checks.append(
            Check("warning" if far else "success", text.format(usual=reader.show(found.usual, "share"), days=spec.window, smallest=points))
        )
    known = words(member).events
    if known and goal.event not in known:
        checks.append(Check("warning", gettext("The goal “{event}” has never happened yet.").format(event=goal.event)))
    return checks


def _message(spec: CampaignSpec, wanted: tuple[str, ...], member: Member) -> list[Check]:
    checks: list[Check] = []
    message = spec.message
    known = words(member).person_properties
    unknown = gettext("No person has a property “{name}”.")
    checks.extend(Check("warning", unknown.format(name=name)) for name in wanted if known and name not in known)
    texts = (message.subject, message.html, message.text)
    bare = dict.fromkeys(place.name for text in texts for place in places(text) if place.default is None and place.name != UNSUBSCRIBE)
    if bare:
        text = gettext('Say what to write for people without {names}: {{{{ {name}|default:"…" }}}}')
        checks.append(Check("info", text.format(names=", ".join(bare), name=next(iter(bare)))))
    if not any(place.name == UNSUBSCRIBE for place in places(message.html)):
        checks.append(Check("info", gettext("A line with the link to unsubscribe is added at the end.")))
    return checks
