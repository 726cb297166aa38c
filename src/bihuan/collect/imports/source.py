"""Where rows come from: anything that can be opened as a reader of chunks; a file on this machine is the plainest."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

from bihuan.collect.imports.cursors import Cursor
from bihuan.collect.imports.readers import Reader, file_format, open_file


class Source(Protocol):
    """`name` is how people know it; `typed` whether all rows have the same columns; `by_rows` whether reading it again gives the same rows
    in the same order, so that an import that was broken off may pass over those that it has stored."""

    @property
    def name(self) -> str: ...
    @property
    def typed(self) -> bool: ...
    @property
    def by_rows(self) -> bool: ...

    def open(
        self, *, encoding: str = "", delimiter: str = "", rows: int = 0, since: Cursor | None = None
    ) -> AbstractContextManager[Reader]:
        """Begin to read: all of it, or what came after `since`. `rows`: at most so many in a chunk. Raises ImportProblem."""
        ...


class FileSource:
    """A file on this machine; `kind` is its format where its name does not say it."""

    by_rows = True

    def __init__(self, path: Path, *, kind: str = "", name: str = "") -> None:
        self.path = path
        self.name = name or path.name
        self._kind = kind

    @property
    def typed(self) -> bool:
        return (self._kind or file_format(self.path)[0]) != "jsonl"

    def open(
        self, *, encoding: str = "", delimiter: str = "", rows: int = 0, since: Cursor | None = None
    ) -> AbstractContextManager[Reader]:
        return open_file(self.path, kind=self._kind, encoding=encoding, delimiter=delimiter, rows=rows)
