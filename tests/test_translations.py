"""Every sentence that a person can see is there in Chinese, and what Django reads is compiled from what was written."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.pofile import read_po
from django.template.base import Lexer, TokenType

from bihuan.console import messages

PACKAGE = messages.PACKAGE
GETTEXT = {"gettext", "gettext_lazy", "_", "ngettext", "ngettext_lazy", "pgettext", "pgettext_lazy"}
ERRORS = {
    *("EngineError", "QuestionError", "TooLarge", "Busy", "Cancelled", "Unavailable"),
    *("Refused", "NotFound", "Forbidden", "Invalid", "Conflict"),
    *("ImportProblem", "Reason"),
}


def sources(pattern: str) -> list[Path]:
    return [path for path in sorted(PACKAGE.rglob(pattern)) if not {"tests", "migrations", "vendor"} & set(path.parts)]


TRANSLATE = re.compile(r"""^(?:translate|trans)\s+(?:"([^"]+)"|'([^']+)')""")
UNDERSCORE = re.compile(r"""_\((?:"([^"]+)"|'([^']+)')\)""")


def in_template(path: Path) -> Iterator[str]:
    """The messages of a template: `{% translate "…" %}`, `{% blocktranslate %}…` (its singular), `_("…")`."""
    tokens = iter(Lexer(path.read_text()).tokenize())
    for token in tokens:
        if token.token_type in (TokenType.TEXT, TokenType.COMMENT):
            continue
        found = TRANSLATE.findall(token.contents) + UNDERSCORE.findall(token.contents)
        yield from (one or other for one, other in found)
        if token.contents.split()[0] in ("blocktranslate", "blocktrans"):
            parts = []
            for inner in tokens:
                if inner.token_type == TokenType.BLOCK:
                    break  # its plural, or its end
                parts.append(inner.contents.replace("%", "%%") if inner.token_type == TokenType.TEXT else f"%({inner.contents})s")
            text = "".join(parts)
            yield " ".join(line.strip() for line in text.strip().splitlines()) if "trimmed" in token.contents.split() else text


def in_code(path: Path) -> Iterator[str]:
    """The messages of a Python file: given to gettext, `reader.say` or `reader.counted`, titles of columns and headlines, what errors and
    questions say, and a result's warnings (a sentence with its values)."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call):
            yield from filter(None, map(literal, candidates(node)))
        elif isinstance(node, ast.Tuple) and path.name == "result.py" and len(node.elts) == 2 and isinstance(node.elts[1], ast.Dict):
            yield from filter(None, [literal(node.elts[0])])


def candidates(call: ast.Call) -> Iterator[ast.expr]:
    function = call.func
    name = function.id if isinstance(function, ast.Name) else function.attr if isinstance(function, ast.Attribute) else ""
    if name in ERRORS or name == "Headline":
        yield from call.args[:1]
    elif name in GETTEXT or (name in ("say", "counted") and isinstance(function, ast.Attribute)):
        yield from call.args[1:2] if name.startswith("pgettext") else call.args[:1]
    elif name == "Column":
        yield from call.args[1:2]
    if name in ("Column", "Headline", "Question"):
        yield from (keyword.value for keyword in call.keywords if keyword.arg in ("title", "purpose"))


def literal(node: ast.expr) -> str:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def translations() -> dict[str, dict[str, str]]:
    """Each message with its translation by catalogue."""
    found: dict[str, dict[str, str]] = {}
    for source in messages.catalogues():
        stage = source.relative_to(PACKAGE).parts[0]
        with source.open("rb") as file:
            for message in read_po(file):
                one, text = (message.id, message.string) if isinstance(message.id, str) else (message.id[0], message.string[0])
                if one:
                    found.setdefault(one, {})[stage] = text
    return found


@pytest.mark.parametrize("stage", sorted(path.name for path in PACKAGE.iterdir() if (path / "__init__.py").exists()))
def test_every_message_of_a_stage_is_in_chinese(stage):
    known = {message for message, by_stage in translations().items() if any(by_stage.values())}
    missing = {
        message: str(path.relative_to(PACKAGE))
        for pattern, read in (("*.html", in_template), ("*.txt", in_template), ("*.py", in_code))
        for path in sources(pattern)
        if path.relative_to(PACKAGE).parts[0] == stage
        for message in read(path)
        if re.search(r"[A-Za-z]", re.sub(r"\{\w*\}", "", message)) and message not in known
    }
    assert not missing, f"{len(missing)} without Chinese:\n" + "\n".join(f"  {where}: {text!r}" for text, where in missing.items())


def test_a_message_reads_the_same_wherever_it_is_translated():
    different = {message: by_stage for message, by_stage in translations().items() if len(set(by_stage.values())) > 1}
    assert not different


def test_what_django_reads_is_compiled_from_what_was_written():
    stale = [path for path in messages.catalogues() if path.with_suffix(".mo").read_bytes() != messages.compiled(path)]
    assert not stale, "run: python -m bihuan.console.messages"


def test_a_translation_with_other_places_than_its_message_is_refused(tmp_path):
    folder = tmp_path / "zh_Hans" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    (folder / "django.po").write_text('msgid ""\nmsgstr "Content-Type: text/plain; charset=utf-8\\n"\n\nmsgid "{a} of {b}"\nmsgstr "{a}"\n')
    with pytest.raises(ValueError, match="different places"):
        messages.compiled(folder / "django.po")
