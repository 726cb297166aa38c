"""With the real posthog-python: nothing is lost and nothing is doubled, whatever becomes of the answers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from bihuan.collect.tests.flaky import TRICKS, Flaky
from bihuan.collect.tests.site import KEY, Site, running

pytestmark = pytest.mark.slow
posthog = pytest.importorskip("posthog", reason="posthog is not installed")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with running(tmp_path_factory.mktemp("site")) as made:
        yield made


def client(url: str, errors: list[Any], **given: Any) -> Any:
    given = {"timeout": 2, **given}
    return posthog.Posthog(
        KEY, host=url, max_retries=8, flush_at=4, flush_interval=0.1, on_error=lambda error, batch: errors.append(error), **given
    )


def stored(site: Site, name: str) -> list[int]:
    sql = "SELECT toUInt32(JSONExtractInt(props, 'n')) AS n FROM events WHERE event = {name:String} ORDER BY n"
    return [row["n"] for row in site.store.fetch(sql, {"name": name}).rows]


@pytest.mark.parametrize("mode", ["v0", "v1"])
def test_lost_answers_resets_errors_and_hangs_store_each_event_once(site: Site, mode: str) -> None:
    flaky = Flaky(site, (*TRICKS, "hang"))
    errors: list[Any] = []
    name = f"Flaky {mode}"
    sender = client(flaky.url, errors, capture_mode=mode, gzip=mode == "v0")
    for n in range(12):
        sender.capture(name, distinct_id="ann", properties={"n": n})
    sender.shutdown()
    flaky.close()
    assert errors == []
    assert flaky.asked > 4  # tricks were played
    assert stored(site, name) == list(range(12))


def test_what_is_told_of_a_person_and_its_ids_arrives(site: Site) -> None:
    errors: list[Any] = []
    sender = client(site.url, errors)
    sender.capture("Told", distinct_id="bob", properties={"n": 1}, groups={"company": "acme"})
    sender.set(distinct_id="bob", properties={"plan": "pro"})
    sender.set_once(distinct_id="bob", properties={"first": "2025"})
    sender.alias(previous_id="anon-1", distinct_id="bob")
    sender.group_identify("company", "acme", {"employees": 11}, distinct_id="bob")
    sender.shutdown()
    assert errors == []
    assert {("$groupidentify",), ("Told",)} <= set(site.rows("event"))
    assert set(site.rows("name, value", "traits")) >= {("plan", '"pro"'), ("first", '"2025"')}
    ids = site.rows("id_type, id", "person_ids")
    assert ("user", "bob") in ids
    assert ("anonymous", "anon-1") in ids
    assert site.rows("why", "person_links") == [("alias",)]
    assert site.rows("count()", "quarantine") == [(0,)]


def test_a_flag_that_is_asked_for_is_off_and_harms_nothing(site: Site) -> None:
    errors: list[Any] = []
    sender = client(site.url, errors)
    flags = sender.evaluate_flags("ann")
    assert not flags.is_enabled("new-shop")
    assert flags.keys == []
    sender.shutdown()
    assert errors == []
