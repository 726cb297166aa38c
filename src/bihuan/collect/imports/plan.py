"""What an import would do: the file's columns and first rows, and the mapping as it will be used, before anything is stored."""

from __future__ import annotations

import re
from collections.abc import Mapping as Dictionary
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bihuan.collect.imports.errors import ImportProblem
from bihuan.collect.imports.mapping import Mapping, Property, make_mapping, property_name
from bihuan.collect.imports.readers import Chunk, Reader, file_format, open_file
from bihuan.collect.imports.values import PLAIN_NUMBER, Typed, Values

SAMPLE = 1_000  # rows that are looked at
_CODE = re.compile(r"(id|no|nr|code|number|zip|postcode|phone|mobile|sku|ean|编号|号|码)$", re.IGNORECASE)


@dataclass(frozen=True)
class Plan:
    """How a file will be read. `columns` are its columns (of JSON lines: those of the first rows), `guessed` what of the mapping
    was guessed, `first` its first rows, `shape` stands for its columns in the keys of its lines."""

    path: Path
    columns: tuple[str, ...]
    mapping: Mapping
    guessed: Dictionary[str, str]
    first: Chunk
    shape: bytes


def look(path: Path, *, encoding: str = "", delimiter: str = "", rows: int = SAMPLE) -> tuple[Chunk, bytes]:
    """The first rows of a file. Raises ImportProblem when there are none."""
    with open_file(path, encoding=encoding, delimiter=delimiter, rows=rows) as reader:
        return _first(reader), reader.shape


def make_plan(path: Path, given: Dictionary[str, Any], *, guess: bool) -> Plan:
    """Look at the file and complete the mapping. Raises ImportProblem that says what is missing or wrong."""
    first, shape = look(path, encoding=str(given.get("encoding") or ""), delimiter=str(given.get("delimiter") or ""))
    columns = tuple(first.columns)
    mapping, guessed = make_mapping(given, columns, guess=guess)
    if file_format(path)[0] != "jsonl":
        mapping = _complete(mapping, first.columns)
    return Plan(path, columns, mapping, guessed, first, shape)


def _first(reader: Reader) -> Chunk:
    for chunk in reader.chunks():
        if chunk.columns:
            return chunk
    raise ImportProblem("The file has no rows.")


def _complete(mapping: Mapping, columns: Dictionary[str, Values]) -> Mapping:
    """Name the properties that nobody named, and see which columns of text hold numbers."""
    given = mapping.properties
    if given is None:
        used = mapping.used()
        given = {property_name(column): Property(value=column) for column in columns if column not in used}
    typed = {name: found.model_copy(update={"type": "number"}) if _numeric(found, columns) else found for name, found in given.items()}
    return mapping.model_copy(update={"properties": typed})


def _numeric(found: Property, columns: Dictionary[str, Values]) -> bool:
    """Whether a column of a file without types holds numbers; a column that is called like a code keeps its text."""
    values = columns.get(found.value)
    if found.type != "auto" or not isinstance(values, Typed) or _CODE.search(found.value) or str(values.values.type) != "string":
        return False
    texts = [text for text in values.values.to_pylist() if text]
    return bool(texts) and all(PLAIN_NUMBER.fullmatch(text) for text in texts)
