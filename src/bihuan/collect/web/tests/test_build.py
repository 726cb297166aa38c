"""What is served is made of the source, and small."""

from __future__ import annotations

import re

import pytest

from bihuan.collect.protocols.web import script
from bihuan.collect.web.build import BUILT, SOURCE, built


def test_what_is_served_is_made_of_the_source() -> None:
    assert BUILT.read_text() == built(SOURCE.read_text()), "run: python -m bihuan.collect.web.build"


def test_it_travels_in_less_than_5_kilobytes() -> None:
    assert len(script().packed) < 5_000


@pytest.mark.parametrize(
    ("source", "made"),
    [
        ("const a = 1; // said\nlet b = '// not said  ';", "const a=1;let b='// not said  ';"),
        ("if (a) { return -1; }\nelse return - -b + ++c;", "if(a){return-1}else return- -b+ ++c;"),
        ("x = y / 2 / z;\nw = s.replace(/a \\/* b/g, ' ');", "x=y/2/z;w=s.replace(/a \\/* b/g,' ');"),
        ("const shown = { shown: 1 }; const within = shown;", "const shown={shown:1};const a=shown;"),
        ("const text = 1; const told = { text, more }; f(told.told, text);", "const text=1;const told={text,more};f(told.told,text);"),
        ("const list = [...call]; send(list);", "const a=[...call];send(a);"),
    ],
)
def test_only_what_means_nothing_is_left_out(source: str, made: str) -> None:
    assert built(source) == f"/* Bihuan, Apache-2.0 */\n{made}\n"


def test_the_source_ends_every_statement_itself() -> None:
    code = re.sub(r"/\*.*?\*/|^\s*//.*?$", "", SOURCE.read_text(), flags=re.DOTALL | re.MULTILINE)
    code = re.sub(r"\s*\n\s*\.", ".", code)  # a chain of calls
    lines = [line.strip() for line in code.splitlines() if line.strip()]
    assert [line for line in lines if not re.search(r"[;{}(,+]$|^(else )?if \(.*\)$|^else$", line)] == []
