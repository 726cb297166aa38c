"""The pages about events and webhooks say what is so: their examples run, and they name all there is."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from bihuan.collect.protocols import events, ga4
from bihuan.collect.protocols.events_schema import FIELDS, schema
from bihuan.collect.snippets import snippets
from bihuan.collect.webhooks.expressions import parsed
from bihuan.engine.schema import COLUMNS

DOCS = Path(__file__).resolve().parents[4] / "docs"
EVENTS = (DOCS / "collect-events.md").read_text()
RECEIVED = 1_795_300_000_000


def blocks(text: str, kind: str) -> list[str]:
    return re.findall(rf"```{kind}\n(.*?)```", text, re.DOTALL)


def read(body: Any) -> events.Read:
    return events.read(events.open_body(body if isinstance(body, bytes) else json.dumps(body).encode()), 1, RECEIVED)


def test_the_curl_example_is_answered_as_the_page_says() -> None:
    (command,) = blocks(EVENTS, "sh")
    found = read(command.split("-d '")[1].rstrip().rstrip("'").encode())
    answer = json.loads(blocks(EVENTS, "json")[0])
    assert [one.told() for one in found.results] == answer["results"]
    assert len(found.events) == answer["stored"]


def test_the_examples_of_people_and_of_what_is_refused_hold() -> None:
    _, people, refused, google = map(json.loads, blocks(EVENTS, "json"))
    assert [event.store for event in read(people).events] == [True, False, False, False]
    (problem,) = read(refused).results
    assert str(problem.problem) == blocks(EVENTS, "text")[0].strip()
    (event,) = ga4.read(json.dumps(google).encode(), {}, 1, RECEIVED).events
    assert (event.key, event.props["revenue"]) == ("purchase T-1", 128.5)


@pytest.mark.parametrize("name", [*FIELDS, *COLUMNS, "revenue"])
def test_every_field_and_column_is_named(name: str) -> None:
    assert f"`{name}`" in EVENTS
    assert name in FIELDS or name in schema()["$defs"]["Event"]["properties"]["properties"]["description"]


def test_the_expressions_of_the_page_can_be_read() -> None:
    lines = blocks((DOCS / "collect-webhooks.md").read_text(), "text")[0].splitlines()
    for line in lines:
        for expression in re.split(r", (?=@)", line[:30].strip()):
            assert parsed(expression), line


def test_the_first_snippet_of_the_page_sources_is_an_event_that_is_taken() -> None:
    first = snippets("https://collect.example")[0].snippets[0].code
    assert "https://collect.example/events" in first
    assert read(first.split("-d '")[1].rstrip("'").encode()).rejected == []
