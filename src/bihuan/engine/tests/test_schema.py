"""The schema: migrating again changes nothing, a newer store is refused, and a cluster gets its own form of each statement."""

from __future__ import annotations

import re

import pytest

from bihuan.engine.errors import EngineError
from bihuan.engine.schema import COLUMNS, MIGRATIONS, NUMBER_COLUMNS, migrate, statements
from bihuan.engine.store import Store


def test_migrating_again_changes_nothing(store: Store) -> None:
    def state() -> list[tuple[str, str]]:
        rows = store.fetch(
            "SELECT name, create_table_query AS made FROM system.tables WHERE database = currentDatabase() ORDER BY name"
        ).rows
        return [(row["name"], row["made"]) for row in rows]

    before = state()
    assert migrate(store) == MIGRATIONS[-1].number
    assert state() == before
    applied = store.fetch("SELECT number FROM schema_version ORDER BY number").rows
    assert [row["number"] for row in applied] == [migration.number for migration in MIGRATIONS]


def test_a_migration_that_was_cut_off_in_the_middle_is_done_again(store: Store) -> None:
    store.command(
        "ALTER TABLE schema_version DELETE WHERE number = {number:UInt32} SETTINGS mutations_sync = 2", {"number": len(MIGRATIONS)}
    )
    assert migrate(store) == MIGRATIONS[-1].number
    assert store.fetch("SELECT max(number) AS number FROM schema_version").rows[0]["number"] == MIGRATIONS[-1].number


def test_a_store_made_by_a_newer_bihuan_is_refused(store: Store) -> None:
    store.command("INSERT INTO schema_version SELECT 9999, 'from the future', now64(3, 'UTC')")
    try:
        with pytest.raises(EngineError, match=r"schema 9999, made by a newer Bihuan.* Upgrade Bihuan"):
            migrate(store)
    finally:
        store.command("ALTER TABLE schema_version DELETE WHERE number = 9999 SETTINGS mutations_sync = 2")


def test_migrations_count_from_one_without_gaps() -> None:
    assert [migration.number for migration in MIGRATIONS] == list(range(1, len(MIGRATIONS) + 1))


def test_every_statement_of_a_cluster_is_for_the_cluster_and_every_table_replicated() -> None:
    for migration in MIGRATIONS:
        for statement in statements(migration, database="shop", cluster="main"):
            assert "{{" not in statement
            if not statement.startswith("INSERT"):  # rows are for the table, which tells its replicas
                assert "ON CLUSTER 'main'" in statement.partition("(")[0]
            for engine in re.findall(r"ENGINE = (\w+)\(([^)]*)\)", statement):
                assert engine[0].startswith("Replicated")
                assert engine[1].startswith("'/clickhouse/tables/{shard}/{database}/{table}', '{replica}'")


def test_arguments_of_an_engine_come_after_its_place_in_the_cluster() -> None:
    traits = next(text for text in statements(MIGRATIONS[0], cluster="main") if "traits" in text)
    assert "ReplicatedReplacingMergeTree('/clickhouse/tables/{shard}/{database}/{table}', '{replica}', rank)" in traits
    assert "ENGINE = ReplacingMergeTree(rank)" in next(text for text in statements(MIGRATIONS[0]) if "traits" in text)


def test_the_dictionary_reads_the_links_of_its_own_database() -> None:
    assert any("FROM shop.person_links" in text for text in statements(MIGRATIONS[0], database="shop"))


def test_every_column_that_products_have_is_in_the_table(store: Store) -> None:
    rows = store.fetch("SELECT name, type FROM system.columns WHERE database = currentDatabase() AND table = 'events'").rows
    types = {row["name"]: row["type"] for row in rows}
    assert {types[name] for name in COLUMNS} == {"LowCardinality(String)"}
    assert {types[name] for name in NUMBER_COLUMNS} == {"Nullable(Float64)"}
