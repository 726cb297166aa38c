"""The question *lift*: what a campaign really changed, against the people who were held out of it."""

from __future__ import annotations

from bihuan.act.lift.chart import chart_lift
from bihuan.act.lift.panel import panel_lift
from bihuan.act.lift.result import LiftResult, headlines_lift, shape_lift, table_lift
from bihuan.act.lift.spec import Goal, LiftSpec
from bihuan.act.lift.sql import compile_lift, reads_lift
from bihuan.engine.question import Question

__all__ = ["LIFT", "Goal", "LiftResult", "LiftSpec"]


def example() -> LiftSpec:
    """A spec to start from."""
    return LiftSpec(campaign="spring", goal=Goal(event="Order Completed"))


LIFT: Question[LiftSpec, LiftResult] = Question(
    name="lift",
    title="Lift",
    purpose="What a campaign really changed: the people who got it against those who were held out, with how sure that is.",
    icon="scale",
    group="act",
    spec=LiftSpec,
    reads=reads_lift,
    compile=compile_lift,
    shape=shape_lift,
    table=table_lift,
    chart=chart_lift,
    headlines=headlines_lift,
    example=example,
    panel=panel_lift,
)
