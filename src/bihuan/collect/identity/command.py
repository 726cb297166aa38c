"""The command `bihuan identity`: the log, a merge with its preview, and undoing."""

from __future__ import annotations

from typing import Annotated, NoReturn

import typer

from bihuan.collect.identity import door
from bihuan.collect.identity.door import Preview
from bihuan.collect.identity.told import ToldSpec
from bihuan.collect.identity.told.spec import Which
from bihuan.engine.errors import EngineError
from bihuan.govern.door import folder_owner
from bihuan.govern.errors import Refused

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, no_args_is_help=True, help="Who is who: look, merge, undo.")
Project = Annotated[str | None, typer.Option(help="The project's key; needed when there are several.")]
Why = Annotated[str, typer.Option(help="Why: it stands in the log.")]
Act = Annotated[int, typer.Argument(help="The number of an entry of the log.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]


@app.command()
def log(
    project: Project = None, which: str = "all", of: Annotated[str, typer.Option("--id", help="Only of this id.")] = "", limit: int = 50
) -> None:
    """Print the newest entries of the log, newest first: number, time, what, state, both ids, why, by whom."""
    try:
        kind: Which = ToldSpec.model_validate({"which": which}).which
        found = door.told(folder_owner(project), ToldSpec(which=kind, id=of, limit=limit))
    except (Refused, EngineError, ValueError) as error:
        _fail(error)
    for row in found.rows:
        other = f"{row.other.type}:{row.other.text}" if row.other else ""
        cells = (row.act, f"{row.at:%Y-%m-%d %H:%M:%S}Z", row.kind, row.state, f"{row.one.type}:{row.one.text}", other, row.why, row.by)
        typer.echo("\t".join(map(str, cells)))


@app.command()
def merge(one: str, other: str, project: Project = None, why: Why = "", yes: Yes = False) -> None:
    """Make one person of those whom two ids belong to (`user:ann`, or a person's number), after showing what changes."""
    try:
        member = folder_owner(project)
        first, second = door.number_of(member, one), door.number_of(member, other)
        _show(door.preview_merge(member, first, second))
        if not yes:
            typer.confirm("Merge them?", abort=True)
        typer.echo(f"Merged: entry {door.decide(member=member, verb='merge', one=first, other=second, why=why).act}.")
    except (Refused, EngineError) as error:
        _fail(error)


@app.command()
def undo(act: Act, project: Project = None, why: Why = "", yes: Yes = False) -> None:
    """Undo a link or a merge, with all of history, after showing what changes."""
    try:
        member = folder_owner(project)
        row = door.entry(member, act)
        if row.turns == "undo":
            _show(door.preview_undo(member, row))
            if not yes:
                typer.confirm("Undo it?", abort=True)
        typer.echo({"done": "Undone.", "already": "It is undone already."}[door.decide(member=member, verb="undo", act=act, why=why).code])
    except (Refused, EngineError) as error:
        _fail(error)


@app.command()
def redo(act: Act, project: Project = None, why: Why = "") -> None:
    """Let a link or a merge hold again that was undone."""
    try:
        code = door.decide(member=folder_owner(project), verb="redo", act=act, why=why).code
        typer.echo({"done": "It holds again.", "already": "It holds already."}[code])
    except (Refused, EngineError) as error:
        _fail(error)


def _show(preview: Preview) -> None:
    for title, persons in (("Now", preview.before), ("Then", preview.after)):
        typer.echo(f"{title}:")
        for one in persons:
            typer.echo(f"  person {one.person}: {one.events} events, " + ", ".join(f"{own.type}:{own.text}" for own in one.ids))
    for changed in preview.affected:
        typer.echo(f"{changed.name or 'everybody known'}: {changed.before} people now, {changed.after} then")


def _fail(error: Exception) -> NoReturn:
    typer.echo(str(error), err=True)
    raise typer.Exit(1) from None
