"""The command `bihuan import`: what it takes, what it says while it works, and how it ends."""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Table

from bihuan.collect.events import Outcome
from bihuan.collect.imports.chosen import read_mapping
from bihuan.collect.imports.errors import ImportProblem, Reject
from bihuan.collect.imports.plan import Plan, make_plan
from bihuan.collect.imports.run import Tally, run_import
from bihuan.engine.config import Config
from bihuan.engine.errors import EngineError

ALL_TAKEN, SOME_REJECTED, NOT_IMPORTED = 0, 2, 1  # exit codes
SHOWN = 5  # rejects that are shown on the terminal


def import_command(
    file: Annotated[Path, typer.Argument(help="A .csv, .tsv, .jsonl or .parquet file, each also gzipped (.gz).")],
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
    dataset: Annotated[str, typer.Option(help="A name for this data, if lines equal to those of another file are other events.")] = "",
    rejects: Annotated[Path | None, typer.Option(help="Where to write rows that are not taken (.csv or .jsonl).")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Read and check everything, store nothing.")] = False,
) -> None:
    """Bring a file of events into a project. Importing the same file again changes nothing."""
    console = Console(stderr=True, highlight=False)
    try:
        given = read_mapping(mapping.read_text("utf-8")) if mapping else {}
        options = {"event": event, "event_column": event_column, "person": person, "anonymous": anonymous, "id": id, "revenue": revenue}
        options |= {"zone": zone, "encoding": encoding, "delimiter": delimiter, "dataset": dataset}
        given |= {name: value for name, value in options.items() if value}
        given |= _time(given, time, time_format)
        if property:
            given["properties"] = dict(map(_property, property))
        plan = make_plan(file, given, guess=mapping is None)
        _say_plan(console, plan)
        tally = _dry_run(console, plan, rejects) if dry_run else _import(console, plan, file, project, rejects)
    except (ImportProblem, EngineError, OSError) as error:
        console.print(f"[red]Not imported:[/] {_escaped(str(error))}")
        raise typer.Exit(NOT_IMPORTED) from error
    raise typer.Exit(SOME_REJECTED if tally.rejected else ALL_TAKEN)


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
    if not plan.mapping.person and not plan.mapping.anonymous:
        console.print("[yellow]No column says who did it: these are events of nobody.[/] Name it with --person or --anonymous.")


def _import(console: Console, plan: Plan, file: Path, project: str, rejects: Path | None) -> Tally:
    import django

    django.setup()
    logging.getLogger("bihuan").setLevel(logging.WARNING)
    from django.db import DatabaseError

    from bihuan.collect.imports.records import create_run
    from bihuan.collect.imports.runs import perform
    from bihuan.govern.door import folder_owner
    from bihuan.govern.errors import Refused

    try:
        run = create_run(member=folder_owner(project or None), path=file)
    except Refused as error:
        raise ImportProblem("{why}", why=error) from error
    except DatabaseError as error:
        raise ImportProblem(
            "There is no Bihuan in {folder} yet ({why}): run `bihuan init`.", folder=Config.from_env().data, why=error
        ) from error
    with _Shown(console) as shown:
        tally = perform(run, plan, config=Config.from_env(), rejects=rejects, progress=shown.progress, notice=shown.notice)
    _say_end(console, tally, rejects, f"into {run.project.name}")
    return tally


def _dry_run(console: Console, plan: Plan, rejects: Path | None) -> Tally:
    """Everything but storing; times without an offset count as UTC unless the mapping names a zone."""
    from bihuan.collect.imports.rejects import rejects_file

    with rejects_file(rejects) as write, _Shown(console) as shown:

        def reject(one: Reject) -> None:
            write(one)
            shown.notice(one)

        zone = plan.mapping.zone or "UTC"
        sink = lambda table: Outcome(stored=table.num_rows)  # noqa: E731
        tally = run_import(plan, project_id=0, zone=zone, sink=sink, reject=reject, progress=shown.progress)
    _say_end(console, tally, rejects, "would be imported; nothing was stored")
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


def _say_end(console: Console, tally: Tally, rejects: Path | None, where: str) -> None:
    table = Table(show_header=False, box=None, pad_edge=False)
    table.add_column(justify="right")
    table.add_column()
    rows = [(tally.stored, f"events {where}")]
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
