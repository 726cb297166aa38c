"""The collector is killed while people are linked, merged and taken apart: what was acknowledged holds, and the map is mended."""

from __future__ import annotations

import threading
from pathlib import Path

from bihuan.collect.client import Collector
from bihuan.collect.events import Event
from bihuan.collect.identity import Wanted
from bihuan.collect.tests.site import PROJECT, running
from bihuan.engine.visible import PERSON


def said(number: int) -> Event:
    return Event(
        project_id=PROJECT, key=str(number), source="test", at=1_700_000_000_000 + number, name="Seen",
        user_id=f"u{number}", anonymous_id=f"d{number}",
    )  # fmt: skip


def test_a_killed_collector_forgets_no_link_no_merge_and_no_undo(tmp_path: Path) -> None:
    with running(tmp_path / "data") as site, Collector(site.config, patience=60) as collector:
        collector.send(said(number) for number in range(40))
        number = {text: number for kind, text, number in site.rows("id_type, id, person_id", "person_ids") if kind == "user"}
        undone = collector.decide(Wanted(project_id=PROJECT, verb="merge", by="ann", one=number["u0"], other=number["u1"])).act
        sender = threading.Thread(target=lambda: Collector(site.config, patience=60).send(said(number) for number in range(40, 4_000)))
        sender.start()
        for round_ in range(2):
            verb = ("undo", "redo")[round_]
            asked = threading.Thread(
                target=lambda verb=verb: Collector(site.config, patience=60).decide(
                    Wanted(project_id=PROJECT, verb=verb, by="ann", act=undone)
                )
            )
            asked.start()
            site.kill("collector")
            site.start("collector")
            site.until_healthy()
            asked.join(60)
        sender.join(120)
        people = dict(site.rows(f"id, {PERSON} AS person", "person_ids", "id"))
        assert people["u0"] == people["u1"] == people["d0"] == people["d1"], "the last word was to merge them again"
        assert all(people[f"u{number}"] == people[f"d{number}"] for number in range(4_000))
        assert len(set(people.values())) == 3_999
        wrong = site.rows("count()", f"(SELECT event, {PERSON} AS person, person_id FROM events WHERE person = 0)", "1")
        assert wrong == [(0,)]
