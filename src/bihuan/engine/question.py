"""The shape of everything that reads events to answer somebody: spec -> statement -> rows -> result -> table and chart."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Generic, Literal, Protocol, TypeVar
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict

from bihuan.engine.filters import Filter
from bihuan.engine.periods import Period, PeriodSpec


class Spec(BaseModel):
    """Base of every question's spec: frozen, and an unknown field is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", serialize_by_alias=True, populate_by_name=True)


@dataclass(frozen=True)
class Scope:
    """On whose behalf, and about what, a question is asked. Made by the rights (`govern`, `catalog`), never by a page.

    `zone` is the project's time zone, `now` the instant (aware) that "today" and "the last 7 days" refer to, `segments` the
    project's saved segments, `hidden` the names of properties that this reader may not see. `trusted` is set only inside a saved
    segment: whoever saved it had the right to every property that it looks at, so its members are the same for every reader.
    `segment_names` are what people call the segments, `revisions` the number of each definition's newest revision, both by its key.
    `supposing` gives numbers of ids other persons than they have: what a merge, or the undo of one, would change. `rights` are those of
    whoever asks; a question may need more than the right to look.
    """

    project_id: int
    zone: str
    now: datetime
    segments: Mapping[str, Filter] = field(default_factory=dict)
    hidden: frozenset[str] = frozenset()
    trusted: bool = False
    segment_names: Mapping[str, str] = field(default_factory=dict)
    revisions: Mapping[str, int] = field(default_factory=dict)
    supposing: Mapping[int, int] = field(default_factory=dict)
    rights: frozenset[str] = frozenset({"view"})

    @property
    def today(self) -> date:
        """The day that it is now in the project's zone."""
        return self.now.astimezone(ZoneInfo(self.zone)).date()

    def period(self, spec: PeriodSpec) -> Period:
        """The days that `spec` means now, in the project's zone."""
        return Period.resolve(spec, zone=self.zone, now=self.now)


@dataclass(frozen=True)
class Statement:
    """One ClickHouse SELECT over the CTEs `visible`, `history` and `traits_now` (see `engine.visible`), with bound values.

    `params` are bound as `{name:Type}`; names that begin with `scope_` are the engine's own. Where its only events are those of some names,
    `events` may say so: others make no answer to it old.
    """

    sql: str
    params: Mapping[str, Any] = field(default_factory=dict)
    events: frozenset[str] = frozenset()


Rows = Sequence[Mapping[str, Any]]
Kind = Literal["text", "number", "money", "share", "seconds", "time", "day", "person"]


@dataclass(frozen=True)
class Column:
    """A column of a table: `name` for files and code, `title` an English msgid for readers with `values` for its `{places}`
    (say it by `reader.say(column.title, **column.values)`), `kind` how its values read.

    `share` is a fraction of 1 shown in percent; `seconds` a duration; `time` an aware datetime; `day` a date.
    """

    name: str
    title: str
    kind: Kind = "text"
    values: Mapping[str, Any] = field(default_factory=dict, hash=False)


@dataclass(frozen=True)
class Table:
    """A result as rows, for the page, for CSV/Parquet/XLSX, Arrow and notebooks; `None` is "no value".

    `cells` are, row by row and value by value, the fields of the question's `cell` whose people the value counts (None: of nobody);
    empty when there are none at all.
    """

    columns: tuple[Column, ...]
    rows: tuple[tuple[Any, ...], ...]
    cells: tuple[tuple[Mapping[str, Any] | None, ...], ...] = field(default=(), hash=False, compare=False)


@dataclass(frozen=True)
class Headline:
    """One key number of a result: `title` an English msgid with `values` for its `{places}`, `change` a fraction against the
    period before (0.1 = 10 % more)."""

    title: str
    value: Any
    kind: Kind = "number"
    change: float | None = None
    values: Mapping[str, Any] = field(default_factory=dict, hash=False)


class Reader(Protocol):
    """Who reads: turns msgids, numbers and dates into the reader's language. Pure modules get one passed in."""

    @property
    def language(self) -> str: ...
    @property
    def zone(self) -> str: ...
    @property
    def currency(self) -> str: ...

    def say(self, msgid: str, **values: Any) -> str:
        """The text in the reader's language, with `{name}` places filled."""
        ...

    def counted(self, one: str, several: str, count: int, **values: Any) -> str:
        """The text of the msgid `one` or `several`, whichever goes with `count`, which fills its place `{count}`."""
        ...

    def show(self, value: Any, kind: Kind) -> str:
        """A value as the reader writes it."""
        ...


S = TypeVar("S", bound=Spec)
R = TypeVar("R")


@dataclass(frozen=True)
class Question(Generic[S, R]):
    """One kind of question. The folder that holds it holds everything about it.

    `title` and `purpose` are English msgids. `reads` is the period of days that the statement needs to see in `visible`,
    often longer than the period asked about (a comparison, a conversion window). `shape` turns the statement's rows into a
    result whose every number is defined there. `table`, `chart` and `headlines` show a result; `example` is a spec to start from.
    `group` is the stage in whose menu it stands. Where the folder has a panel.html, `panel` gives what it shows, every number and
    word already written for the reader; without one, a result is shown by its headlines, chart and table.

    A question whose numbers are of people says who they are: `cell` names one part of an answer (a step of a funnel, a cohort's
    period; its fields have defaults), and `people` gives the SELECT of a column `person` of those behind it, over what `reads`
    covers (see `engine.behind`). A number of the table leads there by `Table.cells`, one of a chart by `"cell"` in its data item.

    Who asks needs `right`. `bounds` are settings of the store that hold for this question alone; they can only be tighter than all have.
    """

    name: str
    title: str
    purpose: str
    icon: str
    group: Literal["see", "analyse", "act"]
    spec: type[S]
    reads: Callable[[S, Scope], Period]
    compile: Callable[[S, Scope], Statement]
    shape: Callable[[S, Scope, Rows], R]
    table: Callable[[R], Table]
    chart: Callable[[R, Reader], dict[str, Any] | None]
    headlines: Callable[[R], tuple[Headline, ...]]
    example: Callable[[], S]
    listed: bool = True
    panel: Callable[[R, Reader], Mapping[str, Any]] | None = None
    cell: type[Spec] | None = None
    people: Callable[[S, Any, Scope], Statement] | None = None
    right: Literal["view", "define", "act"] = "view"
    bounds: Mapping[str, int] = field(default_factory=dict, hash=False)


def no_chart(result: object, reader: Reader) -> dict[str, Any] | None:
    """The chart of a question whose answer is a list."""
    return None


@dataclass(frozen=True)
class Answer(Generic[R]):
    """A result with where it comes from: `fresh_to` the newest event's arrival (aware; None when there is none), `seconds` the time
    the store took, `rows_read` what it read, `from_cache`, `warnings` as sentences (English msgids with their values), `used` the saved
    definitions that it rests on (see `engine.meta`), and `sample` the fraction of people that it was estimated from (None: everybody)."""

    question: str
    result: R
    table: Table
    asked_at: datetime
    fresh_to: datetime | None
    seconds: float
    rows_read: int
    from_cache: bool = False
    warnings: tuple[tuple[str, Mapping[str, Any]], ...] = ()
    used: tuple[Any, ...] = ()
    sample: float | None = None
