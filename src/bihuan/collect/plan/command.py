"""The command `bihuan plan`: the tracking plan as a file that is kept beside the code."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from bihuan.collect.plan.document import Difference, apply, differences, from_yaml, to_yaml
from bihuan.collect.plan.door import tracking_plan
from bihuan.govern.door import folder_owner
from bihuan.govern.errors import Refused

SAME, DIFFERENT, WRONG = 0, 2, 1  # exit codes

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, no_args_is_help=True, help="The tracking plan as a file.")
Project = Annotated[str | None, typer.Option(help="The project's key; needed when there are several.")]
File = Annotated[Path, typer.Argument(help="A YAML file; - reads standard input.")]


@app.command()
def export(project: Project = None) -> None:
    """Print the plan as YAML."""
    try:
        typer.echo(to_yaml(tracking_plan(folder_owner(project))), nl=False)
    except Refused as error:
        _fail(error)


@app.command()
def check(file: File, project: Project = None) -> None:
    """Say what is wrong with a file, or what applying it would change (then the exit code is 2)."""
    try:
        found = differences(tracking_plan(folder_owner(project)), from_yaml(_text(file)))
    except Refused as error:
        _fail(error)
    _say(found)
    raise typer.Exit(DIFFERENT if found else SAME)


@app.command("apply")
def apply_file(
    file: File, project: Project = None, reason: Annotated[str, typer.Option(help="Why: it stands in the history.")] = ""
) -> None:
    """Make the plan what a file says; events that are not in it are taken out of the plan."""
    try:
        _say(apply(member=folder_owner(project), read=from_yaml(_text(file)), reason=reason))
    except Refused as error:
        _fail(error)


def _text(file: Path) -> str:
    try:
        return sys.stdin.read() if str(file) == "-" else file.read_text("utf-8")
    except (OSError, ValueError) as error:
        typer.echo(f"{file} cannot be read: {error}", err=True)
        raise typer.Exit(WRONG) from None


def _say(found: list[Difference]) -> None:
    signs = {"add": "+", "change": "~", "remove": "-"}
    for one in found:
        typer.echo(f"{signs[one.verb]} {one.event or '(all events)'}")
        for change in one.changes:
            typer.echo(f"    {change.place}: {change.before or '–'} → {change.after or '–'}")
    typer.echo(f"{len(found)} differences." if found else "The plan says the same.")


def _fail(error: Refused) -> NoReturn:
    typer.echo(str(error), err=True)
    raise typer.Exit(WRONG)
