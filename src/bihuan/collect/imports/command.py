"""The command `bihuan import`: what it takes, what it says while it works, and how it ends."""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit, urlunsplit

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Table

from bihuan.collect.events import Outcome
from bihuan.collect.imports.chosen import read_mapping
from bihuan.collect.imports.cursors import Cursor
from bihuan.collect.imports.errors import ImportProblem, Reject
from bihuan.collect.imports.mapping import Mapping
from bihuan.collect.imports.plan import Plan, make_plan
from bihuan.collect.imports.run import Tally, run_import
from bihuan.collect.imports.source import FileSource, Source
from bihuan.collect.imports.sources.address import Address, parse_address
from bihuan.engine.config import Config
from bihuan.engine.errors import EngineError

ALL_TAKEN, SOME_REJECTED, NOT_IMPORTED = 0, 2, 1  # exit codes
SHOWN = 5  # rejects that are shown on the terminal


def import_command(
    file: Annotated[
        str,
        typer.Argument(
            metavar="FILE|URL",
            help="A .csv, .tsv, .jsonl or .parquet file, each also gzipped (.gz); or the address of a database, of objects in S3, of a "
            "file on the web or of a ClickHouse.",
        ),
    ],
    kind: Annotated[str, typer.Option(help="What a row is: events, persons, metrics or costs.")] = "",
    query: Annotated[str, typer.Option(help="The query whose rows are imported from a database; @FILE reads it from a file.")] = "",
    cursor: Annotated[str, typer.Option(help="The column of the query that only grows; rows come in its order.")] = "",
    since: Annotated[str, typer.Option(help="Only rows whose cursor is this or later.")] = "",
    project: Annotated[str, typer.Option(help="The project's key; needed when there are several.")] = "",
    mapping: Annotated[Path | None, typer.Option(help="A YAML file that says what the columns mean.")] = None,
    event: Annotated[str, typer.Option(help="The name of all events of the file.")] = "",
    event_column: Annotated[str, typer.Option(help="The column that names each event.")] = "",
    time: Annotated[str, typer.Option(help="The column with the time.")] = "",
    time_format: Annotated[str, typer.Option(help="How a time is written, such as %d/%m/%Y %H:%M.")] = "",
    person: Annotated[str, typer.Option(help="The column with the id of the person.")] = "",
    anonymous: Annotated[str, typer.Option(help="The column with the id of a device or browser.")] = "",
    id: Annotated[str, typer.Option(help="The column with the event's own id.")] = "",
    revenue: Annotated[str, typer.Option(help="A column or an expression, such as 'Quantity * UnitPrice'.")] = "",
    property: Annotated[
        list[str] | None, typer.Option(help="name=column or name=expression; may be given several times. Default: all other columns.")
    ] = None,
    zone: Annotated[str, typer.Option(help="The time zone of times without an offset; default: the project's.")] = "",
    encoding: Annotated[str, typer.Option(help="The encoding of a text file, such as gb18030; default: UTF-8.")] = "",
    delimiter: Annotated[str, typer.Option(help="What stands between columns of a CSV file; default: found out.")] = "",
    value: Annotated[str, typer.Option(help="Of metrics: the column or expression with the number.")] = "",
    series: Annotated[str, typer.Option(help="Of metrics: the name of all numbers.")] = "",
    cost: Annotated[str, typer.Option(help="Of costs: the column or expression with the cost.")] = "",
    currency: Annotated[str, typer.Option(help="Of costs: the currency of all rows, such as CNY.")] = "",
    dataset: Annotated[str, typer.Option(help="A name for this data, if lines equal to those of another file are other events.")] = "",
    rejects: Annotated[Path | None, typer.Option(help="Where to write rows that are not taken (.csv or .jsonl).")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Read and check everything, store nothing.")] = False,
) -> None:
    """Bring events, persons, numbers or costs into a project. Importing the same again changes nothing."""
    console = Console(stderr=True, highlight=False)
    try:
        given = read_mapping(mapping.read_text("utf-8")) if mapping else {}
        options = {"event": event, "event_column": event_column, "person": person, "anonymous": anonymous, "id": id, "revenue": revenue}
        options |= {"zone": zone, "encoding": encoding, "delimiter": delimiter, "dataset": dataset}
        options |= {"kind": kind, "value": value, "series": series, "cost": cost, "currency": currency}
        given |= {name: value for name, value in options.items() if value}
        given |= _time(given, time, time_format)
        if property:
            place = {"persons": "traits", "metrics": "dimensions"}.get(str(given.get("kind")), "properties")
            given[place] = dict(map(_property, property))
        source = _source(file, query, cursor)
        reached = Cursor.typed(since) if since else None
        plan = make_plan(source, given, guess=mapping is None, since=reached)
        _say_plan(console, plan)
        tally = _dry_run(console, plan, rejects, reached) if dry_run else _import(console, plan, project, rejects, reached)
    except (ImportProblem, EngineError, OSError) as error:
        console.print(f"[red]Not imported:[/] {_escaped(str(error))}")
        raise typer.Exit(NOT_IMPORTED) from error
    raise typer.Exit(SOME_REJECTED if tally.rejected else ALL_TAKEN)


def _source(text: str, query: str, cursor: str) -> Source:
    """The file or the address that was given; a password may also come by the environment, where others do not see it."""
    if "://" not in text:
        return FileSource(Path(text))
    from bihuan.collect.imports.sources.choose import source_at

    address = parse_address(text, os.environ.get("BIHUAN_SOURCE_PASSWORD", ""))
    if query.startswith("@"):
        query = Path(query[1:]).read_text("utf-8")
    if address.kind == "s3":  # the bucket is the connection, what stands behind it the path
        parts = urlsplit(address.place)
        path, place = parts.path.lstrip("/"), urlunsplit(parts._replace(path=""))
        return source_at(Address(place, address.secret), path=path)
    return source_at(address, query=query, cursor=cursor)


def _time(given: dict[str, Any], column: str, pattern: str) -> dict[str, Any]:
    """The time of the mapping file with what the options say instead."""
    known = given.get("time")
    known = {"column": known} if isinstance(known, str) else dict(known or {})
    known |= {name: value for name, value in {"column": column, "format": pattern}.items() if value}
    if pattern and "column" not in known:
        raise ImportProblem("--time-format needs --time, the column that it is about.")
    return {"time": known} if known else {}


def _property(text: str) -> tuple[str, str]:
    name, mark, value = text.partition("=")
    if not name.strip() or (mark and not value.strip()):
        raise ImportProblem("“{text}” is not name=column.", text=text)
    return name.strip(), value.strip() or name.strip()


def _say_plan(console: Console, plan: Plan) -> None:
    if plan.guessed:
        found = ", ".join(f"{what} = {_escaped(column)}" for what, column in plan.guessed.items())
        console.print(f"[dim]From the names of the columns:[/] {found}")
    if isinstance(plan.mapping, Mapping) and not plan.mapping.person and not plan.mapping.anonymous:
        console.print("[yellow]No column says who did it: these are events of nobody.[/] Name it with --person or --anonymous.")


def _import(console: Console, plan: Plan, project: str, rejects: Path | None, since: Cursor | None) -> Tally:
    import django

    django.setup()
    logging.getLogger("bihuan").setLevel(logging.WARNING)
    from django.db import DatabaseError

    from bihuan.collect.imports.records import create_run
    from bihuan.collect.imports.runs import perform
    from bihuan.govern.door import folder_owner
    from bihuan.govern.errors import Refused

    try:
        path = plan.source.path if isinstance(plan.source, FileSource) else None
        name = "" if path else plan.source.name
        run = create_run(member=folder_owner(project or None), path=path, file_name=name, kind=plan.mapping.kind)
    except Refused as error:
        raise ImportProblem("{why}", why=error) from error
    except DatabaseError as error:
        raise ImportProblem(
            "There is no Bihuan in {folder} yet ({why}): run `bihuan init`.", folder=Config.from_env().data, why=error
        ) from error
    with _Shown(console) as shown:
        tally = perform(run, plan, config=Config.from_env(), rejects=rejects, progress=shown.progress, notice=shown.notice, since=since)
    _say_end(console, plan, tally, rejects, f"into {run.project.name}")
    return tally


def _dry_run(console: Console, plan: Plan, rejects: Path | None, since: Cursor | None) -> Tally:
    """Everything but storing; times without an offset count as UTC unless the mapping names a zone."""
    from bihuan.collect.imports.rejects import rejects_file

    with rejects_file(rejects) as write, _Shown(console) as shown:

        def reject(one: Reject) -> None:
            write(one)
            shown.notice(one)

        zone = plan.mapping.zone or "UTC"
        sink = lambda table: Outcome(stored=table.num_rows)  # noqa: E731
        tally = run_import(plan, project_id=0, zone=zone, sink=sink, reject=reject, progress=shown.progress, since=since)
    _say_end(console, plan, tally, rejects, "would be imported; nothing was stored")
    return tally


class _Shown:
    """The progress bar, with the first rejects above it."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._rejects = 0
        columns = (TextColumn("Importing"), BarColumn(), TaskProgressColumn(), TextColumn("{task.fields[rows]}"), TimeRemainingColumn())
        self._bar = Progress(*columns, console=console, transient=True, disable=not sys.stderr.isatty())
        self._task = self._bar.add_task("import", total=1.0, rows="")

    def __enter__(self) -> _Shown:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def progress(self, tally: Tally) -> None:
        task = self._bar.tasks[0]
        speed = tally.read / task.elapsed if task.elapsed else 0
        self._bar.update(self._task, completed=tally.done, rows=f"{tally.read:,} rows, {speed:,.0f} a second")

    def notice(self, reject: Reject) -> None:
        self._rejects += 1
        if self._rejects <= SHOWN:
            self._console.print(f"[yellow]Line {reject.line}:[/] {_escaped(str(reject.reason))}")
        elif self._rejects == SHOWN + 1:
            self._console.print("[dim]More rows are not taken; --rejects FILE keeps all of them with their reasons.[/]")


def _say_end(console: Console, plan: Plan, tally: Tally, rejects: Path | None, where: str) -> None:
    table = Table(show_header=False, box=None, pad_edge=False)
    table.add_column(justify="right")
    table.add_column()
    what = {"events": "events", "persons": "persons"}.get(plan.mapping.kind, "rows of numbers")
    rows = [(tally.stored, f"{what} {where}")]
    rows += [(tally.duplicates, "known already, changed nothing")] if tally.duplicates else []
    rows += [(tally.nobody, "of these are of nobody: their rows have no id of a person")] if tally.nobody else []
    rows += [(tally.skipped, "at a local time that the clock skipped, moved by the gap")] if tally.skipped else []
    if tally.rejected:
        rows.append((tally.rejected, f"rows not taken{f', see {rejects}' if rejects else ''}"))
    for number, text in rows:
        table.add_row(f"{number:,}", _escaped(text))
    console.print(table)


def _escaped(text: str) -> str:
    from rich.markup import escape

    return escape(text)
