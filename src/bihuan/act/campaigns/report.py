"""What became of a run: counts by state and reason, openings and clicks, and its lift."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from zoneinfo import ZoneInfo

from django.db.models import Count, Q

from bihuan.act.campaigns.freeze import campaign_spec
from bihuan.act.campaigns.reasons import TITLES
from bihuan.act.lift import Goal, LiftSpec
from bihuan.act.models import Delivery, Run
from bihuan.engine.periods import Between

State = Delivery.State


@dataclass(frozen=True)
class Line:
    """So many deliveries of a state for a reason."""

    state: str
    reason: str
    title: str
    why: str
    count: int


@dataclass(frozen=True)
class Report:
    """Counts of people. `opened` and `clicked` count people, not times; shares are of those sent to."""

    people: int
    sent: int
    held: int
    suppressed: int
    failed: int
    uncertain: int
    waiting: int
    opened: int
    clicked: int
    unsubscribed: int
    lines: tuple[Line, ...]

    @property
    def settled(self) -> int:
        return self.people - self.waiting

    def share(self, count: int) -> float | None:
        return count / self.sent if self.sent else None


def report(run: Run) -> Report:
    """What became of everybody."""
    rows = Delivery.objects.filter(run=run)
    counted = rows.values_list("state", "reason").annotate(count=Count("id")).order_by("state", "reason")
    lines = tuple(Line(state, reason, str(State(state).label), str(TITLES.get(reason, "")), count) for state, reason, count in counted)
    by_state = {state: sum(line.count for line in lines if line.state == state) for state in State.values}
    back = rows.aggregate(
        opened=Count("id", filter=Q(opens__gt=0)),
        clicked=Count("id", filter=Q(clicks__gt=0)),
        unsubscribed=Count("id", filter=Q(unsubscribed_at__isnull=False)),
    )
    return Report(
        people=sum(by_state.values()),
        sent=by_state[State.SENT],
        held=by_state[State.HELD],
        suppressed=by_state[State.SUPPRESSED],
        failed=by_state[State.FAILED],
        uncertain=by_state[State.UNCERTAIN],
        waiting=by_state[State.QUEUED] + by_state[State.SENDING],
        lines=lines,
        **back,
    )


def lift_of(run: Run) -> LiftSpec | None:
    """The question that measures the run; None before anybody was assigned."""
    if run.assigned_at is None:
        return None
    spec = campaign_spec(run)
    day = run.assigned_at.astimezone(ZoneInfo(run.project.timezone)).date()
    return LiftSpec(
        campaign=run.key,
        goal=Goal.model_validate(run.goal),
        window=spec.window,
        holdout=spec.holdout or None,
        period=Between(since=day - timedelta(days=1), until=day + timedelta(days=1)),
    )
