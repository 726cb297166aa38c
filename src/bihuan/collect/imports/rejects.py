"""The rows that were not taken, as a file: line, reason and row, in CSV or JSON lines by the file's name."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from bihuan.collect.imports.errors import ImportProblem, Reason, Reject

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")  # a spreadsheet would run a row that begins so

Say = Callable[[Reason], str]


@contextmanager
def rejects_file(path: Path | None, say: Say = str, *, kept: int = 0) -> Iterator[Callable[[Reject], None]]:
    """A function that takes rejects. The file is made with the first one: none, no file. Of one that is there, the first `kept` bytes
    stay: an attempt that was broken off wrote them. Raises ImportProblem if it cannot be."""
    if path is None:
        yield lambda reject: None
        return
    if kept and path.exists():
        os.truncate(path, kept)
    else:
        path.unlink(missing_ok=True)
    written = _Rejects(path, say)
    try:
        yield written
    finally:
        written.close()


class _Rejects:
    def __init__(self, path: Path, say: Say) -> None:
        self._path = path
        self._say = say
        self._json = path.suffix.lower() in (".jsonl", ".ndjson", ".json")
        self._file: IO[str] | None = None

    def __call__(self, reject: Reject) -> None:
        file = self._file or self._begun()
        reason = self._say(reject.reason)
        if self._json:
            print(json.dumps({"line": reject.line, "reason": reason, "row": reject.row}, ensure_ascii=False), file=file)
        else:
            row = f"'{reject.row}" if reject.row.startswith(FORMULA) else reject.row
            csv.writer(file, lineterminator="\n").writerow([reject.line, reason, row])

    def size(self) -> int:
        """How many bytes are in the file by now."""
        if self._file is not None:
            self._file.flush()
        return self._path.stat().st_size if self._path.exists() else 0

    def close(self) -> None:
        if self._file is not None:
            self._file.close()

    def _begun(self) -> IO[str]:
        try:
            begun = self._path.exists()
            self._file = self._path.open("a", encoding="utf-8", newline="")
        except OSError as error:
            raise ImportProblem("The rejects cannot be written to {path}: {why}.", path=self._path, why=error.strerror or error) from error
        if not self._json and not begun:
            csv.writer(self._file, lineterminator="\n").writerow(["line", "reason", "row"])
        return self._file
