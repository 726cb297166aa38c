"""What attribution answers, each number defined."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from bihuan.analyse.attribution import models
from bihuan.analyse.attribution.models import Credit, Credits, Path
from bihuan.analyse.attribution.spec import AttributionSpec, Model
from bihuan.analyse.attribution.sql import ALL, EDGES, MOST_PATHS, OTHERS
from bihuan.engine.breakdowns import Breakdown, order_key, ordered
from bihuan.engine.channels import TITLES, channel
from bihuan.engine.compare import Said, compare_said
from bihuan.engine.meta import Interval, Warning_, hidden_warning, now_warning, sample_warning, sure
from bihuan.engine.question import Rows, Scope

MODELS: Mapping[Model, str] = {
    "first": "First touch",
    "last": "Last touch",
    "last_not_direct": "Last touch, not direct",
    "linear": "Linear",
    "decay": "Time decay",
    "position": "Position based",
    "markov": "Markov chain",
    "shapley": "Shapley value",
}
MOST_SHOWN = 30
NOTHING = Credit()


@dataclass(frozen=True)
class Point:
    """A touch point: `key` for cells, `name` ('': none said), or (None) all that do not stand alone.

    `credits` by model sum, over all points, to the conversions with a touch point, and to their worth. `people` have it in a path,
    `buyers` of them in one with a conversion. `assisted` conversions have it in their path, `lost` journeys had it and led to none.
    `effect` is the share of conversions that would be lost without it, as the Markov chain has it. `cost` is what was spent on it in the
    period (None: not known). `before` is what the chosen model gives it in what the answer is compared with (None: with nothing).
    """

    key: str
    name: str | None
    credits: Mapping[Model, Credit]
    people: int
    buyers: int
    assisted: int
    lost: int
    effect: float
    cost: float | None
    before: Credit | None

    @property
    def rate(self) -> float | None:
        """The share of the people who have it in a path that converted with it."""
        return self.buyers / self.people if self.people else None


@dataclass(frozen=True)
class Part:
    """All paths of `value` of the breakdown, or (None) of everybody, or of `other` values that are not shown alone.

    `conversions` worth `worth` are by `people`; `untouched` of them, worth `untouched_worth` and by `untouched_people`, have no touch
    point. `lost` journeys led to no conversion; `young` of these may still. `shortened` paths were too long. `credits` are those of the
    chosen model, by touch point.
    """

    value: str | None
    other: int = 0
    conversions: int = 0
    worth: float = 0.0
    people: int = 0
    untouched: int = 0
    untouched_worth: float = 0.0
    untouched_people: int = 0
    lost: int = 0
    young: int = 0
    shortened: int = 0
    credits: Mapping[str, Credit] = field(default_factory=dict)

    @property
    def touched(self) -> int:
        """Conversions that have a touch point."""
        return self.conversions - self.untouched


@dataclass(frozen=True)
class Way:
    """A path (keys of its touch points) that ended so often in a conversion, worth so much together, and so often in none."""

    points: tuple[str, ...]
    conversions: int
    lost: int
    worth: float


@dataclass(frozen=True)
class Bar:
    """Conversions whose path began at least `since` and less than `until` seconds before them (None: no end)."""

    since: int
    until: int | None
    conversions: int


@dataclass(frozen=True)
class AttributionResult:
    """`points` by what the chosen `model` gives them, the rest of them last; `total` of everybody, `before` of what it is compared with.

    `ways` are the most frequent of `paths` different paths; `lengths` the conversions by the number of touch points; `lags` by the time
    from the first touch point, whose quartiles and 90th percentile are `quartiles` (seconds; None without conversions). `cut` conversions
    and `cut_lost` journeys on rare paths are in no model. `order` is what the chain remembered, of what was asked for (`asked_order`).
    `hidden` touch points do not stand alone. `elsewhere` was spent on what is no touch point here. `running`: the period is not over.
    Of a `sample`, what is counted and credited is scaled up to everybody; `sure` is where the number of conversions lies.
    """

    channels: bool
    by: str
    worthy: bool
    model: Model
    models: tuple[Model, ...]
    points: tuple[Point, ...]
    total: Part
    before: Part | None
    compared: Said | None
    parts: tuple[Part, ...]
    ways: tuple[Way, ...]
    paths: int
    lengths: tuple[tuple[int, int], ...]
    lags: tuple[Bar, ...]
    quartiles: tuple[float, ...] | None
    cut: int
    cut_lost: int
    order: int
    asked_order: int
    hidden: int
    elsewhere: float
    currencies: tuple[str, ...]
    running: bool
    breakdown: tuple[Breakdown, ...]
    names: Mapping[str, str]
    hints: tuple[Warning_, ...]
    sample: float | None = None
    sure: Interval | None = None

    @property
    def warnings(self) -> tuple[Warning_, ...]:
        found: list[Warning_] = [*self.hints, *sample_warning(self.sample)]
        if self.sure is not None:
            between = {"low": round(self.sure.low), "high": round(self.sure.high)}
            found.append(("There are between {low} and {high} conversions, with 95 % confidence.", between))
        if self.points and not self.total.conversions:
            found.append(("Nothing that you call a conversion happened in the period: only who was touched can be said.", {}))
        if self.cut or self.cut_lost:
            said = {"conversions": self.cut, "lost": self.cut_lost, "most": MOST_PATHS}
            found.append(
                ("There are more than {most} different paths: {conversions} conversions and {lost} other journeys on the rarest of them "
                 "are in no model. Show fewer touch points, or make repeated ones one.", said)
            )  # fmt: skip
        if self.total.shortened:
            found.append(
                ("{count} paths have more than 50 touch points: of these the first and the last 49 count.", {"count": self.total.shortened})
            )
        if self.order < self.asked_order:
            found.append(("The Markov chain remembers {order} touch points: for more, the paths are too different.", {"order": self.order}))
        if self.hidden:
            found.append(("{count} further touch points are together in “other”.", {"count": self.hidden}))
        if self.elsewhere:
            found.append(("Costs of {cost} are of nothing that is a touch point here.", {"cost": f"{self.elsewhere:,.2f}"}))
        if len(self.currencies) > 1:
            found.append(
                ("The costs are in several currencies, and are added up as they are: {list}.", {"list": ", ".join(self.currencies)})
            )
        return tuple(found)


def shape_attribution(spec: AttributionSpec, scope: Scope, rows: Rows) -> AttributionResult:
    alone = {int(row["path"][0]): str(row["name"]) for row in rows if row["part"] == "point" and row["path"] != [ALL]}
    alone.pop(0, None)
    found = [((int(row["side"]), str(row["value"])), _path(row, alone)) for row in rows if row["part"] == "path"]
    by_value: dict[str, list[Path]] = defaultdict(list)
    for (side, value), path in found:
        if side == 0:
            by_value[value].append(path)
    mine = _summed(path for (side, _), path in found if side == 0)
    credits = {model: credited(model, spec, mine) for model in spec.models}
    removal = models.markov(mine, spec.order)
    total = _part(rows, 0, None, credits[spec.chosen])
    before = None
    if spec.compare is not None:
        before = _part(rows, 1, None, credited(spec.chosen, spec, _summed(path for (side, _), path in found if side == 1)))
    costs, elsewhere, currencies = _costs(spec, rows, alone.values())
    points = [
        Point(
            key=key,
            name=None if key == OTHERS else key[1:],
            credits={model: credits[model].get(key, NOTHING) for model in spec.models},
            people=int(row["people"]),
            buyers=int(row["buyers"]),
            assisted=int(row["conversions"]),
            lost=int(row["lost"]),
            effect=removal.effects.get(key, 0.0),
            cost=costs.get(key),
            before=before.credits.get(key, NOTHING) if before else None,
        )
        for key, row in ((_key(int(row["path"][0]), alone), row) for row in rows if _is_point(row))
    ]
    parts = _parts(spec, rows, by_value)
    lengths: dict[int, int] = defaultdict(int)
    for path in mine:
        lengths[len(path.points)] += path.conversions
    result = AttributionResult(
        channels=spec.channels,
        by=spec.by,
        worthy=spec.conversion.value is not None,
        model=spec.chosen,
        models=spec.models,
        points=tuple(sorted(points, key=lambda one: (one.name is None, -one.credits[spec.chosen].conversions, -one.people, one.key))),
        total=total,
        before=before,
        compared=compare_said(spec.compare, scope) if spec.compare is not None else None,
        parts=parts,
        ways=tuple(
            Way(path.points, path.conversions, path.lost, path.worth)
            for path in sorted(mine, key=lambda path: (-path.conversions, -path.lost, path.points))[:MOST_SHOWN]
        ),
        paths=len(mine),
        lengths=tuple((length, count) for length, count in sorted(lengths.items()) if count),
        lags=_lags(rows),
        quartiles=_quartiles(rows) if total.touched else None,
        cut=total.touched - sum(path.conversions for path in mine),
        cut_lost=total.lost - sum(path.lost for path in mine),
        order=removal.order,
        asked_order=spec.order,
        hidden=max((int(row["hidden"]) for row in rows), default=0),
        elsewhere=elsewhere,
        currencies=currencies,
        running=scope.period(spec.period).until >= scope.today,
        breakdown=spec.breakdown,
        names=scope.segment_names,
        hints=(*now_warning([spec.filter]), *hidden_warning(next((part.other for part in parts if part.value is None), 0))),
        sample=spec.sample,
        sure=sure(total.conversions, sum(int(row["squares"]) for row in _whole(rows)), spec.sample),
    )
    return result if spec.sample is None else _of_everybody(result, 1 / spec.sample)


def _of_everybody(result: AttributionResult, times: float) -> AttributionResult:
    """What the sample says of everybody. Costs are everybody's already; how many different paths there are nobody knows."""

    def part(one: Part) -> Part:
        names = ("conversions", "people", "untouched", "untouched_people", "lost", "young", "shortened")
        counted = _counted(one, names, times)
        credits = {key: _times(credit, times) for key, credit in one.credits.items()}
        return replace(one, **counted, worth=one.worth * times, untouched_worth=one.untouched_worth * times, credits=credits)

    def point(one: Point) -> Point:
        counted = _counted(one, ("people", "buyers", "assisted", "lost"), times)
        credits = {model: _times(credit, times) for model, credit in one.credits.items()}
        return replace(one, **counted, credits=credits, before=_times(one.before, times) if one.before else None)

    return replace(
        result,
        points=tuple(point(one) for one in result.points),
        total=part(result.total),
        before=part(result.before) if result.before else None,
        parts=tuple(part(one) for one in result.parts),
        ways=tuple(replace(way, **_counted(way, ("conversions", "lost"), times), worth=way.worth * times) for way in result.ways),
        lengths=tuple((length, round(count * times)) for length, count in result.lengths),
        lags=tuple(replace(bar, conversions=round(bar.conversions * times)) for bar in result.lags),
        **_counted(result, ("cut", "cut_lost"), times),
    )


def _times(credit: Credit, times: float) -> Credit:
    return Credit(credit.conversions * times, credit.worth * times)


def _counted(one: Any, names: Iterable[str], times: float) -> dict[str, Any]:
    return {name: round(getattr(one, name) * times) for name in names}


def credited(model: Model, spec: AttributionSpec, paths: Sequence[Path]) -> Credits:
    """What a model gives to each touch point of these paths."""
    match model:
        case "first":
            return models.by_rule(paths, models.first)
        case "last":
            return models.by_rule(paths, models.last)
        case "last_not_direct":
            return models.by_rule(paths, models.last_but("=direct"))
        case "linear":
            return models.by_rule(paths, models.linear)
        case "decay":
            return models.decay(paths)
        case "position":
            return models.by_rule(paths, models.position(spec.position_first, spec.position_last))
        case "markov":
            return models.markov(paths, spec.order).credits
        case "shapley":
            return models.shapley_of_chain(paths) if spec.game == "chain" else models.shapley(paths)


# --- Rows -------------------------------------------------------------------------------------------------------------------------------


def _key(place: int, alone: Mapping[int, str]) -> str:
    return f"={alone[place]}" if place else OTHERS


def _path(row: Mapping[str, Any], alone: Mapping[int, str]) -> Path:
    return Path(
        points=tuple(_key(int(place), alone) for place in row["path"]),
        conversions=int(row["conversions"]),
        lost=int(row["lost"]),
        worth=float(row["worth"]),
        credits=tuple(row["credits"]),
        worths=tuple(row["worths"]),
    )


def _summed(paths: Iterable[Path]) -> list[Path]:
    """The same paths of several values of the breakdown as one."""
    found: dict[tuple[str, ...], Path] = {}
    for path in paths:
        other = found.get(path.points)
        if other is not None:
            path = Path(
                path.points,
                path.conversions + other.conversions,
                path.lost + other.lost,
                path.worth + other.worth,
                tuple(map(sum, zip(path.credits, other.credits, strict=True))),
                tuple(map(sum, zip(path.worths, other.worths, strict=True))),
            )
        found[path.points] = path
    return list(found.values())


def _is_point(row: Mapping[str, Any]) -> bool:
    return row["part"] == "point" and row["path"] != [ALL] and row["value"] == "*" and not row["side"]


def _is_total(row: Mapping[str, Any], side: int) -> bool:
    return row["part"] == "point" and row["path"] == [ALL] and int(row["side"]) == side


def _whole(rows: Rows) -> Rows:
    """The one row of everybody in the period; none without a path."""
    return [row for row in rows if _is_total(row, 0) and row["value"] == "*"]


def _part(rows: Rows, side: int, value: str | None, credits: Credits) -> Part:
    """`value` as rows have it; None for all."""
    for row in rows:
        if _is_total(row, side) and row["value"] == ("*" if value is None else value):
            return Part(
                value=value[1:] if value else None,
                other=0 if value or value is None else int(row["number"]),
                conversions=int(row["conversions"]),
                worth=float(row["worth"]),
                people=int(row["buyers"]),
                untouched=int(row["untouched"]),
                untouched_worth=float(row["untouched_worth"]),
                untouched_people=int(row["untouched_people"]),
                lost=int(row["lost"]),
                young=int(row["young"]),
                shortened=int(row["shortened"]),
                credits=credits,
            )
    return Part(None)


def _parts(spec: AttributionSpec, rows: Rows, paths: Mapping[str, Sequence[Path]]) -> tuple[Part, ...]:
    """By size, or in the order of what they are; the others last."""
    if not spec.breakdown:
        return ()
    values = [str(row["value"]) for row in rows if _is_total(row, 0) and row["value"] != "*"]
    parts = [_part(rows, 0, value, credited(spec.chosen, spec, paths.get(value, ()))) for value in values]
    if ordered(spec.breakdown):
        return tuple(sorted(parts, key=lambda part: (part.value is None, order_key(part.value or "", spec.breakdown))))
    return tuple(sorted(parts, key=lambda part: (part.value is None, -part.conversions, -part.lost, part.value or "")))


def _lags(rows: Rows) -> tuple[Bar, ...]:
    """All bars up to the last that has a conversion."""
    counts = {int(row["path"][0]): int(row["conversions"]) for row in rows if row["part"] == "lag" and not row["side"]}
    ends = (*EDGES[1:], None)
    return tuple(Bar(EDGES[place], ends[place], counts.get(place, 0)) for place in range(max(counts, default=-1) + 1))


def _quartiles(rows: Rows) -> tuple[float, ...]:
    return tuple(ms / 1000 for ms in _whole(rows)[0]["quartiles"])


def _costs(spec: AttributionSpec, rows: Rows, alone: Collection[str]) -> tuple[dict[str, float], float, tuple[str, ...]]:
    """What was spent on each touch point, and on what is none; in which currencies. Costs say a channel by its key or title, or are of the
    channel that their source, medium and campaign make."""
    found: dict[str, float] = defaultdict(float)
    elsewhere, currencies = 0.0, set()
    titles = {title.lower(): key for key, title in TITLES.items()}
    for row in rows:
        if row["part"] != "cost":
            continue
        about = {str(name): str(text) for name, text in json.loads(row["value"]).items()}
        name = about.get(spec.by, "")
        if spec.by == "channel":
            name = titles.get(name.lower(), name)
            if name not in TITLES:
                name = channel(source=about.get("source", ""), medium=about.get("medium", ""), campaign=about.get("campaign", ""))
        currencies.add(about.get("currency", ""))
        if name and name in alone:
            found[f"={name}"] += float(row["worth"])
        else:
            elsewhere += float(row["worth"])
    return dict(found), elsewhere, tuple(sorted(currencies - {""}))
