"""Make the served script of its source: without comments and without the spaces that mean nothing.

`python -m bihuan.collect.web.build` writes it; a test holds source and result together, and the size within 5 KB as it travels.
The source ends every statement with a semicolon, so its line ends mean nothing either.
"""

from __future__ import annotations

import re
from pathlib import Path

SOURCE = Path(__file__).with_name("bihuan.src.js")
BUILT = Path(__file__).with_name("bihuan.js")
LICENCE = "/* Bihuan, Apache-2.0 */\n"

_TOKEN = re.compile(
    r"""
    (?P<comment> /\*.*?\*/ | //[^\n]* )
  | (?P<space> \s+ )
  | (?P<text> '(?:\\.|[^'\\\n])*' )
  | (?P<regex> (?<=[(,=:!&|?]) / (?![*/]) (?: \\. | \[(?:\\.|[^\]\\\n])*\] | [^/\\\[\n] )+ /[a-z]*
             | (?<=[(,=:!&|?]\s) / (?![*/]) (?: \\. | \[(?:\\.|[^\]\\\n])*\] | [^/\\\[\n] )+ /[a-z]* )
  | (?P<word> [\w$]+ )
  | (?P<sign> . )
    """,
    re.VERBOSE | re.DOTALL,
)
_WORD = re.compile(r"[\w$]")


def built(source: str) -> str:
    """The script of a source."""
    out = [LICENCE]
    last, apart = "", False
    for token in _TOKEN.finditer(source):
        text = token.group()
        if token.lastgroup in ("comment", "space"):
            apart = True
            continue
        if apart and last and ((_WORD.match(last[-1]) and _WORD.match(text)) or (last[-1] == text[0] and text[0] in "+-")):
            out.append(" ")
        if text == "}" and last == ";":
            out.pop()
        out.append(text)
        last, apart = text, False
    return "".join(out) + "\n"


if __name__ == "__main__":
    BUILT.write_text(built(SOURCE.read_text()))
