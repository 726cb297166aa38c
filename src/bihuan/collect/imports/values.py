"""A column of a chunk, read as the mapping needs it: as text, as numbers, as JSON. Columns of a file with types, and of one without."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from bihuan.collect.events import canonical, clean_text

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

PLAIN_NUMBER = re.compile(r"-?(0|[1-9]\d{0,17})(\.\d{1,17})?")
AMOUNT = re.compile(  # as people and spreadsheets write money: ¥1,234.50, $ 12, 1,234 元, (3.50), −７
    r"\s*(?P<open>\()?\s*(?P<sign>[-+−－])?\s*(?:[¥￥$€£]|CNY|RMB|USD|EUR|GBP|HK\$|US\$)?\s*(?P<sign2>[-+−－])?"
    r"(?P<number>\d{1,3}(?:,\d{3})+(?:\.\d{1,17})?|\d{1,18}(?:\.\d{1,17})?)"
    r"\s*(?:[¥￥$€£元]|CNY|RMB|USD|EUR|GBP)?\s*(?P<close>\))?\s*"
)
LOOSE_NUMBER = re.compile(r"\s*[-+]?(\d+(\.\d*)?|\.\d+)([eE][-+]?\d{1,3})?\s*")


@dataclass(frozen=True)
class Json:
    """Values as JSON texts (null: no value), and of which JSON type each is ('' where none)."""

    texts: pa.Array
    kinds: np.ndarray


class Values(Protocol):
    """The values of one column."""

    def texts(self) -> pa.Array:
        """As text, null where there is none: whole numbers without a decimal point, texts without the space around them."""
        ...

    def numbers(self) -> tuple[np.ndarray, np.ndarray]:
        """As floats, NaN where there is none, and a mask of the values that are not numbers."""
        ...

    def json(self, *, numeric: bool | None = None) -> Json:
        """As JSON. `numeric` False: as text; True: texts that are plain numbers as numbers; None: as the file has it."""
        ...


class Typed:
    """A column of Arrow values: of Parquet with its types, of CSV all text."""

    def __init__(self, values: pa.Array) -> None:
        self.values = _flat(values)

    def texts(self) -> pa.Array:
        import pyarrow as pa
        import pyarrow.compute as pc

        values, kind = self.values, self.values.type
        if pa.types.is_floating(kind):
            values = _float_texts(values)
        elif pa.types.is_decimal(kind):
            values = _each(values, lambda value: format(value.normalize(), "f"))
        elif not pa.types.is_string(kind):
            values = values.cast(pa.string()) if _castable(kind) else _each(values, canonical)
        values = pc.utf8_trim_whitespace(values)
        return pc.if_else(pc.equal(values, ""), pa.scalar(None, pa.string()), values)

    def numbers(self) -> tuple[np.ndarray, np.ndarray]:
        import numpy as np
        import pyarrow as pa

        kind = self.values.type
        if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind) or pa.types.is_boolean(kind):
            values = self.values.cast(pa.float64(), safe=False) if not pa.types.is_boolean(kind) else self.values.cast(pa.uint8())
            numbers = values.to_numpy(zero_copy_only=False).astype(np.float64)
            return numbers, np.isinf(numbers)
        if not pa.types.is_string(kind):
            filled = np.asarray(self.values.is_valid())
            return np.full(len(filled), np.nan), filled
        uniques, codes = _encoded(self.values)
        parsed = [parse_number(text) for text in uniques]
        found = np.array([math.nan if number is None else number for number in parsed] + [math.nan])
        wrong = np.array([number is None for number in parsed] + [False])
        return found[codes], wrong[codes]

    def json(self, *, numeric: bool | None = None) -> Json:
        import pyarrow as pa

        kind = self.values.type
        if pa.types.is_string(kind):
            return _text_json(self.values, numeric=bool(numeric))
        if numeric is False:
            return _text_json(self.texts(), numeric=False)
        if _is_time(kind):
            return _text_json(_each(self.values, lambda value: value.isoformat()), numeric=False)
        if not (pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind) or pa.types.is_decimal(kind)):
            return _loose_json(self.values.to_pylist())
        values = self.values.cast(pa.string()) if pa.types.is_boolean(kind) else Typed(self.values).texts()
        return Json(values, _kinds(values, "boolean" if pa.types.is_boolean(kind) else "number"))


class Loose:
    """A column of Python values, as JSON lines have them: each may be of another type."""

    def __init__(self, values: Sequence[Any]) -> None:
        self.values = values

    def texts(self) -> pa.Array:
        import pyarrow as pa

        return pa.array([_text(value) for value in self.values], pa.string())

    def numbers(self) -> tuple[np.ndarray, np.ndarray]:
        import numpy as np

        parsed = [_number(value) for value in self.values]
        found = np.array([math.nan if number is None else number for number in parsed], dtype=np.float64)
        return found, np.array([number is None for number in parsed], dtype=bool)

    def json(self, *, numeric: bool | None = None) -> Json:
        if numeric is False:
            return _text_json(self.texts(), numeric=False)
        if numeric:
            return _loose_json([_as_number(value) for value in self.values])
        return _loose_json(self.values)


def parse_number(text: str) -> float | None:
    """The number that a text writes, also with a currency, thousands between commas or full-width digits; NaN for an empty text, None
    when it is not a (finite) number, as 1.234,50 or 12 %."""
    if not LOOSE_NUMBER.fullmatch(text):
        return math.nan if not text.strip() else _amount(text)
    number = float(text)
    return number if math.isfinite(number) else None


def _amount(text: str) -> float | None:
    found = AMOUNT.fullmatch(unicodedata.normalize("NFKC", text))
    if found is None or bool(found["open"]) != bool(found["close"]) or (found["sign"] and found["sign2"]):
        return None
    number = float(found["number"].replace(",", ""))
    return -number if found["open"] or (found["sign"] or found["sign2"] or "+") != "+" else number


def kind_of(value: Any) -> str:
    """The JSON type of a Python value."""
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    if isinstance(value, dict):
        return "object"
    return "array" if isinstance(value, list | tuple) else "string"


def _text(value: Any) -> str | None:
    if value is None or value == "":
        return None
    if isinstance(value, float):
        if not math.isfinite(value):
            return None
        return str(int(value)) if value.is_integer() and abs(value) < 2**53 else repr(value)
    if isinstance(value, str):
        return clean_text(value).strip() or None
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else canonical(value)


def _number(value: Any) -> float | None:
    if value is None:
        return math.nan
    if isinstance(value, str):
        return parse_number(value)
    return float(value) if isinstance(value, int | float) and abs(value) < 1e308 else None


def _as_number(value: Any) -> Any:
    if isinstance(value, str):
        number = parse_number(value)
        return value if number is None or math.isnan(number) else number
    return value


def _flat(values: pa.Array) -> pa.Array:
    """One plain array: no chunks, no dictionary, strings of one kind."""
    import pyarrow as pa

    if isinstance(values, pa.ChunkedArray):
        values = values.combine_chunks()
        values = values.chunk(0) if isinstance(values, pa.ChunkedArray) else values
    if pa.types.is_dictionary(values.type):
        values = values.dictionary_decode()
    if pa.types.is_large_string(values.type) or str(values.type) == "string_view":
        return values.cast(pa.string())
    if pa.types.is_binary(values.type) or pa.types.is_large_binary(values.type) or pa.types.is_fixed_size_binary(values.type):
        return pa.array([None if value is None else value.decode("utf-8", "backslashreplace") for value in values.to_pylist()], pa.string())
    return values.cast(pa.float32()) if pa.types.is_float16(values.type) else values


def _castable(kind: pa.DataType) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_integer(kind) or pa.types.is_boolean(kind) or _is_time(kind) or pa.types.is_null(kind))


def _is_time(kind: pa.DataType) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_timestamp(kind) or pa.types.is_date(kind) or pa.types.is_time(kind))


def _float_texts(values: pa.Array) -> pa.Array:
    import pyarrow as pa
    import pyarrow.compute as pc

    values = pc.if_else(pc.is_finite(values), values, pa.scalar(None, values.type))
    whole = pc.and_(pc.equal(pc.floor(values), values), pc.less(pc.abs(values), float(2**53)))
    return pc.if_else(whole, values.cast(pa.int64(), safe=False).cast(pa.string()), values.cast(pa.string()))


def _encoded(values: pa.Array) -> tuple[list[str], np.ndarray]:
    """The distinct texts, and for each row which one it is (-1, the last, for null)."""
    import numpy as np

    encoded = values.dictionary_encode()
    codes = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
    return encoded.dictionary.to_pylist(), codes


def _each(values: pa.Array, text: Callable[[Any], str]) -> pa.Array:
    import pyarrow as pa

    return pa.array([None if value is None else text(value) for value in values.to_pylist()], pa.string())


def _text_json(values: pa.Array, *, numeric: bool) -> Json:
    """Texts as JSON strings; with `numeric`, those that are plain numbers as they are written. No text at all is no value."""
    import numpy as np
    import pyarrow as pa

    uniques, codes = _encoded(values)
    texts: list[str | None] = []
    kinds: list[str] = []
    for text in uniques:
        if not text:
            texts.append(None)
            kinds.append("")
        elif numeric and PLAIN_NUMBER.fullmatch(text):
            texts.append(text)
            kinds.append("number")
        elif numeric and AMOUNT.fullmatch(text) and (number := parse_number(text)) is not None:
            texts.append(canonical(number))
            kinds.append("number")
        else:
            texts.append(canonical(text))
            kinds.append("string")
    found = pa.array([*texts, None], pa.string()).take(pa.array(np.where(codes < 0, len(uniques), codes)))
    return Json(found, np.array([*kinds, ""], dtype=object)[codes])


def _loose_json(values: Sequence[Any]) -> Json:
    import numpy as np
    import pyarrow as pa

    texts = [None if value is None or value == "" else canonical(value) for value in values]
    kinds = ["" if value is None or value == "" else kind_of(value) for value in values]
    return Json(pa.array(texts, pa.string()), np.array(kinds, dtype=object))


def _kinds(texts: pa.Array, kind: str) -> np.ndarray:
    import numpy as np

    return np.where(np.asarray(texts.is_valid()), kind, "").astype(object)
