"""An answer as people see it: its numbers, dates and words written for one reader, its table and chart ready for a template."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any
from urllib.parse import urlencode

from bihuan.console.reader import number, share
from bihuan.engine.question import Answer, Column, Headline, Kind, Question, Reader, Table

NUMERIC: frozenset[Kind] = frozenset({"number", "money", "share", "seconds"})
MOMENTS: frozenset[Kind] = frozenset({"day", "time"})
ROWS_SHOWN = 200
LONG = 60  # characters


@dataclass(frozen=True)
class ShownHeadline:
    """`change` is written ("+4.2%"), `direction` up, down or "" for none."""

    title: str
    value: str
    change: str
    direction: str


@dataclass(frozen=True)
class Cell:
    text: str
    numeric: bool = False
    href: str = ""
    moment: bool = False

    @property
    def long(self) -> bool:
        """Whether the text needs room to be read."""
        return len(self.text) > LONG


@dataclass(frozen=True)
class ShownColumn:
    title: str
    numeric: bool


@dataclass(frozen=True)
class ShownTable:
    """At most `ROWS_SHOWN` rows; `more` says how many are left out, `more_text` the same for the reader."""

    columns: tuple[ShownColumn, ...]
    rows: tuple[tuple[Cell, ...], ...]
    more: int
    more_text: str


@dataclass(frozen=True)
class Shown:
    """An answer for one reader. `meta` are facts about it: how fresh, how much was read, how long it took. `panel` is what the
    question's own panel.html shows, None when it has none. With `nothing_yet` no event has ever come to the project."""

    headlines: tuple[ShownHeadline, ...]
    chart: dict[str, Any] | None
    empty: bool
    write_table: Callable[[], ShownTable]
    warnings: tuple[str, ...]
    meta: tuple[str, ...]
    panel: Mapping[str, Any] | None
    nothing_yet: bool

    @cached_property
    def table(self) -> ShownTable:
        """Written when it is shown: a tile with a chart does without."""
        return self.write_table()


def show(question: Question[Any, Any], answer: Answer[Any], reader: Reader, *, root: str, people: str = "") -> Shown:
    """The answer as `reader` sees it; `root` is the address of the project, for links, and `people` that of the people behind a
    number, to which a cell is added."""
    return Shown(
        headlines=tuple(shown_headline(each, reader) for each in question.headlines(answer.result)),
        chart=question.chart(answer.result, reader),
        empty=not answer.table.rows,
        write_table=partial(shown_table, answer.table, reader, root=root, people=people),
        warnings=tuple(reader.say(msgid, **values) for msgid, values in answer.warnings),
        meta=_meta(answer, reader),
        panel=question.panel(answer.result, reader) if question.panel else None,
        nothing_yet=answer.fresh_to is None and not answer.rows_read,
    )


def shown_headline(headline: Headline, reader: Reader) -> ShownHeadline:
    change = headline.change
    return ShownHeadline(
        title=reader.say(headline.title, **headline.values),
        value=reader.show(headline.value, headline.kind),
        change="" if change is None else share(change, signed=True),
        direction="" if not change else "up" if change > 0 else "down",
    )


def shown_table(table: Table, reader: Reader, *, root: str = "", people: str = "", rows: int = ROWS_SHOWN) -> ShownTable:
    """The first `rows` rows of a table."""
    links = table.cells if people else ()
    more = max(0, len(table.rows) - rows)
    return ShownTable(
        columns=tuple(ShownColumn(reader.say(column.title, **column.values), column.kind in NUMERIC) for column in table.columns),
        rows=tuple(
            _row(table.columns, row, reader, root, [_behind(people, cell) for cell in links[place]] if links else ())
            for place, row in enumerate(table.rows[:rows])
        ),
        more=more,
        more_text=number(more),
    )


def _row(columns: Sequence[Column], row: Sequence[Any], reader: Reader, root: str, links: Sequence[str]) -> tuple[Cell, ...]:
    return tuple(
        Cell(
            text=reader.show(value, column.kind),
            numeric=column.kind in NUMERIC,
            moment=column.kind in MOMENTS,
            href=f"{root}people/{value}/" if column.kind == "person" and value and root else link if value else "",
        )
        for column, value, link in zip(columns, row, links or [""] * len(columns), strict=True)
    )


def _behind(people: str, cell: Mapping[str, Any] | None) -> str:
    """The address of the people of whom a cell tells; "" when it tells of nobody."""
    return "" if cell is None else f"{people}&{urlencode([(f'cell.{name}', value) for name, value in cell.items()])}".rstrip("&")


def _meta(answer: Answer[Any], reader: Reader) -> tuple[str, ...]:
    facts = []
    if answer.fresh_to is not None:
        facts.append(reader.say("Newest event arrived {time}", time=reader.show(answer.fresh_to, "time")))
    if answer.from_cache:
        facts.append(reader.say("Nothing new since it was last asked"))
    else:
        facts.append(reader.say("{rows} rows read", rows=reader.show(answer.rows_read, "number")))
        facts.append(reader.say("in {seconds}", seconds=reader.show(answer.seconds, "seconds")))
    facts += [reader.say("“{name}”, revision {revision}", name=each.name, revision=each.revision) for each in answer.used if each.revision]
    return tuple(facts)
