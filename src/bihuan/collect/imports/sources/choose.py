"""Which source an address and what is wanted there make."""

from __future__ import annotations

from pathlib import Path

from bihuan.collect.imports.errors import ImportProblem
from bihuan.collect.imports.source import Source
from bihuan.collect.imports.sources.address import Address
from bihuan.collect.imports.sources.clickhouse import ClickHouseSource
from bihuan.collect.imports.sources.objects import ObjectsSource
from bihuan.collect.imports.sources.sql import SqlSource
from bihuan.collect.imports.sources.web import WebSource


def source_at(address: Address, *, query: str = "", path: str = "", cursor: str = "", kind: str = "", folder: Path | None = None) -> Source:
    """The source. `kind` is the format of files whose names do not say it, `folder` where files may be put meanwhile."""
    match address.kind:
        case "sql" | "clickhouse" if not query.strip():
            raise ImportProblem("Write the query whose rows are to be imported.")
        case "sql":
            return SqlSource(address, query, cursor=cursor)
        case "clickhouse":
            return ClickHouseSource(address, query, cursor=cursor)
        case "s3":
            return ObjectsSource(address, path, kind=kind)
        case _:
            return WebSource(address, path, kind=kind, folder=folder)
