"""What an import would do: the columns and first rows of a source, and the mapping as it will be used, before anything is stored."""

from __future__ import annotations

import re
from collections.abc import Mapping as Dictionary
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bihuan.collect.imports.chosen import make_mapping
from bihuan.collect.imports.cursors import Cursor
from bihuan.collect.imports.encodings import likely_encoding
from bihuan.collect.imports.errors import ImportProblem
from bihuan.collect.imports.mapping import AnyMapping, Mapping, PersonsMapping, Property, Trait, property_name
from bihuan.collect.imports.readers import Chunk, Reader
from bihuan.collect.imports.source import FileSource, Source
from bihuan.collect.imports.values import AMOUNT, PLAIN_NUMBER, Typed, Values

SAMPLE = 1_000  # rows that are looked at
_CODE = re.compile(r"(id|no|nr|code|number|zip|postcode|phone|mobile|sku|ean|编号|号|码)$", re.IGNORECASE)


@dataclass(frozen=True)
class Plan:
    """How a source will be read. `columns` are its columns (of JSON lines: those of the first rows), `guessed` what of the mapping
    was guessed, `first` its first rows, `shape` stands for its columns in the keys of its lines."""

    source: Source
    columns: tuple[str, ...]
    mapping: AnyMapping
    guessed: Dictionary[str, str]
    first: Chunk
    shape: bytes


def look(
    source: Source, *, encoding: str = "", delimiter: str = "", rows: int = SAMPLE, since: Cursor | None = None
) -> tuple[Chunk, bytes]:
    """The first rows of a source. Raises ImportProblem when there are none."""
    with source.open(encoding=encoding, delimiter=delimiter, rows=rows, since=since) as reader:
        return _first(reader), reader.shape


def make_plan(source: Source | Path, given: Dictionary[str, Any], *, guess: bool, since: Cursor | None = None) -> Plan:
    """Look at the source and complete the mapping. Raises ImportProblem that says what is missing or wrong."""
    found = FileSource(source) if isinstance(source, Path) else source
    encoding = str(given.get("encoding") or "")
    told = {}
    if not encoding and isinstance(found, FileSource) and (likely := likely_encoding(found.path)):
        told, encoding = {"encoding": likely}, likely
    first, shape = look(found, encoding=encoding, delimiter=str(given.get("delimiter") or ""), since=since)
    columns = tuple(first.columns)
    mapping, guessed = make_mapping({**given, **told}, columns, guess=guess)
    if found.typed:
        mapping = _complete(mapping, first.columns)
    return Plan(found, columns, mapping, {**guessed, **told}, first, shape)


def _first(reader: Reader) -> Chunk:
    for chunk in reader.chunks():
        if chunk.columns:
            return chunk
    raise ImportProblem("The file has no rows.")


def _complete(mapping: AnyMapping, columns: Dictionary[str, Values]) -> AnyMapping:
    """Name the properties that nobody named, and see which columns of text hold numbers."""
    if isinstance(mapping, PersonsMapping):
        return mapping.model_copy(update={"traits": _typed(_all(mapping.traits, Trait, mapping, columns), columns)})
    if isinstance(mapping, Mapping):
        return mapping.model_copy(update={"properties": _typed(_all(mapping.properties, Property, mapping, columns), columns)})
    return mapping


def _all(
    given: Dictionary[str, Property] | None, kind: type[Property], mapping: AnyMapping, columns: Dictionary[str, Values]
) -> Dictionary[str, Property]:
    if given is not None:
        return given
    used = mapping.used()
    return {property_name(column): kind(value=column) for column in columns if column not in used}


def _typed(given: Dictionary[str, Property], columns: Dictionary[str, Values]) -> dict[str, Property]:
    return {name: found.model_copy(update={"type": "number"}) if _numeric(found, columns) else found for name, found in given.items()}


def _numeric(found: Property, columns: Dictionary[str, Values]) -> bool:
    """Whether a column of a file without types holds numbers; a column that is called like a code keeps its text."""
    values = columns.get(found.value)
    if found.type != "auto" or not isinstance(values, Typed) or _CODE.search(found.value) or str(values.values.type) != "string":
        return False
    texts = [text for text in values.values.to_pylist() if text]
    return bool(texts) and all(PLAIN_NUMBER.fullmatch(text) or AMOUNT.fullmatch(text) for text in texts)
