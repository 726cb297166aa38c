"""CSV, TSV and JSON lines: text files line by line, in which a line that cannot be read costs only itself."""

from __future__ import annotations

import codecs
import csv
import io
from collections import deque
from collections.abc import Callable, Iterator
from itertools import islice
from typing import IO, TYPE_CHECKING, Any

import msgspec

from bihuan.collect.imports.errors import CUT, ImportProblem, Reason, Reject, is_clean, readable
from bihuan.collect.imports.readers import BYTES, CELLS, MAX_LINE, Chunk, _check_names
from bihuan.collect.imports.values import Loose, Typed, Values

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

SAMPLE = 64 * 1024
BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
TOO_LONG = Reason("The line has more than {most} characters.", {"most": f"{MAX_LINE:,}"})
NOT_READ = "The line is not {kind}: {why}."
UNDECODABLE = "The row holds bytes that are not {encoding}: “{text}”."


def _keep_bytes(error: UnicodeError) -> tuple[str, int]:
    """Bytes that cannot be decoded become lone surrogates, so that their row is known and can be shown."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return "".join(chr(0xDC00 + byte) for byte in error.object[error.start : error.end]), error.end


codecs.register_error("bihuan-keep", _keep_bytes)


class Lines:
    """The lines of a text file with their numbers; lines may be given back, and one that is far too long is cut off and marked."""

    def __init__(self, file: IO[bytes], encoding: str) -> None:
        head = file.read(4)
        named = next((name for bom, name in BOMS if head.startswith(bom)), "")
        self.encoding = encoding or named or "utf-8"
        if named == "utf-8-sig" and self.encoding.lower().replace("_", "-") in ("utf-8", "utf8"):
            self.encoding = named
        try:
            codecs.lookup(self.encoding)
        except LookupError as error:
            raise ImportProblem("There is no encoding “{name}”; try utf-8 or gb18030.", name=encoding) from error
        rest = io.BufferedReader(_Joined(head, file), SAMPLE)
        self._text = io.TextIOWrapper(rest, encoding=self.encoding, errors="bihuan-keep", newline="")
        self._again: deque[str] = deque()
        self.number = 0

    def __iter__(self) -> Lines:
        return self

    def __next__(self) -> str:
        if self._again:
            self.number += 1
            return self._again.popleft()
        line = self._text.readline(MAX_LINE)
        if not line:
            raise StopIteration
        self.number += 1
        if len(line) == MAX_LINE and not line.endswith(("\n", "\r")):
            while (more := self._text.readline(MAX_LINE)) and not more.endswith(("\n", "\r")):
                pass
            line = f"{line[:200]}{CUT}\n"
        return line

    def give_back(self, lines: list[str]) -> None:
        """Let these lines, the last ones taken, be read again."""
        self._again.extendleft(reversed(lines))
        self.number -= len(lines)


class _Joined(io.RawIOBase):
    """What was peeked at, and then the file."""

    def __init__(self, head: bytes, file: IO[bytes]) -> None:
        self._head = head
        self._file = file

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._head[: len(buffer)] or self._file.read(len(buffer))
        self._head = self._head[len(buffer) :]
        buffer[: len(data)] = data
        return len(data)


class _Taken:
    """The lines as the CSV parser takes them, remembered until the record is whole. Unlike a generator it can go on after its end."""

    def __init__(self, source: Lines) -> None:
        self.source = source
        self.lines: list[str] = []

    def __iter__(self) -> _Taken:
        return self

    def __next__(self) -> str:
        line = next(self.source)
        self.lines.append(line)
        return line


class CsvReader:
    """Rows of a CSV or TSV file with a header; quoted fields may hold line breaks. All values are text."""

    total: int | None = None

    def __init__(self, file: IO[bytes], done: Callable[[], float], encoding: str, delimiter: str, rows: int) -> None:
        self._lines = Lines(file, encoding)
        self.done = done
        self._rows = rows
        first = next(self._lines, "")
        while first and not first.strip():
            first = next(self._lines, "")
        if not first:
            raise ImportProblem("The file is empty.")
        self._delimiter = delimiter or _delimiter(first)
        self._lines.give_back([first])
        self._taken = _Taken(self._lines)
        csv.field_size_limit(MAX_LINE)
        self._csv = csv.reader(self._taken, delimiter=self._delimiter, strict=True)
        try:
            self.names = [name.strip() for name in next(self._csv)]
        except csv.Error as error:
            raise ImportProblem("The header line cannot be read: {why}.", why=error) from error
        for name in self.names:
            if not is_clean(name):
                message = "The header is not {encoding}: “{text}”. Give the file's encoding, such as gb18030."
                raise ImportProblem(message, encoding=self._lines.encoding, text=readable(name))
        _check_names(self.names)
        self.shape = "\x1f".join(self.names).encode()

    def chunks(self) -> Iterator[Chunk]:
        records = self._records()
        limit = max(min(self._rows, CELLS // len(self.names)), 100)
        while True:
            rows: list[list[str]] = []
            lines: list[int] = []
            rejects: list[Reject] = []
            size = 0
            for line, row, reason in islice(records, limit):
                if reason is None:
                    rows.append(row)
                    lines.append(line)
                    size += sum(map(len, row))
                else:
                    rejects.append(Reject(line, reason, readable("\n".join(row))))
                    size += 500
                if size > BYTES:
                    break
            if not rows and not rejects:
                return
            yield self._chunk(rows, lines, rejects)

    def _records(self) -> Iterator[tuple[int, list[str], Reason | None]]:
        """Each record with the line it begins on; when one cannot be read, only its first line is lost and reading goes on behind it."""
        width = len(self.names)
        while True:
            self._taken.lines.clear()
            first = self._lines.number + 1
            try:
                row = next(self._csv)
            except StopIteration:
                return
            except csv.Error as error:
                bad, *after = self._taken.lines
                self._lines.give_back(after)
                yield first, [bad.rstrip("\r\n")[:2000]], TOO_LONG if CUT in bad else Reason(NOT_READ, {"kind": "CSV", "why": str(error)})
                continue
            if len(row) == width:
                yield first, row, None
            elif row and any(row):
                values = {"found": len(row), "expected": width}
                reason = Reason("The row has {found} fields, the header {expected}.", values)
                yield first, [self._delimiter.join(row)], TOO_LONG if CUT in row[-1] else reason

    def _chunk(self, rows: list[list[str]], lines: list[int], rejects: list[Reject]) -> Chunk:
        import numpy as np

        columns: list[tuple[str, ...]] = list(zip(*rows, strict=True)) if rows else [() for _ in self.names]
        arrays, bad = _arrays(columns)
        if bad:
            rejects.extend(self._undecodable(lines[row], rows[row]) for row in bad)
            kept = [row for row in range(len(rows)) if row not in bad]
            return self._chunk([rows[row] for row in kept], [lines[row] for row in kept], rejects)
        values: dict[str, Values] = {name: Typed(array) for name, array in zip(self.names, arrays, strict=True) if name}
        return Chunk(values, np.array(lines, dtype=np.int64), rejects, lambda: _contents(rows), lambda row: self._text(rows[row]))

    def _undecodable(self, line: int, row: list[str]) -> Reject:
        text = next(field for field in row if not is_clean(field))
        reason = TOO_LONG if CUT in text else Reason(UNDECODABLE, {"encoding": self._lines.encoding, "text": readable(text)[:80]})
        return Reject(line, reason, readable(self._text(row)))

    def _text(self, row: list[str]) -> str:
        written = io.StringIO()
        csv.writer(written, delimiter=self._delimiter, lineterminator="").writerow(row)
        return written.getvalue()


def _arrays(columns: list[tuple[str, ...]]) -> tuple[list[pa.Array], set[int]]:
    """The columns as Arrow texts, and the rows that hold what was not decodable."""
    import pyarrow as pa

    arrays: list[pa.Array] = []
    bad: set[int] = set()
    for column in columns:
        try:
            arrays.append(pa.array(column, pa.string()))
        except UnicodeEncodeError:
            bad.update(row for row, text in enumerate(column) if not is_clean(text))
    return arrays, bad


def _contents(rows: list[list[str]]) -> list[bytes]:
    return [_joined(row).encode() for row in rows]


def _joined(row: list[str]) -> str:
    text = "\x1f".join(row)
    if "\x1e" in text or text.count("\x1f") != len(row) - 1:
        text = "\x1f".join(field.replace("\x1e", "\x1e0").replace("\x1f", "\x1e1") for field in row)
    return text


def _delimiter(header: str) -> str:
    """What most likely stands between the columns: the most frequent of the usual marks, a comma when there is none."""
    return max(",;\t|", key=header.count)


class JsonLinesReader:
    """One JSON object a line. Nested objects become columns with dotted names: {"properties": {"price": 3}} is `properties.price`."""

    total: int | None = None
    shape = b"json"

    def __init__(self, file: IO[bytes], done: Callable[[], float], encoding: str, rows: int) -> None:
        self._lines = Lines(file, encoding)
        self.done = done
        self._rows = rows
        self._decode = msgspec.json.Decoder().decode

    def chunks(self) -> Iterator[Chunk]:
        while True:
            rows: list[dict[str, Any]] = []
            texts: list[str] = []
            lines: list[int] = []
            rejects: list[Reject] = []
            names: dict[str, None] = {}
            size = 0
            for text in self._lines:
                row = self._row(text)
                if isinstance(row, Reason):
                    rejects.append(Reject(self._lines.number, row, readable(text.rstrip("\r\n")[:2000])))
                elif row is not None:
                    rows.append(row)
                    texts.append(text.strip())
                    lines.append(self._lines.number)
                    names.update(dict.fromkeys(row))
                size += len(text)
                if len(rows) + len(rejects) >= self._rows or size > BYTES or len(rows) * len(names) > CELLS:
                    break
            if not rows and not rejects:
                return
            yield _json_chunk(rows, texts, lines, rejects, names)

    def _row(self, text: str) -> dict[str, Any] | Reason | None:
        if not text.strip():
            return None
        if not is_clean(text):
            return TOO_LONG if CUT in text else Reason(UNDECODABLE, {"encoding": self._lines.encoding, "text": readable(text[:80])})
        try:
            found = self._decode(text)
        except (msgspec.DecodeError, RecursionError) as error:
            return Reason(NOT_READ, {"kind": "JSON", "why": str(error)})
        if not isinstance(found, dict):
            return Reason("The line is not a JSON object but {kind}.", {"kind": type(found).__name__})
        row: dict[str, Any] = {}
        _flatten("", found, row, 0)
        return row


def _flatten(prefix: str, found: dict[str, Any], row: dict[str, Any], depth: int) -> None:
    for name, value in found.items():
        if isinstance(value, dict) and value and depth < 5:
            _flatten(f"{prefix}{name}.", value, row, depth + 1)
        else:
            row[f"{prefix}{name}"] = value


def _json_chunk(rows: list[dict[str, Any]], texts: list[str], lines: list[int], rejects: list[Reject], names: dict[str, None]) -> Chunk:
    import numpy as np

    columns: dict[str, Values] = {name: Loose([row.get(name) for row in rows]) for name in names}
    number_of: np.ndarray = np.array(lines, dtype=np.int64)
    return Chunk(columns, number_of, rejects, lambda: [text.encode() for text in texts], lambda row: texts[row])
