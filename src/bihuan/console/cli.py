"""The `bihuan` command. What a command needs is imported when it runs: `bihuan version` loads nothing."""

from __future__ import annotations

import json
import os
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from bihuan.console.client import Result

app = typer.Typer(
    name="bihuan",
    help="Bihuan closes the operations loop: collect, see, analyse, act, and know what the action really changed.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)
PASS_ON = {"allow_extra_args": True, "ignore_unknown_options": True}
Data = Annotated[Path, typer.Option("--data", envvar="BIHUAN_DATA", help="The data folder.", show_default=True)]
FOLDER = Path("data")


class Form(StrEnum):
    """How an answer is printed."""

    table = "table"
    json = "json"
    csv = "csv"


def main() -> None:
    """What the installed command runs."""
    os.umask(0o077)  # whatever it and its processes write is for this user alone
    app()


@app.command(context_settings=PASS_ON, add_help_option=False)
def serve(context: typer.Context) -> None:
    """Run Bihuan until Ctrl-C: the console, the collector, the worker and the event store."""
    _become("bihuan.console.serve", context.args)


@app.command(context_settings=PASS_ON, add_help_option=False)
def demo(context: typer.Context) -> None:
    """Try Bihuan on a simulated shop with 90 days of history and live traffic, until Ctrl-C."""
    _become("bihuan.console.demo", context.args)


@app.command("import", context_settings=PASS_ON, add_help_option=False)
def import_file(context: typer.Context) -> None:
    """Bring a file of events into a project: CSV, Parquet or JSON lines, also gzipped."""
    data, arguments = _taken("--data", context.args)
    if data:
        os.environ["BIHUAN_DATA"] = data
    _django()
    from bihuan.collect.imports.command import import_command

    one = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    one.command()(import_command)
    one(arguments, prog_name="bihuan import")


@app.command("plan", context_settings=PASS_ON, add_help_option=False)
def tracking_plan(context: typer.Context) -> None:
    """The tracking plan as a file: `export` it, `check` a file, `apply` it."""
    data, arguments = _taken("--data", context.args)
    if data:
        os.environ["BIHUAN_DATA"] = data
    _django()
    from bihuan.collect.plan.command import app as commands

    commands(arguments, prog_name="bihuan plan")


@app.command("identity", context_settings=PASS_ON, add_help_option=False)
def identity(context: typer.Context) -> None:
    """Who is who: the `log` of links, `merge` two people, `undo` and `redo`."""
    data, arguments = _taken("--data", context.args)
    if data:
        os.environ["BIHUAN_DATA"] = data
    _django()
    from bihuan.collect.identity.command import app as commands

    commands(arguments, prog_name="bihuan identity")


@app.command()
def ask(
    spec: Annotated[Path, typer.Argument(help='A JSON file: {"question": "trend", …}; - reads standard input.')],
    project: Annotated[str | None, typer.Option(help="The project's key; needed when there are several.")] = None,
    form: Annotated[Form, typer.Option("--format", help="How to print the answer.")] = Form.table,
    url: Annotated[str | None, typer.Option(envvar="BIHUAN_URL", help="Ask a running Bihuan here, with --token.")] = None,
    token: Annotated[str | None, typer.Option(envvar="BIHUAN_TOKEN", help="An API token.")] = None,
    data: Data = FOLDER,
) -> None:
    """Ask a question and print its answer."""
    from bihuan.console.client import AskError, connect

    try:
        document = json.loads(sys.stdin.read() if str(spec) == "-" else spec.read_text("utf-8"))
    except (OSError, ValueError) as error:
        _fail(f"{spec} cannot be read as JSON: {error}")
    if not isinstance(document, dict) or "question" not in document:
        _fail(f'{spec} names no question: it must be like {{"question": "trend", …}}.')
    try:
        with connect(url or str(data), token=token, project=project) as client:
            result = client.ask(document)
    except AskError as error:
        _fail(str(error))
    _print(result, form)


@app.command()
def init(
    name: Annotated[str, typer.Option(prompt="The project's name", help="The project's name.")],
    username: Annotated[str, typer.Option(prompt="Your user name", help="The owner's user name.")],
    email: Annotated[str, typer.Option(prompt="Your e-mail address", help="The owner's e-mail address.")],
    password: Annotated[
        str,
        typer.Option(
            prompt="A password", hide_input=True, confirmation_prompt=True, envvar="BIHUAN_PASSWORD", help="The owner's password."
        ),
    ],
    key: Annotated[str, typer.Option(help="The project's key in addresses; default: made from the name.")] = "",
    timezone: Annotated[str, typer.Option(prompt="The project's time zone", help="Days are days in it; it cannot change later.")] = "UTC",
    currency: Annotated[str, typer.Option(prompt="The project's currency", help="Three letters, such as CNY.")] = "USD",
    data: Data = FOLDER,
) -> None:
    """Make a project, its owner and a write key."""
    os.environ["BIHUAN_DATA"] = str(data.absolute())
    _django(migrate=True)
    from bihuan.console.first_run import set_up
    from bihuan.govern.errors import Refused

    try:
        done = set_up(name=name, username=username, email=email, password=password, key=key, timezone=timezone, currency=currency)
    except Refused as error:
        _fail(str(error))
    typer.echo(f"Project {done.project.key} is ready; {done.owner.username} owns it.")
    typer.echo(f"Write key (shown only now): {done.write_key}")
    typer.echo("Next: bihuan serve")


@app.command()
def user(
    username: Annotated[str, typer.Argument(help="The user name.")],
    password: Annotated[
        str, typer.Option(prompt=True, hide_input=True, confirmation_prompt=True, envvar="BIHUAN_PASSWORD", help="The new password.")
    ],
    email: Annotated[str, typer.Option(help="The e-mail address of a new account.")] = "",
    project: Annotated[str, typer.Option(help="Let the account into this project …")] = "",
    role: Annotated[str, typer.Option(help="… with this role: owner, operator, analyst or viewer.")] = "viewer",
    data: Data = FOLDER,
) -> None:
    """Make an account, or give one a new password."""
    os.environ["BIHUAN_DATA"] = str(data.absolute())
    _django(migrate=True)
    from bihuan.console.first_run import set_account
    from bihuan.govern.errors import Refused

    try:
        set_account(username=username, password=password, email=email, project=project, role=role)
    except Refused as error:
        _fail(str(error))
    typer.echo(f"{username} can log in.")


@app.command()
def migrate(data: Data = FOLDER) -> None:
    """Bring the store and the definitions to this version's schema; `bihuan serve` does it by itself."""
    os.environ["BIHUAN_DATA"] = str(data.absolute())
    _check_folder()
    from bihuan.console.migrate import migrate_database
    from bihuan.engine.config import Config
    from bihuan.engine.embedded.child import own_store
    from bihuan.engine.errors import EngineError
    from bihuan.engine.schema import migrate as migrate_store

    try:
        with own_store(Config.from_env()) as store:
            number = migrate_store(store)
    except EngineError as error:
        _fail(str(error))
    migrate_database()
    typer.echo(f"The store has schema {number}; the definitions are up to date.")


@app.command()
def version() -> None:
    """Print the version."""
    from bihuan import __version__

    typer.echo(__version__)


def _print(result: Result, form: Form) -> None:
    if form is Form.csv:
        from bihuan.console.tables import to_csv

        typer.echo(to_csv(result.table), nl=False)
    elif form is Form.json:
        from bihuan.console.tables import to_json_rows

        headlines = [{"title": one.title, "value": one.value, "kind": one.kind, "change": one.change} for one in result.headlines]
        names = [column.name for column in result.table.columns]
        rows = [dict(zip(names, row, strict=True)) for row in to_json_rows(result.table)]
        typer.echo(
            json.dumps(
                {"question": result.question, "rows": rows, "headlines": headlines, "meta": result.meta}, ensure_ascii=False, indent=2
            )
        )
    else:
        _print_table(result)


def _print_table(result: Result) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False)
    table = Table(*(column.title for column in result.table.columns))
    for column, place in zip(result.table.columns, table.columns, strict=True):
        place.justify = "right" if column.kind in ("number", "money", "share", "seconds") else "left"
    for row in result.table.rows:
        table.add_row(*map(_written, row))
    for headline in result.headlines:
        console.print(f"{headline.title}: {_written(headline.value)}", markup=False)
    console.print(table)


def _written(value: Any) -> str:
    return "–" if value is None else f"{value:,}" if isinstance(value, int | float) and not isinstance(value, bool) else str(value)


def _taken(option: str, arguments: list[str]) -> tuple[str, list[str]]:
    """The value of an option among passed-on arguments, and the arguments without it."""
    rest, value, waiting = [], "", False
    for argument in arguments:
        if waiting:
            value, waiting = argument, False
        elif argument == option:
            waiting = True
        elif argument.startswith(f"{option}="):
            value = argument.partition("=")[2]
        else:
            rest.append(argument)
    return value, rest


def _django(*, migrate: bool = False) -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bihuan.console.settings")
    _check_folder()
    if migrate:
        from bihuan.console.migrate import migrate_database

        migrate_database()
    else:
        import django

        django.setup()


def _check_folder() -> None:
    """Make the data folder, or end with a sentence when nothing can be written there."""
    from bihuan.console.serve import CannotServe, check_folder
    from bihuan.engine.config import Config

    try:
        check_folder(Config.from_env())
    except CannotServe as problem:
        _fail(str(problem))


def _become(module: str, arguments: list[str]) -> None:
    """Go on as another module: what stays for long should not keep the command line's libraries in memory."""
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, "-m", module, *arguments])  # noqa: S606


def _fail(message: str) -> Any:
    typer.echo(message, err=True)
    raise typer.Exit(1)


if __name__ == "__main__":
    main()
