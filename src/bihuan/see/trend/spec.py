"""What a trend asks: numbers over time and what is calculated from them, perhaps broken down, and beside something else."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from bihuan.engine.breakdowns import Breakdowns
from bihuan.engine.compare import Comparison
from bihuan.engine.filters import ANY_EVENT, EVERYTHING, Filter, Name
from bihuan.engine.meta import Sample
from bihuan.engine.periods import Last, PeriodSpec, Unit
from bihuan.engine.question import Spec
from bihuan.engine.selection import Choosing
from bihuan.see.trend.formula import LETTERS, letters, parse

Measure = Literal[
    "events", "people", "per_person", "first_time", "active_7", "active_30", "dau_wau", "dau_mau",
    "sum", "average", "min", "max", "median", "p75", "p90", "p95", "p99", "distinct",
]  # fmt: skip
OF_EVENTS: frozenset[Measure] = frozenset({"events", "people", "per_person", "first_time", "active_7", "active_30", "dau_wau", "dau_mau"})
ROLLING: dict[str, int] = {"active_7": 7, "active_30": 30, "dau_wau": 7, "dau_mau": 30}
OF_PEOPLE: frozenset[Measure] = OF_EVENTS - {"events"}
RATIOS = frozenset({"dau_wau", "dau_mau"})
ADDING: frozenset[Measure] = frozenset({"events", "sum", "first_time"})  # the numbers of parts of time make that of the whole
SCALED: frozenset[Measure] = frozenset({"events", "people", "sum", "first_time", "active_7", "active_30"})
Look = Literal["line", "area", "bar", "pie", "map", "number", "table", "pivot"]
MOST_PLACES = 300  # more than there are countries, and what else a property may say


class Series(Choosing):
    """One number: `measure` of the chosen events (`*`: any that came from outside).

    `events` counts them, `people` the people behind them, `per_person` the events of a person on average, `first_time` the people who did
    it for the first time of all; `active_7` and `active_30` the people of the 7 or 30 days up to each day, `dau_wau` and `dau_mau` that
    day's people as a part of these. All others look at `property`. `name` is how the reader calls it; empty: Bihuan finds a name.
    """

    event: Name = ANY_EVENT
    measure: Measure = "events"
    property: Name | None = None
    name: Annotated[str, Field(max_length=200)] = ""

    @model_validator(mode="after")
    def _has_its_property(self) -> Series:
        if self.property is None and self.measure not in OF_EVENTS:
            raise ValueError("Choose the property that is to be measured.")
        return self


class Formula(BaseModel):
    """What is calculated from the series: `formula` over their letters, like A / B * 100; `kind` says how it reads."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    formula: Annotated[str, Field(min_length=1, max_length=200)]
    name: Annotated[str, Field(max_length=200)] = ""
    kind: Literal["number", "share", "money"] = "number"

    @model_validator(mode="after")
    def _is_one(self) -> Formula:
        parse(self.formula)
        return self


class TrendSpec(Spec):
    """`series` and `formulas` over `period` in buckets of `unit`, of the events of which `filter` is true.

    With `breakdown` each has a line for each of the `top` values for which the first series is greatest over the period, and one for all
    other values together. `compare` adds what it stands beside. `running` shows each bucket with all before it (`total`), or the mean of
    `window` buckets up to it (`mean`). `only_formulas` hides the series themselves. `sample` asks this part of the people only.
    The `look` "map" shows every value of its one breakdown, whatever `top` says.
    """

    series: Annotated[tuple[Series, ...], Field(min_length=1, max_length=10)]
    formulas: Annotated[tuple[Formula, ...], Field(max_length=5)] = ()
    only_formulas: bool = False
    filter: Filter = EVERYTHING
    unit: Unit = "day"
    period: PeriodSpec = Last()
    breakdown: Breakdowns = ()
    top: Annotated[int, Field(ge=1, le=50)] = 10
    compare: Comparison = None
    running: Literal["total", "mean"] | None = None
    window: Annotated[int, Field(ge=2, le=365)] = 7
    look: Look = "line"
    sample: Sample = None

    @property
    def values_shown(self) -> int:
        return MOST_PLACES if self.look == "map" else self.top

    @model_validator(mode="after")
    def _fits_together(self) -> TrendSpec:
        known = LETTERS[: len(self.series)]
        for formula in self.formulas:
            if not letters(parse(formula.formula)) <= set(known):
                raise ValueError("A formula speaks of a series that there is not; the first one is A.")
        if self.running == "total" and not all(series.measure in ADDING for series in self.series):
            raise ValueError("A running total needs numbers that add up: events, sums or first times.")
        if self.unit == "hour" and any(series.measure in ROLLING for series in self.series):
            raise ValueError("Who is active over 7 or 30 days is told by days or longer; choose another unit.")
        if self.look == "map" and len(self.breakdown) != 1:
            raise ValueError("A map needs one breakdown, by a property that says the country or the province.")
        if self.sample is not None and any(series.measure == "distinct" for series in self.series):
            raise ValueError("How many different values there are cannot be estimated from a sample.")
        return self
