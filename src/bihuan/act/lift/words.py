"""A lift in words: one sentence that a director can repeat, and that never says more than the data does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from bihuan.act.lift.result import LiftResult
from bihuan.engine.question import Reader


@dataclass(frozen=True)
class Verdict:
    """`tone` colours it; `title` says what is known, `detail` how sure it is and what to do."""

    tone: Literal["success", "danger", "warning", "secondary"]
    title: str
    detail: str


def verdict(result: LiftResult, reader: Reader) -> Verdict:
    """What may be said about the lift now."""
    if result.ratio_broken:
        return Verdict(
            "danger",
            reader.say("Do not trust these numbers yet."),
            reader.say(
                "The groups are not as large as they were meant to be, and chance does not explain it. "
                "Find out why people are missing from one group before you read the lift."
            ),
        )
    if result.difference is None or result.p_value is None or not result.treated.converted + result.held.converted:
        return _nothing_yet(result, reader)
    if not result.significant:
        return _undecided(result, reader)
    return _changed(result, reader)


def _nothing_yet(result: LiftResult, reader: Reader) -> Verdict:
    if not result.treated.people and not result.held.people:
        return Verdict("secondary", reader.say("Nobody has been assigned yet."), reader.say("The lift appears once the campaign has run."))
    if not result.treated.people or not result.held.people:
        return Verdict(
            "warning",
            reader.say("Nothing can be said about the lift."),
            reader.say("Without people in both groups there is nobody to compare with."),
        )
    return Verdict("secondary", reader.say("Nothing to compare yet."), reader.say("So far nobody reached the goal."))


def _undecided(result: LiftResult, reader: Reader) -> Verdict:
    detail = reader.say(
        "The difference is {lift} (95 % interval {low} to {high}; p {p}), which chance alone could explain.", **_numbers(result, reader)
    )
    if result.smallest is not None:
        seen = reader.say(
            "With {people} people in the campaign and {held} held out, "
            "only a lift of about {smallest} or more would be seen four times out of five.",
            people=reader.show(result.treated.people, "number"),
            held=reader.show(result.held.people, "number"),
            smallest=show_lift(result.smallest, result, reader),
        )
        detail = f"{detail} {seen}"
    return Verdict("secondary", _so_far(result, reader, reader.say("No effect can be proved.")), detail)


def _changed(result: LiftResult, reader: Reader) -> Verdict:
    difference, extra = result.difference, result.extra
    if difference is None or extra is None:
        return _nothing_yet(result, reader)
    up = difference.estimate > 0
    near, far = (extra.low, extra.high) if up else (extra.high, extra.low)
    values = {
        **_numbers(result, reader),
        "extra": _amount(extra.estimate, result, reader),
        "least": _amount(near, result, reader),
        "most": _amount(far, result, reader),
    }
    title, detail = _SENTENCES[result.measure, up]
    return Verdict("success" if up else "danger", _so_far(result, reader, reader.say(title, **values)), reader.say(detail, **values))


_SENTENCES = {
    ("people", True): (
        "The campaign worked: the goal rate rose by {change}.",
        "About {extra} people reached it because of the campaign (95 % interval {least} to {most}; p {p}).",
    ),
    ("people", False): (
        "The campaign did harm: the goal rate fell by {change}.",
        "About {extra} people did not reach it because of the campaign (95 % interval {least} to {most}; p {p}).",
    ),
    ("value", True): (
        "The campaign earned more: {change} per person.",
        "That is {extra} in all that would not have come without it (95 % interval {least} to {most}; p {p}).",
    ),
    ("value", False): (
        "The campaign lost: {change} per person.",
        "That is {extra} less in all than without it (95 % interval {least} to {most}; p {p}).",
    ),
}


def _amount(value: float | None, result: LiftResult, reader: Reader) -> str:
    if value is None:
        return "…"
    return reader.show(abs(value), "money") if result.measure == "value" else reader.show(round(abs(value)), "number")


def _so_far(result: LiftResult, reader: Reader, title: str) -> str:
    if result.complete >= 1:
        return title
    return reader.say(
        "So far (the window of {days} days is over for {share} of the people): {title}",
        days=result.window,
        share=reader.show(result.complete, "share"),
        title=title,
    )


def _numbers(result: LiftResult, reader: Reader) -> dict[str, str]:
    assert result.difference is not None
    estimate, low, high = result.difference
    return {
        "lift": show_lift(estimate, result, reader),
        "low": show_lift(low, result, reader),
        "high": show_lift(high, result, reader),
        "change": show_lift(abs(estimate), result, reader).removeprefix("+"),
        "p": show_p(result.p_value, reader, sign=True),
    }


def show_lift(value: float | None, result: LiftResult, reader: Reader) -> str:
    """A difference as people say it: percentage points with their sign, or money."""
    if value is None:
        return "…"
    sign = "+" if value > 0 else "−" if value < 0 else ""
    if result.measure == "value":
        return sign + reader.show(abs(value), "money")
    return sign + reader.say("{points} pp", points=f"{abs(value) * 100:.2f}")


def show_relative(value: float | None, reader: Reader) -> str:
    """A relative difference with its sign."""
    if value is None:
        return "…"
    return ("+" if value > 0 else "−" if value < 0 else "") + reader.show(abs(value), "share")


def show_p(value: float | None, reader: Reader, *, sign: bool = False) -> str:
    """A p-value with as many places as it deserves; with `sign` as what follows "p" in a sentence."""
    if value is None:
        return "…"
    if value < 0.001:
        return "< 0.001"
    return f"= {value:.3f}" if sign else f"{value:.3f}"
