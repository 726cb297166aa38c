"""Objects in S3 or what speaks its language (MinIO, OSS, COS): one, or all whose names a pattern fits, the oldest first."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

from bihuan.collect.imports.cursors import Cursor
from bihuan.collect.imports.errors import ImportProblem
from bihuan.collect.imports.readers import Chunk, Reader, file_format, open_stream
from bihuan.collect.imports.sources.address import Address, explained

MOST = 100_000  # objects that one pattern may fit
BUFFER = 4 * 1024 * 1024
WILD = "*?["


class ObjectsSource:
    """`path` under the bucket of `s3://KEY@bucket/prefix?endpoint=…&region=…`: a name, a pattern with * or ?, or a prefix ending in /."""

    by_rows = False

    def __init__(self, address: Address, path: str, *, kind: str = "") -> None:
        parts = urlsplit(address.place)
        self._address = address
        self._bucket = parts.hostname or parts.netloc.rpartition("@")[2]
        self._path = (
            f"{parts.path.strip('/')}/{path}".strip("/") if not path.endswith("/") else f"{parts.path.strip('/')}/{path}".lstrip("/")
        )
        self.name = f"s3://{self._bucket}/{self._path}"
        self._kind = kind
        if not self._bucket:
            raise ImportProblem("The address names no bucket: write it as s3://bucket/folder.")

    @property
    def typed(self) -> bool:
        return (self._kind or _format(self._path)) != "jsonl"

    @contextmanager
    def open(self, *, encoding: str = "", delimiter: str = "", rows: int = 0, since: Cursor | None = None) -> Iterator[Reader]:
        with explained(self._address, OSError):
            store = self._store()
            found = [one for one in self._found(store) if since is None or _changed(one) >= _moment(since)]
            yield _Objects(store, found, self._kind, encoding, delimiter, rows)

    def _store(self) -> Any:
        from pyarrow import fs

        parts, options = urlsplit(self._address.place), self._address.options()
        given: dict[str, Any] = {"connect_timeout": 10, "request_timeout": 60}
        if parts.username:
            given |= {"access_key": unquote(parts.username), "secret_key": self._address.password}
        else:
            given["anonymous"] = True
        if endpoint := options.get("endpoint"):
            scheme, _, host = endpoint.rpartition("://")
            given |= {"endpoint_override": host, "scheme": scheme or "https"}
        if region := options.get("region"):
            given["region"] = region
        if options.get("addressing") == "virtual":
            given["force_virtual_addressing"] = True
        return fs.S3FileSystem(**given)

    def _found(self, store: Any) -> list[Any]:
        """The objects, the oldest first: what is changed later is imported later."""
        from pyarrow import fs

        if not any(mark in self._path for mark in WILD) and not self._path.endswith("/"):
            info = store.get_file_info(f"{self._bucket}/{self._path}")
            if info.type != fs.FileType.File:
                raise ImportProblem("There is no object {name}.", name=self.name)
            return [info]
        fixed = self._path[: min((place for mark in WILD if (place := self._path.find(mark)) >= 0), default=len(self._path))]
        folder = f"{self._bucket}/{fixed.rpartition('/')[0]}".rstrip("/")
        infos = store.get_file_info(fs.FileSelector(folder, allow_not_found=True, recursive=True))
        pattern = self._path + "*" if self._path.endswith("/") else self._path
        found = [one for one in infos if one.type == fs.FileType.File and fnmatchcase(one.path.partition("/")[2], pattern)]
        if len(found) > MOST:
            raise ImportProblem("{name} fits {count} objects: choose fewer.", name=self.name, count=len(found))
        return sorted(found, key=lambda one: (_changed(one), one.path))


class _Objects:
    """A reader of several objects, one after the other."""

    total: int | None = None
    shape = b""

    def __init__(self, store: Any, found: list[Any], kind: str, encoding: str, delimiter: str, rows: int) -> None:
        self._store = store
        self._found = found
        self._how = (kind, encoding, delimiter, rows)
        self._sizes = [max(one.size or 1, 1) for one in found]
        self._at = 0
        self._within = 0.0

    def chunks(self) -> Iterator[Chunk]:
        kind, encoding, delimiter, rows = self._how
        for place, one in enumerate(self._found):
            named, gzipped = file_format(PurePosixPath(one.path), kind)
            with (
                self._opened(one.path, seek=named == "parquet" and not gzipped) as raw,
                open_stream(one.path, raw, one.size or 1, named, gzipped, encoding, delimiter, rows) as reader,
            ):
                before: Chunk | None = None
                for chunk in reader.chunks():
                    if before is not None:
                        yield before
                    self._within = reader.done()
                    before = replace(chunk, part=one.path, shape=reader.shape)
                self._at, self._within = place + 1, 0.0
                if before is not None:  # with its last chunk, all of an object is done
                    yield replace(before, cursor=Cursor(_changed(one)))

    @contextmanager
    def _opened(self, path: str, *, seek: bool) -> Iterator[Any]:
        if seek:
            with self._store.open_input_file(path) as file:
                yield file
        else:
            with self._store.open_input_stream(path, compression=None, buffer_size=BUFFER) as stream:
                yield _Counted(stream)

    def done(self) -> float:
        if self._at >= len(self._sizes):
            return 1.0
        return (sum(self._sizes[: self._at]) + self._within * self._sizes[self._at]) / sum(self._sizes)


class _Counted:
    """A stream that is only read forwards, and knows how far."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self._read = 0

    def read(self, size: int = -1) -> bytes:
        data: bytes = self._stream.read(None if size < 0 else size)
        self._read += len(data)
        return data

    def tell(self) -> int:
        return self._read


def _changed(info: Any) -> datetime:
    moment: datetime = info.mtime or datetime(1970, 1, 1, tzinfo=UTC)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _moment(since: Cursor) -> datetime:
    return since.value if isinstance(since.value, datetime) else datetime(1970, 1, 1, tzinfo=UTC)


def _format(path: str) -> str:
    """The format by the name's end; a pattern that does not tell is taken for one with types."""
    try:
        return file_format(PurePosixPath(path.rstrip("*/") or "x"))[0]
    except ImportProblem:
        return ""
