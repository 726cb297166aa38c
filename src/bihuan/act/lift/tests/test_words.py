"""What is said of a lift: never more than the data says."""

from __future__ import annotations

from typing import Any

import pytest

from bihuan.act.lift.panel import panel_lift
from bihuan.act.lift.result import Arm, LiftResult, shape_lift
from bihuan.act.lift.spec import Goal, LiftSpec
from bihuan.act.lift.words import verdict
from bihuan.engine.question import Kind, Scope


class English:
    """A reader who needs no translation."""

    language, zone, currency = "en", "UTC", "USD"

    def say(self, msgid: str, **values: Any) -> str:
        return msgid.format(**values) if values else msgid

    def counted(self, one: str, several: str, count: int, **values: Any) -> str:
        return self.say(one if count == 1 else several, count=count, **values)

    def show(self, value: Any, kind: Kind) -> str:
        if value is None:
            return "–"
        return f"{value * 100:.1f}%" if kind == "share" else f"${value:,.2f}" if kind == "money" else f"{value:,}"


def result(scope: Scope, treated: tuple[int, int], held: tuple[int, int], **more: Any) -> LiftResult:
    spec = LiftSpec(campaign="c", goal=Goal(event="Order"), window=7, holdout=more.pop("holdout", None))
    rows = [
        {
            "arm": arm,
            "people": people,
            "converted": converted,
            "goals": converted,
            "mean": 0.0,
            "variance": 0.0,
            "complete": more.get("complete", people),
            "newest": scope.now,
            "by_day": [converted] * 7,
        }
        for arm, (converted, people) in (("treatment", treated), ("holdout", held))
        if people
    ]
    return shape_lift(spec, scope, rows)


@pytest.mark.parametrize(
    ("treated", "held", "tone", "says"),
    [
        ((540, 9000), (40, 1000), "success", "The campaign worked: the goal rate rose by 2.00 pp."),
        ((300, 9000), (60, 1000), "danger", "The campaign did harm: the goal rate fell by 2.67 pp."),
        ((450, 9000), (48, 1000), "secondary", "No effect can be proved."),
        ((3, 90), (0, 10), "secondary", "No effect can be proved."),
        ((0, 90), (0, 10), "secondary", "Nothing to compare yet."),
        ((9, 90), (0, 0), "warning", "Nothing can be said about the lift."),
        ((0, 0), (0, 0), "secondary", "Nobody has been assigned yet."),
    ],
)
def test_the_title_says_what_is_known(scope: Scope, treated: tuple[int, int], held: tuple[int, int], tone: str, says: str) -> None:
    said = verdict(result(scope, treated, held), English())
    assert (said.tone, said.title) == (tone, says)


def test_what_is_not_proved_comes_with_what_could_have_been_seen(scope: Scope) -> None:
    detail = verdict(result(scope, (450, 9000), (48, 1000)), English()).detail
    assert "which chance alone could explain" in detail
    assert "only a lift of about +2." in detail


def test_arms_of_the_wrong_size_silence_everything_else(scope: Scope) -> None:
    said = verdict(result(scope, (540, 9000), (40, 1000), holdout=0.2), English())
    assert (said.tone, said.title) == ("danger", "Do not trust these numbers yet.")


def test_before_the_window_is_over_it_says_so_far(scope: Scope) -> None:
    said = verdict(result(scope, (540, 9000), (40, 1000), complete=0), English())
    assert said.title.startswith("So far (the window of 7 days is over for 0.0% of the people): The campaign worked")


@pytest.mark.parametrize(("treated", "held"), [((540, 9000), (40, 1000)), ((0, 90), (2, 10)), ((3, 90), (0, 10)), ((0, 0), (0, 0))])
def test_the_lines_of_the_panel_stay_within_it_and_hold_zero(scope: Scope, treated: tuple[int, int], held: tuple[int, int]) -> None:
    for line in panel_lift(result(scope, treated, held), English())["lines"]:
        assert 0 <= line.low <= line.at <= line.high <= 100
        assert 0 <= line.zero <= 100


def test_an_arm_without_people_has_no_rate() -> None:
    assert Arm().rate is None
