"""What an answer says about itself: which revisions of saved definitions it used, what to beware of, and how sure a sample is."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BaseModel, Field

from bihuan.engine.filters import Did, Filter, InSegment, parts
from bihuan.engine.question import Scope
from bihuan.engine.visible import Binder

Warning_ = tuple[str, Mapping[str, Any]]  # a sentence (English msgid) and what its places hold
Sample = Annotated[float, Field(gt=0, lt=1)] | None  # the fraction of people who are asked; None: everybody

PIECES = 1_000_000
SURE = 1.959963984540054  # the normal deviate of 95 %


@dataclass(frozen=True)
class Used:
    """A saved definition that an answer rests on, and its revision then (0: not known)."""

    kind: str
    key: str
    name: str
    revision: int


@dataclass(frozen=True)
class Interval:
    """Where the true number lies with 95 % confidence."""

    low: float
    high: float


# --- Definitions ------------------------------------------------------------------------------------------------------------------------


def used(spec: BaseModel, scope: Scope) -> tuple[Used, ...]:
    """The saved segments that `spec` names anywhere, and those that these are made of, by key."""
    found: dict[str, None] = {}
    waiting = list(segment_keys(spec))
    while waiting:
        key = waiting.pop()
        if key in found or key not in scope.segments:
            continue
        found[key] = None
        waiting += [part.segment for part in parts(scope.segments[key]) if isinstance(part, InSegment)]
    return tuple(Used("segment", key, scope.segment_names.get(key, key), scope.revisions.get(key, 0)) for key in sorted(found))


def segment_keys(value: Any) -> Iterator[str]:
    """Every key of a segment in a spec: of conditions, breakdowns and comparisons."""
    from bihuan.engine.breakdowns import BySegment
    from bihuan.engine.compare import EVERYBODY, OTHERS, Groups

    match value:
        case InSegment():
            yield value.segment
        case BySegment():
            yield from value.segments
        case Groups():
            yield value.segment
            if value.against not in (EVERYBODY, OTHERS):
                yield value.against
        case BaseModel():
            for name in type(value).model_fields:
                yield from segment_keys(getattr(value, name))
        case tuple() | list():
            for one in value:
                yield from segment_keys(one)


# --- Warnings ---------------------------------------------------------------------------------------------------------------------------

WORTH_SAYING = 0.01


def nobody_warning(events: int, nobody: int) -> tuple[Warning_, ...]:
    """Where people are counted: that some of the events are nobody's, if these are one in a hundred or more."""
    if not events or nobody / events < WORTH_SAYING:
        return ()
    percent = math.floor(nobody / events * 100 + 0.5)
    return (("{percent} % of the events have no user and no device; they count no people.", {"percent": percent}),)


def hidden_warning(hidden: int) -> tuple[Warning_, ...]:
    """Where an answer is broken down: how many values are not shown alone."""
    return (("{count} further values are together in “other”.", {"count": hidden}),) if hidden else ()


def now_warning(filters: Iterable[Filter]) -> tuple[Warning_, ...]:
    """Where a condition looks at people as they are now: that the past may look different tomorrow."""
    for tree in filters:
        if any(isinstance(part, InSegment | Did) for part in parts(tree)):
            return (("Segments and what people did are as of now, also for past days.", {}),)
    return ()


# --- Samples ----------------------------------------------------------------------------------------------------------------------------


def sampled(sample: float | None, binder: Binder, *, nobody: str | None = "event_key") -> str:
    """SQL: an event of `visible` belongs to the sample. A person is in it with all their events, an event of nobody for itself (or with all
    that have the same `nobody`, SQL for an UInt64; None: there are rows of people alone); a larger sample holds all of a smaller one."""
    if sample is None:
        return "1"
    share = binder.bind(round(sample * PIECES), "UInt32")
    who = "toUInt64(person)" if nobody is None else f"if(person = 0, {nobody}, toUInt64(person))"
    return f"cityHash64('sample', {who}) % {PIECES} < {share}"


def scaled(total: float | None, sample: float | None) -> float | None:
    """What the total of the sample says of the total of all."""
    return total if total is None or sample is None else total / sample


def sure(total: float | None, squares: float | None, sample: float | None) -> Interval | None:
    """The interval of a total that a sample of people estimates (Horvitz and Thompson). `squares` is the sum, over the people of the
    sample, of the square of what each of them adds to the total; for a number of people it is that number."""
    if total is None or squares is None or sample is None:
        return None
    error = SURE * math.sqrt((1 - sample) * squares) / sample
    return Interval(total / sample - error, total / sample + error)


def at_least_seen(seen: int, squares: int, sample: float) -> Interval:
    """The same of what the sample has `seen` of: never below that, which is there for certain."""
    found = sure(seen, squares, sample)
    assert found is not None
    return Interval(max(found.low, seen), found.high)


def between(seen: int, squares: int, sample: float | None) -> Interval | None:
    """The same; None where the sample has nothing to tell by."""
    return at_least_seen(seen, squares, sample) if seen and sample is not None else None


def lows_and_highs(intervals: Iterable[Interval | None]) -> tuple[float | None, ...]:
    """For the columns of a table: the low and the high bound of each, None where there is none."""
    return tuple(bound for one in intervals for bound in ((one.low, one.high) if one else (None, None)))


def sample_warning(sample: float | None) -> tuple[Warning_, ...]:
    if sample is None:
        return ()
    return (("Estimated from {percent} % of the people.", {"percent": round(sample * 100, 4)}),)


def listed_warning(sample: float | None) -> tuple[Warning_, ...]:
    """Where people are listed: that those who were not asked are missing."""
    if sample is None:
        return ()
    return (("Only people of the sample of {percent} % are listed.", {"percent": round(sample * 100, 4)}),)
