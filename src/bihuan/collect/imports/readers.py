"""Files as chunks of rows, one chunk in memory at a time: CSV, TSV, JSON lines and Parquet, each plain or gzipped."""

from __future__ import annotations

import gzip
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePath
from typing import IO, TYPE_CHECKING, Any, Protocol

from bihuan.collect.imports.cursors import Cursor
from bihuan.collect.imports.errors import ImportProblem, Reject
from bihuan.collect.imports.values import Typed, Values

if TYPE_CHECKING:
    import numpy as np

SPREADSHEETS = (".xlsx", ".xls", ".xlsm", ".ods", ".et", ".numbers")
ROWS = 50_000  # of a chunk at most
CELLS = 2_000_000
BYTES = 16 * 1024 * 1024  # of a chunk's text at most
MAX_LINE = 1024 * 1024  # characters of one line, and of one quoted field
FORMATS = {
    ".csv": "csv",
    ".txt": "csv",
    ".tsv": "tsv",
    ".tab": "tsv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "jsonl",
    ".parquet": "parquet",
    ".pq": "parquet",
}


@dataclass(frozen=True)
class Chunk:
    """Some rows that follow each other: columns by name, the line each row begins on, what could not be read at all, and the rows'
    whole content for keys (`contents`, in order) and for the rejects file (`row`). Where a source is made of several files, `part` names
    the file and `shape` stands for its columns. `cursor` is where a source that can go on later has got to with this chunk."""

    columns: Mapping[str, Values]
    lines: np.ndarray
    rejects: Sequence[Reject]
    contents: Callable[[], Sequence[bytes]]
    row: Callable[[int], str]
    part: str = ""
    shape: bytes = b""
    cursor: Cursor | None = None

    @property
    def size(self) -> int:
        """How many rows it stands for."""
        return len(self.lines) + len(self.rejects)


class Reader(Protocol):
    """An open file. `total` is its number of rows if it says so, `shape` stands for its columns in the keys of lines."""

    total: int | None
    shape: bytes

    def chunks(self) -> Iterator[Chunk]:
        """All rows in order, once."""
        ...

    def done(self) -> float:
        """The part of the file that was read, 0 to 1."""
        ...


@contextmanager
def open_file(path: Path, *, kind: str = "", encoding: str = "", delimiter: str = "", rows: int = 0) -> Iterator[Reader]:
    """Open a file by what its name says it is. Raises ImportProblem when it is not there, unknown or not what it says."""
    named, gzipped = file_format(path, kind)
    try:
        raw = path.open("rb")
    except OSError as error:
        raise ImportProblem("{path} cannot be read: {why}.", path=path, why=error.strerror or error) from error
    with raw, open_stream(path.name, raw, path.stat().st_size, named, gzipped, encoding, delimiter, rows) as reader:
        yield reader


@contextmanager
def open_stream(
    name: str, raw: IO[bytes], size: int, kind: str, gzipped: bool, encoding: str = "", delimiter: str = "", rows: int = 0
) -> Iterator[Reader]:
    """Read an open file of that format; a Parquet one must be able to seek."""
    with ExitStack() as stack:
        plain: Any = stack.enter_context(gzip.GzipFile(fileobj=raw)) if gzipped else raw
        try:
            yield _reader(kind, stack, raw, plain, max(size, 1), encoding, delimiter, rows or ROWS)
        except (gzip.BadGzipFile, EOFError) as error:
            raise ImportProblem("{path} is not a whole gzip file: what could be read up to the fault was imported.", path=name) from error


def file_format(path: PurePath, kind: str = "") -> tuple[str, bool]:
    """The format (`kind` where it is known) and whether it is gzipped. Raises ImportProblem for a name that says neither."""
    suffixes = [suffix.lower() for suffix in path.suffixes]
    gzipped = bool(suffixes) and suffixes[-1] == ".gz"
    suffix = suffixes[-1 - gzipped] if len(suffixes) > gzipped else ""
    if kind:
        return kind, gzipped
    if suffix in SPREADSHEETS:
        raise ImportProblem("{name} is a spreadsheet: save it as “CSV UTF-8” and import that.", name=path.name)
    if suffix not in FORMATS:
        raise ImportProblem(
            "{name} does not say what it is: name it .csv, .tsv, .jsonl or .parquet, each also with .gz behind.",
            name=path.name,
        )
    return FORMATS[suffix], gzipped


def _reader(kind: str, stack: ExitStack, raw: IO[bytes], plain: IO[bytes], size: int, encoding: str, delimiter: str, rows: int) -> Reader:
    from bihuan.collect.imports.readers_text import CsvReader, JsonLinesReader

    def done() -> float:
        return min(raw.tell() / size, 1.0)

    if kind == "parquet":
        file = plain if plain is raw else stack.enter_context(_unpacked(plain))
        return ParquetReader(file, rows)
    if kind == "jsonl":
        return JsonLinesReader(plain, done, encoding, rows)
    return CsvReader(plain, done, encoding, delimiter or ("\t" if kind == "tsv" else ""), rows)


def _unpacked(plain: IO[bytes]) -> IO[bytes]:
    """Parquet is read from its end, so a gzipped one is unpacked first."""
    file: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - the caller's exit stack closes it
    most = shutil.disk_usage(tempfile.gettempdir()).free // 2  # however little file it takes to ask for more
    while part := plain.read(1024 * 1024):
        if file.tell() + len(part) > most:
            file.close()
            raise ImportProblem("The file unpacks to more than half of what the disk has left: unpack it yourself and import that.")
        file.write(part)
    file.seek(0)
    return file


class ParquetReader:
    """Rows of a Parquet file; the "line" of a row is its number from 1."""

    def __init__(self, file: IO[bytes], rows: int) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        try:
            self._file = pq.ParquetFile(file, buffer_size=1024 * 1024, pre_buffer=False)
        except (pa.ArrowInvalid, OSError) as error:
            raise ImportProblem("This is not a Parquet file: {why}", why=error) from error
        self.total: int | None = self._file.metadata.num_rows
        self._rows = max(min(rows, CELLS // max(len(self._file.schema_arrow), 1)), 100)
        self._read = 0
        names = self._file.schema_arrow.names
        _check_names(names)
        self.shape = "\x1f".join(names).encode()

    def chunks(self) -> Iterator[Chunk]:
        import numpy as np
        import pyarrow as pa

        try:
            for batch in self._file.iter_batches(batch_size=self._rows, use_threads=False):
                columns = {name: Typed(batch.column(place)) for place, name in enumerate(batch.schema.names)}
                lines = np.arange(self._read + 1, self._read + 1 + batch.num_rows)
                self._read += batch.num_rows
                yield Chunk(columns, lines, (), partial(_contents, columns), partial(_row, batch))
        except (pa.ArrowInvalid, OSError) as error:
            raise ImportProblem("The Parquet file cannot be read after row {row}: {why}", row=self._read, why=error) from error

    def done(self) -> float:
        return self._read / self.total if self.total else 1.0


def _row(batch: Any, row: int) -> str:
    from bihuan.collect.events import canonical

    return canonical(batch.slice(row, 1).to_pylist()[0])


def _contents(columns: Mapping[str, Typed]) -> Sequence[bytes]:
    """Each row's values as text, so that equal rows and only equal rows have equal bytes: the marks between values are escaped in them."""
    import pyarrow as pa
    import pyarrow.compute as pc

    texts = []
    for column in columns.values():
        values = column.values
        if not pa.types.is_string(values.type):
            values = column.texts() if pa.types.is_nested(values.type) or pa.types.is_decimal(values.type) else values.cast(pa.string())
        elif pc.any(pc.match_substring_regex(values, "[\x1e\x1f]")).as_py():
            values = pc.replace_substring(pc.replace_substring(values, "\x1e", "\x1e0"), "\x1f", "\x1e1")
        texts.append(values)
    if not texts:
        return []
    joined = pc.binary_join_element_wise(*texts, "\x1f", null_handling="replace", null_replacement="\x1e2")
    return joined.cast(pa.binary()).to_pylist()  # type: ignore[no-any-return]


def _check_names(names: Sequence[str]) -> None:
    """Every column needs a name of its own. Raises ImportProblem that names the doubled one."""
    doubled = sorted({name for name in names if names.count(name) > 1})
    if doubled:
        raise ImportProblem("The column “{name}” stands in the header more than once: give each column a name of its own.", name=doubled[0])
    if not any(names):
        raise ImportProblem("The file has no column names: its first line must name the columns.")
