"""The examples of docs/identity.md are true."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

from bihuan.collect.events import Event, clean_id
from bihuan.collect.tests.conftest import event
from bihuan.collect.writer import Writer
from bihuan.engine.question import Scope
from bihuan.engine.store import Store
from bihuan.engine.visible import PERSON

GUIDE = Path(__file__).parents[5] / "docs/identity.md"


def examples() -> list[tuple[list[str], str]]:
    (block,) = re.findall(r"```identity\n(.*?)```", GUIDE.read_text(), re.DOTALL)
    pairs = [line.split("=>") for line in block.strip().splitlines()]
    return [([each.strip() for each in said.split(",")], people.strip()) for said, people in pairs]


def made(scope: Scope, said: str) -> Event:
    """`user:ann cookie:c1` as the event that a client would send; the first cookie is the anonymous id."""
    ids: dict[str, str] = {}
    user = anonymous = None
    for word in said.split():
        kind, text = word.split(":")
        if kind == "user":
            user = clean_id(text)
        elif kind == "cookie" and anonymous is None:
            anonymous = clean_id(text)
        else:
            ids["device" if kind == "cookie" else kind] = text
    return event(scope, user_id=user, anonymous_id=anonymous, ids=ids or None)


def test_each_example_of_the_guide_comes_out_as_it_says(store: Store, scope: Scope, writer: Writer) -> None:
    shown = examples()
    assert len(shown) > 5
    for place in range(max(len(said) for said, _ in shown)):
        batch = [
            made(replace(scope, project_id=scope.project_id * 10 + number), said[place])
            for number, (said, _) in enumerate(shown)
            if place < len(said)
        ]
        writer.submit(batch).result(30)
    for number, (said, people) in enumerate(shown):
        sql = f"SELECT id, {PERSON} AS person FROM person_ids WHERE project_id = {{p:UInt32}}"
        found = defaultdict(set)
        for row in store.fetch(sql, {"p": scope.project_id * 10 + number}).rows:
            found[row["person"]].add(row["id"])
        expected = {frozenset(group.strip().split("+")) for group in people.split("|")}
        assert {frozenset(group) for group in found.values()} == expected, said
