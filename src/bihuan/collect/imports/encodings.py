"""Which encoding a text file most likely has, where it is not UTF-8: Chinese spreadsheets write GBK without saying so."""

from __future__ import annotations

import gzip
from pathlib import Path

from bihuan.collect.imports.readers import file_format

LOOKED_AT = 256 * 1024
MOSTLY = 0.95  # of the characters beyond ASCII must be common Chinese ones


def likely_encoding(path: Path) -> str:
    """ "gb18030" when the beginning of a text file is not UTF-8 but sensible Chinese in GBK; "" when nothing can be said."""
    try:
        kind, gzipped = file_format(path)
        if kind == "parquet":
            return ""
        with gzip.open(path) if gzipped else path.open("rb") as file:
            head = file.read(LOOKED_AT)
    except Exception:  # noqa: BLE001 - whatever is wrong with the file is said where it is read
        return ""
    return encoding_of(head)


def encoding_of(head: bytes) -> str:
    """The same of the bytes that a file begins with."""
    if head.isascii() or head.startswith((b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")):
        return ""
    if len(head) >= LOOKED_AT:
        head = head[: head.rfind(b"\n") + 1] or head
    try:
        head.decode("utf-8")
        return ""
    except UnicodeDecodeError:
        pass
    try:
        text = head.decode("gb18030")
    except UnicodeDecodeError:
        return ""
    foreign = [char for char in text if char > "\x7f"]
    chinese = sum(
        "\u4e00" <= char <= "\u9fff" or "\u3000" <= char <= "\u303f" or "\uff00" <= char <= "\uffef" or char in "￥¥" for char in foreign
    )
    common = sum(_common(char) for char in foreign)
    return "gb18030" if chinese >= MOSTLY * len(foreign) and common >= MOSTLY * len(foreign) else ""


def _common(char: str) -> bool:
    """Whether it is of GB 2312, the characters that are in daily use: two accented letters of another encoding rarely make one."""
    try:
        char.encode("gb2312")
    except UnicodeEncodeError:
        return char in "￥¥"
    return True
