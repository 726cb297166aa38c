"""Known keys, in memory and in files, against a plain set of all that was ever stored."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from bihuan.collect import key_files, seen_keys
from bihuan.collect.key_files import AT_ONCE, KeyFile, merged, write
from bihuan.collect.seen_keys import SeenKeys
from bihuan.collect.sorted_runs import Hashes
from bihuan.collect.tests.conftest import event
from bihuan.collect.tests.site import KEY, Site, running
from bihuan.collect.writer import Writer
from bihuan.engine.question import Scope
from bihuan.engine.store import Store

FEW = "collector with few keys"
COUNTED = "SELECT count() AS events, uniqExact(event_key) AS keys FROM events"


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seen_keys, "IN_MEMORY", 40)
    monkeypatch.setattr(key_files, "AT_ONCE", 16)


def keys(seed: int, count: int) -> Hashes:
    return np.unique(np.random.default_rng(seed).integers(0, 2**64, count, dtype=np.uint64))


@pytest.mark.parametrize("count", [0, 1, 127, 128, 129, 5_000])
@pytest.mark.parametrize("at_once", [7, 128, AT_ONCE])
def test_a_file_knows_its_keys_and_no_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, count: int, at_once: int) -> None:
    monkeypatch.setattr(key_files, "AT_ONCE", at_once)
    inside, outside = keys(1, count), keys(2, 3_000)
    edges = np.array([0, 1, 2**64 - 1], dtype=np.uint64)
    asked = np.unique(np.concatenate((inside, outside, edges)))
    file = write(tmp_path, [inside[: count // 3], inside[count // 3 :]] if count else [])
    again = KeyFile(tmp_path, file.written)
    for one in (file, again):
        assert (one.contains(asked) == np.isin(asked, inside)).all()
    assert file.written.keys == len(inside)


def test_keys_that_are_not_random_are_known_too(tmp_path: Path) -> None:
    inside = np.arange(10_000, dtype=np.uint64) * np.uint64(3)
    asked = np.arange(30_001, dtype=np.uint64)
    assert (write(tmp_path, [inside]).contains(asked) == np.isin(asked, inside)).all()


def test_few_unknown_keys_pass_the_filter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = write(tmp_path, [keys(1, 50_000)])
    searched: list[int] = []

    def search(_file: KeyFile, asked: Hashes) -> npt.NDArray[np.bool_]:
        searched.append(len(asked))
        return np.zeros(len(asked), dtype=np.bool_)

    monkeypatch.setattr(KeyFile, "_search", search)
    file.contains(keys(2, 50_000))
    assert 100 < sum(searched) < 2_000


def test_merged_files_hold_what_each_of_them_held(tmp_path: Path) -> None:
    files = [write(tmp_path, [keys(seed, 1_000 * seed)]) for seed in (1, 2, 3)]
    together = np.concatenate(list(merged(files)))
    assert (together == np.unique(np.concatenate([keys(seed, 1_000 * seed) for seed in (1, 2, 3)]))).all()


@pytest.mark.usefixtures("few")
def test_a_random_history_with_repeats_of_any_age_counts_each_key_once(tmp_path: Path) -> None:
    rng = random.Random(5)
    seen, plain = SeenKeys(tmp_path), set[int]()
    for stamp in range(150):
        batch = [rng.getrandbits(64) for _ in range(rng.randrange(30))] + rng.sample(sorted(plain), min(len(plain), rng.randrange(20)))
        rng.shuffle(batch)
        asked = np.array(batch, dtype=np.uint64)
        new = seen.new(asked)
        expected = [key not in plain and key not in batch[:place] for place, key in enumerate(batch)]
        assert new.tolist() == expected
        assert seen.known(asked).tolist() == [key in plain for key in batch]
        seen.add(asked[new], stamp)
        plain |= set(batch)
        time.sleep(0.001)  # files are merged meanwhile
    assert len(seen) == len(plain)
    assert 1 < len(list(tmp_path.glob("*.keys"))) < 20


@pytest.mark.usefixtures("few")
def test_a_folder_that_cannot_be_written_loses_no_key(tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    folder.touch()  # a file where the folder should be
    seen = SeenKeys(folder)
    for seed in range(5):
        seen.add(keys(seed, 100), seed)
        seen.settle()
    assert all(seen.known(keys(seed, 100)).all() for seed in range(5))


@pytest.mark.usefixtures("few")
def test_a_writer_that_starts_again_knows_every_event_whatever_became_of_the_files(store: Store, scope: Scope, writer: Writer) -> None:
    folder = store.config.data / "keys"
    sent = 0

    def more_and_all_again(one: Writer) -> None:
        nonlocal sent
        new = [event(scope, key=str(number)) for number in range(sent, sent + 130)]
        old = [event(scope, key=str(number)) for number in range(sent)]
        assert one.submit([*old, *new]).result(30).stored == 130
        sent += 130
        one.memory.keys.settle()
        assert one.submit([*old, *new]).result(30).duplicates == sent
        one.memory.keys.settle()

    def start_again(one: Writer) -> Writer:
        one.close()
        fresh = Writer(store, writer.zones, first_person=one.memory.people.next)
        fresh.start()
        assert fresh.ready(30)
        return fresh

    more_and_all_again(writer)
    second = start_again(writer)
    more_and_all_again(second)
    list_ = json.loads((folder / "list.json").read_text())
    (folder / list_["files"][0]["name"]).write_bytes(b"")
    third = start_again(second)  # a file is broken
    more_and_all_again(third)
    store.command(
        "ALTER TABLE events DELETE WHERE project_id = {project:UInt32} AND event_key IN (SELECT event_key FROM events LIMIT 5)",
        {"project": scope.project_id},
        settings={"mutations_sync": 2},
    )
    fourth = start_again(third)  # events were erased, so that the files hold more than the store
    more_keys = [event(scope, key=str(number)) for number in range(sent)]
    outcome = fourth.submit(more_keys).result(30)
    (row,) = store.fetch(COUNTED + " WHERE project_id = {project:UInt32}", {"project": scope.project_id}).rows
    assert row["events"] == row["keys"] == sent
    assert outcome.stored + outcome.duplicates == sent
    fourth.close()


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with running(tmp_path / "site", FEW) as made:
        yield made


@pytest.mark.slow
def test_kill_9_between_random_repeats_stores_each_event_once(site: Site) -> None:
    rng = random.Random(11)
    acknowledged: list[int] = []
    numbers = iter(range(10_000))
    for round_ in range(3):
        for _ in range(6):
            batch = [next(numbers) for _ in range(rng.randrange(1, 15))] + rng.sample(acknowledged, min(len(acknowledged), 10))
            rng.shuffle(batch)
            calls = [{"type": "track", "event": "Often", "userId": f"u{n % 5}", "messageId": f"often {n}"} for n in batch]
            assert site.request("POST", "/v1/batch", {"writeKey": KEY, "batch": calls})[0] == 200
            acknowledged += batch
        site.kill(FEW)
        if round_ % 2:
            site.kill("engine")
            site.start("engine")
        site.start(FEW)
        site.until_healthy()
    assert list((site.config.data / "keys").glob("*.keys"))
    (row,) = site.store.fetch(COUNTED).rows
    assert row["events"] == row["keys"] == len(set(acknowledged))
