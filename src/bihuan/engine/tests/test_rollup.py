"""Which days a statement takes as they were counted, and which it counts: every day once, whichever are whole."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bihuan.engine.periods import Period
from bihuan.engine.rollup import Counted, daily, whole_days
from bihuan.engine.store import Store
from bihuan.engine.tests.worlds import LINKS, insert

NEW_YEAR = date(2026, 1, 1)
DAYS = [NEW_YEAR + timedelta(days=number) for number in range(-20, 60)]
LONG_AGO = date(1999, 12, 31)
SETTLED = Counted(1, None)
PROJECTS = itertools.count(2_900_000_000)
UNUSED = 2_900_000


def taken(store: Store, whole: set[date], period: Period | None) -> tuple[list[date], list[date]]:
    """Of all the days that there may be events of: those that are taken as counted, and those that are counted."""
    sql, params = daily(period, dict.fromkeys(whole, SETTLED), any_event=True, people=False)
    bound = params | ({"scope_since": period.since, "scope_until": period.until} if period else {})
    return _days(store, sql, "day_rollup", bound), _days(store, sql, "events", bound)


def _days(store: Store, sql: str, table: str, params: Mapping[str, Any]) -> list[date]:
    branch = next((branch for branch in sql.split("UNION ALL") if f"FROM {table}" in branch), None)
    if branch is None:
        return []
    condition = branch[branch.index("WHERE") :].partition("GROUP BY")[0].partition("'' AND" if table == "day_rollup" else "'ledger' AND")[2]
    days = [LONG_AGO, *DAYS]
    rows = store.fetch(f"SELECT arrayJoin({{days:Array(Date)}}) AS day WHERE {condition} ORDER BY day", {"days": days, **params}).rows
    return [row["day"] for row in rows]


@given(
    st.one_of(st.sets(st.sampled_from(DAYS)), st.sets(st.sampled_from(DAYS), max_size=4).map(lambda few: set(DAYS[10:50]) - few)),
    st.booleans(),
    st.none() | st.tuples(st.sampled_from(DAYS), st.integers(0, 40)),
)
def test_each_day_is_taken_once_and_only_what_is_counted_is_taken_so(
    store: Store, whole: set[date], long_ago: bool, span: tuple[date, int] | None
) -> None:
    period = Period(span[0], span[0] + timedelta(days=span[1]), "UTC") if span else None
    whole |= {LONG_AGO} if long_ago else set()
    asked = [day for day in (LONG_AGO, *DAYS) if period is None or period.since <= day <= period.until]
    counted, others = taken(store, whole, period)
    assert sorted(counted + others) == asked
    assert set(counted) <= whole


@pytest.mark.parametrize("since", [None, NEW_YEAR])
def test_days_that_are_counted_are_taken_so_but_for_one_that_is_late(store: Store, since: date | None) -> None:
    whole, late = set(DAYS[:70]) - {DAYS[40]}, DAYS[40]
    period = Period(since, DAYS[-1], "UTC") if since else None
    counted, others = taken(store, whole, period)
    asked = {day for day in DAYS if since is None or day >= since}
    assert counted == sorted(whole & asked)
    assert others == ([LONG_AGO] if since is None else []) + [late, *DAYS[70:]]


def test_a_day_of_long_ago_makes_no_list_of_all_the_days_since(store: Store) -> None:
    whole = {LONG_AGO, *DAYS}
    assert taken(store, whole, None) == (DAYS, [LONG_AGO])
    assert daily(None, dict.fromkeys(whole, SETTLED), any_event=True, people=True)[1].keys() == {
        "scope_past_run_since",
        "scope_past_run_until",
    }


def test_a_period_of_counted_days_needs_no_events() -> None:
    period = Period(NEW_YEAR, NEW_YEAR + timedelta(days=9), "UTC")
    assert "FROM events" not in daily(period, dict.fromkeys(DAYS, SETTLED), any_event=True, people=True)[0]


@given(
    st.lists(st.tuples(st.integers(1, 30), st.integers(1, 12)), max_size=60),
    st.dictionaries(st.sampled_from(DAYS), st.tuples(st.integers(0, 14), st.integers(0, 32)), max_size=12),
)
def test_a_day_lacks_links_where_one_since_is_of_a_number_that_may_have_come(
    store: Store, links: list[tuple[int, int]], days: dict[date, tuple[int, int]]
) -> None:
    project = next(PROJECTS)
    # Numbers that no other test has; each is linked to itself, which changes nobody.
    rows = [[project, UNUSED + number, UNUSED + number, datetime.now(UTC), version, "test", ""] for number, version in links]
    insert(store, "person_links", LINKS, rows)
    types = {"project_id": "UInt32", "day": "Date", "version": "UInt64", "whole": "Bool", "links_below": "UInt64", "highest": "UInt32"}
    counted = [[project, day, 1, True, below, UNUSED + highest if highest else 0] for day, (below, highest) in days.items()]
    insert(store, "rolled_days", types, [*counted, *([project, day, 0, True, 1, 0] for day in days)])

    def lacks(below: int, highest: int) -> int | None:
        return below if not below or any(version >= below and number <= highest for number, version in links) else None

    assert whole_days(store, project) == {day: Counted(1, lacks(*known)) for day, known in days.items()}
