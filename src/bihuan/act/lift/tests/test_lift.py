"""Known assignments and goals in the real engine, and the lift that they must give."""

from __future__ import annotations

import random
from typing import Any

import pytest

from bihuan.act.lift import LIFT, Goal, LiftSpec
from bihuan.act.lift import statistics as stats
from bihuan.act.lift.statistics import Share, share_difference
from bihuan.engine.filters import EventProperty
from bihuan.engine.periods import Last

SPRING = LiftSpec(campaign="spring", goal=Goal(event="Order"), window=7, holdout=0.5, period=Last(last=30))


def assigned(person: int, arm: str, at: str = "2026-03-01 10:00", campaign: str = "spring") -> tuple[int, str, str, dict[str, str]]:
    return (person, "$campaign_assigned", at, {"campaign": campaign, "arm": arm})


def test_a_goal_counts_once_a_person_within_their_own_window_after_their_own_assignment(engine, scope, write):
    write(
        assigned(1, "treatment"),
        (1, "Order", "2026-03-01 09:59"),  # before
        (1, "Order", "2026-03-02 10:00"),
        (1, "Order", "2026-03-03 10:00"),
        assigned(2, "treatment", at="2026-03-05 10:00"),
        (2, "Order", "2026-03-12 09:00"),  # within seven days of their own time
        assigned(3, "treatment"),
        (3, "Order", "2026-03-08 10:00:01"),  # a second too late
        assigned(4, "holdout"),
        assigned(5, "holdout"),
        (5, "Order", "2026-03-08 10:00"),  # the last instant
        assigned(6, "holdout", campaign="another"),
        (6, "Order", "2026-03-02 10:00"),
        (0, "Order", "2026-03-02 10:00"),  # nobody
    )
    result = engine.ask(LIFT, SPRING, scope).result
    assert (result.treated.people, result.treated.converted, result.treated.goals) == (3, 2, 3)
    assert (result.held.people, result.held.converted) == (2, 1)
    assert result.difference == share_difference(Share(2, 3), Share(1, 2))
    assert result.complete == 1
    assert result.treated.curve == pytest.approx((1 / 3, 1 / 3, 1 / 3, 1 / 3, 1 / 3, 1 / 3, 2 / 3))


def test_the_window_of_people_assigned_a_day_ago_is_not_over(engine, scope, write):
    write(assigned(1, "treatment", at="2026-03-14 10:00"), assigned(2, "holdout"))
    result = engine.ask(LIFT, SPRING, scope).result
    assert result.complete == 0.5
    assert len(result.treated.curve) == 2, "the second day has begun for everybody, the third has not"


def test_a_condition_on_the_goal_is_a_condition_on_its_event(engine, scope, write):
    write(
        assigned(1, "treatment"),
        (1, "Order", "2026-03-02", {"kind": "gift"}),
        assigned(2, "holdout"),
        (2, "Order", "2026-03-02", {"kind": "own"}),
    )
    spec = SPRING.model_copy(update={"goal": Goal(event="Order", filter=EventProperty(property="kind", values=("gift",)))})
    result = engine.ask(LIFT, spec, scope).result
    assert (result.treated.converted, result.held.converted) == (1, 0)


def test_a_value_goal_is_a_mean_over_everybody_who_was_assigned(engine, scope, write):
    write(
        *(assigned(n, "treatment") for n in (1, 2, 3, 4)),
        (1, "Order", "2026-03-02", {"revenue": 30}),
        (1, "Order", "2026-03-03", {"revenue": 10}),
        (2, "Order", "2026-03-03"),  # an order without a revenue is worth 0
        *(assigned(n, "holdout") for n in (5, 6)),
        (5, "Order", "2026-03-03", {"revenue": 4}),
    )
    spec = SPRING.model_copy(update={"goal": Goal(event="Order", measure="value", property="revenue")})
    result = engine.ask(LIFT, spec, scope).result
    assert (result.treated.mean, result.held.mean) == (10, 2)
    assert (result.treated.variance, result.held.variance) == pytest.approx((400, 8))
    assert result.difference.estimate == 8
    assert result.extra.estimate == 32


def test_somebody_who_turns_out_to_be_in_both_arms_is_set_apart_and_said(engine, scope, write):
    write(assigned(1, "treatment"), assigned(1, "holdout"), assigned(2, "holdout"), assigned(3, "treatment"))
    answer = engine.ask(LIFT, SPRING, scope)
    assert (answer.result.treated.people, answer.result.held.people, answer.result.in_both) == (1, 1, 1)
    assert answer.warnings[0][1] == {"count": 1}


def test_arms_of_the_wrong_size_raise_the_sample_ratio_alarm(engine, scope, write):
    write(*(assigned(n, "treatment") for n in range(1, 81)), *(assigned(n, "holdout") for n in range(81, 101)))
    assert engine.ask(LIFT, SPRING, scope).result.ratio_broken
    assert not engine.ask(LIFT, SPRING.model_copy(update={"holdout": 0.2}), scope).result.ratio_broken


def test_a_campaign_that_nobody_knows_has_no_people_and_no_lift(engine, scope):
    result = engine.ask(LIFT, SPRING, scope).result
    assert (result.treated.people, result.difference, result.p_value) == (0, None, None)


def test_of_two_hundred_campaigns_that_change_nothing_at_most_eight_percent_are_called_significant(engine, scope, write):
    dice = random.Random(20260315)
    events: list[Any] = []
    for campaign in range(200):
        for person in range(campaign * 200 + 1, campaign * 200 + 201):
            arm = "holdout" if dice.random() < 0.2 else "treatment"
            events.append(assigned(person, arm, campaign=f"aa-{campaign}"))
            if dice.random() < 0.12:
                events.append((person, "Order", "2026-03-03", {"revenue": dice.lognormvariate(3, 1)}))
    write(*events)
    goal = Goal(event="Order", measure="value")
    spec = SPRING.model_copy(update={"holdout": 0.2, "goal": goal})
    results = [engine.ask(LIFT, spec.model_copy(update={"campaign": f"aa-{n}"}), scope).result for n in range(200)]
    by_people = [stats.share_p_value(*(Share(arm.converted, arm.people) for arm in (one.treated, one.held))) for one in results]
    assert sum(p is not None and p < 0.05 for p in by_people) <= 16
    assert sum(result.significant for result in results) <= 16
    assert not any(result.ratio_broken for result in results)


def test_a_goal_that_was_saved_by_the_old_name_of_its_conditions_is_the_same():
    condition = {"property": "kind", "values": ["gift"]}
    old, new = (Goal.model_validate({"event": "Order", name: condition}) for name in ("where", "filter"))
    assert old == new
    assert "where" not in new.model_dump()
    with pytest.raises(ValueError):
        Goal.model_validate({"event": "Order", "where": condition, "filter": condition})
