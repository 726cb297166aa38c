"""A file on the web: fetched into the data folder within its disk, then read like any other."""

from __future__ import annotations

import shutil
import tempfile
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import IO, Any
from urllib.error import HTTPError
from urllib.parse import urljoin, urlsplit, urlunsplit
from urllib.request import HTTPRedirectHandler, HTTPSHandler, OpenerDirector, Request, build_opener

from bihuan.collect.imports.cursors import Cursor
from bihuan.collect.imports.errors import ImportProblem
from bihuan.collect.imports.readers import FORMATS, Chunk, Reader, file_format, open_stream
from bihuan.collect.imports.sources.address import Address, SourceProblem, explained

TIMEOUT = 60  # seconds without a byte
PART = 1024 * 1024
KINDS = {
    "text/csv": "csv",
    "text/tab-separated-values": "tsv",
    "application/x-ndjson": "jsonl",
    "application/jsonl": "jsonl",
    "application/vnd.apache.parquet": "parquet",
}


class WebSource:
    """`path` below the address. When the server says that the file is still the same as at `since`, there is nothing to read."""

    by_rows = False

    def __init__(self, address: Address, path: str, *, kind: str = "", folder: Path | None = None) -> None:
        parts = urlsplit(address.place)
        place = urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
        base = place if place.endswith("/") or not path else f"{place}/"
        self._url = urljoin(base, path)
        if path and not self._url.startswith(base):
            raise ImportProblem("The path must stay below the address {place}.", place=address.place)
        self.name = self._url
        self._address = address
        self._kind = kind
        self._folder = folder
        self._kept: tuple[IO[bytes], str, str, int] | None = None

    @property
    def typed(self) -> bool:
        return (self._kind or _named(self._url)) != "jsonl"

    @contextmanager
    def open(self, *, encoding: str = "", delimiter: str = "", rows: int = 0, since: Cursor | None = None) -> Iterator[Reader]:
        with explained(self._address, OSError, ValueError):
            if self._kept is None:
                file: IO[bytes] = tempfile.TemporaryFile(dir=self._folder)  # noqa: SIM115 - kept for the next opening
                weakref.finalize(self, file.close)
                tag, kind, size = self._fetch(file, since)
                if tag is None:
                    yield _Nothing()
                    return
                self._kept = file, tag, kind, size
            file, tag, kind, size = self._kept
            file.seek(0)
            named, gzipped = file_format(PurePosixPath(urlsplit(self._url).path), self._kind or kind)
            with open_stream(self.name, file, size, named, gzipped, encoding, delimiter, rows) as reader:
                yield _Tagged(reader, Cursor(tag) if tag else None)

    def _fetch(self, file: IO[bytes], since: Cursor | None) -> tuple[str | None, str, int]:
        """Take the file down: its tag ('' without one, None: unchanged), its format ('' when its name tells) and size."""
        headers = {"User-Agent": "bihuan", "Accept-Encoding": "identity"} | self._headers()
        if since is not None and isinstance(since.value, str):
            headers["If-None-Match"] = since.value
        try:
            asked = Request(self._url, headers=headers)  # noqa: S310 - http and https only, see `Address.kind`
            with _opener(urlsplit(self._url).netloc).open(asked, timeout=TIMEOUT) as answer:
                size = self._copy(answer, file)
                known = _named(self._url)
                kind = "" if known else KINDS.get(answer.headers.get_content_type(), "")
                return answer.headers.get("ETag", ""), kind, size
        except HTTPError as error:
            if error.code == 304:
                return None, "", 0
            raise SourceProblem("{place} answered {status}.", place=self._url, status=f"{error.code} {error.reason}") from None

    def _copy(self, answer: Any, file: IO[bytes]) -> int:
        expected = int(answer.headers.get("Content-Length") or 0)
        most = shutil.disk_usage(self._folder or tempfile.gettempdir()).free // 2
        total = 0
        while part := answer.read(PART):
            total += len(part)
            if max(total, expected) > most:
                raise ImportProblem("{name} takes more than half of what the disk has left.", name=self.name)
            file.write(part)
        if expected and total < expected:
            raise SourceProblem("{name} broke off after {size} bytes of {whole}.", name=self.name, size=total, whole=expected)
        return total

    def _headers(self) -> dict[str, str]:
        lines = (line.partition(":") for line in self._address.secret.get("headers", "").splitlines() if ":" in line)
        headers = {name.strip(): value.strip() for name, _, value in lines}
        if user := urlsplit(self._address.place).username:
            import base64

            headers["Authorization"] = "Basic " + base64.b64encode(f"{user}:{self._address.password}".encode()).decode()
        return headers


class _Tagged:
    """A reader that says with its last chunk which version of the file it was."""

    def __init__(self, reader: Reader, cursor: Cursor | None) -> None:
        self._reader = reader
        self._cursor = cursor
        self.total = reader.total
        self.shape = reader.shape
        self.done = reader.done

    def chunks(self) -> Iterator[Chunk]:
        before: Chunk | None = None
        for chunk in self._reader.chunks():
            if before is not None:
                yield before
            before = chunk
        if before is not None:
            yield replace(before, cursor=self._cursor)


class _Nothing:
    """Nothing has changed."""

    total: int | None = 0
    shape = b""

    def chunks(self) -> Iterator[Chunk]:
        yield from ()

    def done(self) -> float:
        return 1.0


class _SameHost(HTTPRedirectHandler):
    """Follows only to the same host, so that headers go to nobody else and an address leads nowhere that its owner did not name."""

    def __init__(self, host: str) -> None:
        self._host = host

    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:
        there = urlsplit(newurl)
        if there.scheme not in ("http", "https") or there.netloc.rpartition("@")[2] != self._host.rpartition("@")[2]:
            raise ImportProblem(
                "{place} leads on to another host ({host}): give that address instead.", place=self._host, host=there.netloc
            )
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _opener(host: str) -> OpenerDirector:
    return build_opener(_SameHost(host), HTTPSHandler())


def _named(url: str) -> str:
    suffixes = [one.lower() for one in PurePosixPath(urlsplit(url).path).suffixes if one.lower() != ".gz"]
    return FORMATS.get(suffixes[-1], "") if suffixes else ""
