"""What pages are made of: templates, components, vendored files and icons."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.template import TemplateDoesNotExist, engines
from django.template.loader import get_template
from django_cotton.compiler_regex import CottonCompiler

from bihuan.console.templating import PACKAGE

CONSOLE = PACKAGE / "console"
VENDOR = CONSOLE / "static" / "vendor"


def templates() -> list[Path]:
    return [path for path in sorted(PACKAGE.rglob("*.html")) if "vendor" not in path.parts]


@pytest.mark.parametrize("path", templates(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_every_template_compiles(path):
    parts = path.relative_to(PACKAGE).parts
    name = "/".join(parts[2:] if parts[1] == "templates" else parts)
    assert get_template(name)


@pytest.mark.parametrize(
    "name", ["console/settings.py", "console/../console/settings.py", "../pyproject.toml", "console/static/bihuan/app.js"]
)
def test_no_name_shows_a_file_that_is_no_template(name):
    with pytest.raises(TemplateDoesNotExist):
        get_template(name)


@pytest.mark.parametrize("name", ["../../README.html", "console/../../../etc/x.html", "/etc/x.html"])
def test_no_name_leaves_the_package(name):
    with pytest.raises(TemplateDoesNotExist):
        get_template(name)


def test_every_icon_in_a_template_is_in_the_sprite():
    sprite = set(re.findall(r'<symbol id="([^"]+)"', (VENDOR / "tabler-icons-3.51.0" / "sprite.svg").read_text()))
    used = {
        (name, str(path.relative_to(PACKAGE)))
        for path in templates()
        for name in re.findall(r'(?:<c-icon name=|icon=)"([a-z0-9-]+)"', path.read_text())
    }
    assert {(name, where) for name, where in used if name not in sprite} == set()


def test_every_icon_in_code_is_in_the_sprite():
    from bihuan.console.navigation import STAGES
    from bihuan.console.questions import ALL

    sprite = set(re.findall(r'<symbol id="([^"]+)"', (VENDOR / "tabler-icons-3.51.0" / "sprite.svg").read_text()))
    assert {question.icon for question in ALL} | {place.icon for stage in STAGES for place in stage.places} <= sprite


def test_no_template_or_script_names_another_host():
    own = [*templates(), *(CONSOLE / "static" / "bihuan").iterdir()]
    named = {
        (str(path.relative_to(PACKAGE)), found)
        for path in own
        for found in re.findall(r"""(?:src|href|url|import|fetch)\s*[=(]\s*["'`]?(https?:)?//[^"'`)\s]+""", path.read_text())
    }
    assert named == set()


def test_no_template_has_a_script_or_style_of_its_own():
    inline = re.compile(r"""<script(?![^>]*(?:src=|type="application/json"))|<style|\sstyle="|\son[a-z]+=\"""")
    found = {
        str(path.relative_to(PACKAGE)): match.group(0)
        for path in templates()
        if "act" not in path.parts and (match := inline.search(path.read_text()))
    }
    assert found == {}


def test_the_list_of_licences_names_what_is_vendored():
    text = (VENDOR / "LICENCES.md").read_text()
    rows = re.findall(r"^\| \[([^\]]+)\][^|]*\| ([\d.]+) \| ([^|]+) \| ([^|]+) \|", text, re.MULTILINE)
    folders = sorted(path.name for path in VENDOR.iterdir() if path.is_dir())
    assert len(rows) == len(folders)
    for _name, version, _licence, files in rows:
        (folder,) = [
            each for each in folders if each.endswith(f"-{version}") and (VENDOR / each / re.findall(r"`([^`]+)`", files)[0]).exists()
        ]
        listed = set(re.findall(r"`([\w.-]+\.(?:js|css|svg|json))`", files))
        assert {path.name for path in (VENDOR / folder).iterdir()} - {"LICENSE", "NOTICE"} == listed, folder
        assert (VENDOR / folder / "LICENSE").exists(), folder


def rendered(source: str, **context: object) -> str:
    return engines["django"].from_string(CottonCompiler().process(source)).render(context)


def test_a_cell_leads_to_the_people_that_it_counts():
    shown = rendered(
        "{% cell '12' cell_place=0 cell_of='a&b' cell_before=True cell_after=None cell_all=False heat=3 %}", people="/p/x/?a=1"
    )
    people = "/p/x/?a=1&amp;cell.place=0&amp;cell.of=a%26b&amp;cell.before=true"
    assert shown == f'<td class="text-end bh-number" data-heat="3"><a href="{people}">12</a></td>'
    assert rendered("{% cell '12' query='cell.step=1' cell_edge=True %}", people="/?q").count("cell.step=1&amp;cell.edge=true") == 1


@pytest.mark.parametrize(
    ("source", "people"), [("{% cell '12' cell_x=1 linked=0 %}", "/?q"), ("{% cell '12' %}", "/?q"), ("{% cell '12' cell_x=1 %}", "")]
)
def test_a_cell_without_people_is_a_number_alone(source, people):
    assert rendered(source, people=people) == '<td class="text-end bh-number">12</td>'


def test_an_empty_cell_leads_nowhere_and_a_text_is_no_markup():
    assert rendered("{% cell '' cell_x=1 heat='' %}", people="/?q") == '<td class="text-end bh-number"></td>'
    assert rendered("{% cell text hint=text running=True %}", text='<"b">').startswith(
        '<td class="text-end bh-number" title="&lt;&quot;b&quot;&gt;" data-running>&lt;&quot;b&quot;&gt;<span'
    )


def test_a_choice_offers_words_pairs_and_definitions():
    class Segment:
        key, name = "big", "Big spenders"

    shown = rendered(
        "<c-select name='n' :choices='choices' value='{{ value }}' none='Nobody'><option>more</option></c-select>",
        choices=["word", (7, "Seven"), Segment()],
        value=7,
    )
    assert re.findall(r'<option(?: value="(.*?)")? ?(selected)?>(.*?)</option>', shown) == [
        ("", "", "Nobody"),
        ("word", "", "word"),
        ("7", "selected", "Seven"),
        ("big", "", "Big spenders"),
        ("", "", "more"),
    ]
