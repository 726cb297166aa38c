"""Bihuan in a notebook or a script: the same questions, the same numbers, from a running one or straight from a data folder."""

from __future__ import annotations

import json
import os
from abc import ABC, abstractmethod
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace
from html import escape
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from pydantic import BaseModel

from bihuan.console.tables import from_json, to_arrow
from bihuan.engine.config import Config
from bihuan.engine.question import Headline, Table

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl
    import pyarrow as pa

SHOWN = 20  # rows that a notebook shows of a result
TIMEOUT = 120.0  # seconds


class AskError(Exception):
    """A question was not answered: `code` is for programs, the text for people, `where` the dotted place in the spec."""

    def __init__(self, message: str, *, code: str = "invalid", where: str = "") -> None:
        super().__init__(message if not where else f"{message} ({where})")
        self.message, self.code, self.where = message, code, where


@dataclass(frozen=True)
class Result:
    """An answer: its `table`, its key numbers, and where it comes from (`meta`: asked_at, fresh_to, seconds, rows_read …)."""

    question: str
    table: Table
    headlines: tuple[Headline, ...]
    meta: Mapping[str, Any]

    @property
    def rows(self) -> list[dict[str, Any]]:
        """Each row as a dict by column name; instants are aware datetimes, days are dates."""
        names = [column.name for column in self.table.columns]
        return [dict(zip(names, row, strict=True)) for row in self.table.rows]

    def arrow(self) -> pa.Table:
        """The table as Arrow."""
        return to_arrow(self.table)

    def polars(self) -> pl.DataFrame:
        """The table as a Polars data frame."""
        import polars

        frame = polars.from_arrow(self.arrow())
        assert isinstance(frame, polars.DataFrame)
        return frame

    def pandas(self) -> pd.DataFrame:
        """The table as a pandas data frame."""
        return self.arrow().to_pandas()

    def _repr_html_(self) -> str:
        head = "".join(f"<th>{escape(column.title)}</th>" for column in self.table.columns)
        body = "".join(f"<tr>{''.join(f'<td>{escape(str(cell))}</td>' for cell in row)}</tr>" for row in self.table.rows[:SHOWN])
        more = len(self.table.rows) - SHOWN
        rest = f"<caption>+ {more} rows</caption>" if more > 0 else ""
        return f"<table>{rest}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


class Client(ABC):
    """Asks questions of one project. Close it, or use it in a `with`, to let go of what it holds."""

    project: str

    def ask(self, question: str | Mapping[str, Any], spec: Mapping[str, Any] | BaseModel | None = None) -> Result:
        """The answer to a spec: `ask("trend", {"series": [...]})`, or one document `ask({"question": "trend", "series": [...]})`.

        Raises AskError.
        """
        if isinstance(question, Mapping):
            spec = {name: value for name, value in question.items() if name != "question"}
            question = str(question.get("question", ""))
        if isinstance(spec, BaseModel):
            spec = spec.model_dump(mode="json", by_alias=True)
        return _result(self._answer(question, dict(spec or {})))

    @abstractmethod
    def _answer(self, question: str, spec: dict[str, Any]) -> dict[str, Any]:
        """The answer as the API's document."""

    @abstractmethod
    def close(self) -> None:
        """Let go of what is held."""

    def __enter__(self) -> Client:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


def connect(where: str | Path, *, token: str | None = None, project: str | None = None) -> Client:
    """A client for the running Bihuan at an address, with an API token (or BIHUAN_TOKEN), or for a data folder."""
    if str(where).startswith(("http://", "https://")):
        return Remote(str(where), token or os.environ.get("BIHUAN_TOKEN", ""), project)
    return Local(Path(where), project)


class Remote(Client):
    """Asks a running Bihuan over HTTP."""

    def __init__(self, url: str, token: str, project: str | None) -> None:
        import urllib3

        self._pool = urllib3.PoolManager(headers={"Authorization": f"Bearer {token}", "Accept": "application/json"}, timeout=TIMEOUT)
        self._root = f"{url.rstrip('/')}/api/v1"
        self.project = project or self._call("GET", "/projects")[0]["key"]

    def _answer(self, question: str, spec: dict[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = self._call("POST", f"/projects/{quote(self.project)}/ask/{quote(question)}", spec)
        return found

    def _call(self, method: str, path: str, body: object = None) -> Any:
        import urllib3

        try:
            response = self._pool.request(method, self._root + path, json=body, retries=False)
        except urllib3.exceptions.HTTPError as error:
            raise AskError(f"Bihuan does not answer at {self._root}: {error}", code="unavailable") from error
        try:
            document = json.loads(response.data)
        except ValueError:
            raise AskError(f"What answers at {self._root} is not Bihuan (status {response.status}).", code="unavailable") from None
        if response.status != 200:
            raise AskError(document["message"], code=document["code"], where=document["where"])
        return document

    def close(self) -> None:
        self._pool.clear()


class Local(Client):
    """Asks the store of a data folder with the rights of the folder's owner: by the engine that runs on it, else by one of its own.

    All work is done in one thread of its own: Django refuses to work in the thread of a notebook, which has an event loop.
    """

    def __init__(self, folder: Path, project: str | None) -> None:
        self._held = ExitStack()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="bihuan")
        self._held.callback(self._thread.shutdown)
        try:
            self.project = self._thread.submit(self._open, folder.expanduser().absolute(), project).result()
        except BaseException:
            self._held.close()
            raise

    def _open(self, folder: Path, project: str | None) -> str:
        config = _django_on(folder)
        from bihuan.engine.ask import Engine
        from bihuan.engine.embedded.child import own_store
        from bihuan.govern.door import folder_owner

        with _as_ask_errors():
            self._member = folder_owner(project)
            opened = ExitStack()
            self._engine = Engine(opened.enter_context(own_store(config)))
        self._held.callback(lambda: self._thread.submit(opened.close).result())
        return self._member.project.key

    def _answer(self, question: str, spec: dict[str, Any]) -> dict[str, Any]:
        return self._thread.submit(self._ask, question, spec).result()

    def _ask(self, name: str, document: dict[str, Any]) -> dict[str, Any]:
        from bihuan.catalog.door import scope
        from bihuan.console.api.answers import as_document
        from bihuan.console.questions import by_name
        from bihuan.govern.forms import validated

        with _as_ask_errors():
            question = by_name(name)
            spec, errors = validated(question.spec, document)
            if spec is None:
                where, message = next(iter(errors.items()))
                raise AskError(message, where=where)
            return as_document(question, self._engine.ask(question, spec, scope(self._member)))

    def close(self) -> None:
        self._held.close()


class _as_ask_errors:  # noqa: N801 - reads as a word in `with`
    """What the doors and the engine refuse, as the AskError that the API would give."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        from bihuan.console.api.errors import status_and_code
        from bihuan.engine.errors import EngineError
        from bihuan.govern.errors import Refused

        if isinstance(error, Refused | EngineError):
            raise AskError(str(error), code=status_and_code(error)[1], where=getattr(error, "where", "")) from error


def _django_on(folder: Path) -> Config:
    """Set Django up on the folder; one process works on one folder."""
    config = replace(Config.from_env(), data=folder)
    if not config.database_url and not (folder / "bihuan.sqlite3").is_file():
        raise AskError(f"There is no Bihuan in {folder}: name its data folder, or make one with `bihuan init`.", code="not_found")
    from django.apps import apps
    from django.conf import settings

    os.environ["BIHUAN_DATA"] = str(folder)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bihuan.console.settings")
    if not apps.ready:
        import django

        django.setup()
    if folder != settings.CONFIG.data:
        raise AskError(f"This process already works on {settings.CONFIG.data}; use another process for {folder}.", code="conflict")
    return config


def _result(document: Mapping[str, Any]) -> Result:
    headlines = tuple(Headline(one["title"], one["value"], one["kind"], one["change"]) for one in document["headlines"])
    return Result(document["question"], from_json(document["columns"], document["rows"]), headlines, document["meta"])
