"""Which days a statement takes as they were counted, and which it counts: every day once, whichever are whole."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bihuan.engine.periods import Period
from bihuan.engine.rollup import daily
from bihuan.engine.store import Store

NEW_YEAR = date(2026, 1, 1)
DAYS = [NEW_YEAR + timedelta(days=number) for number in range(-20, 60)]
LONG_AGO = date(1999, 12, 31)


def taken(store: Store, whole: set[date], period: Period | None) -> tuple[list[date], list[date]]:
    """Of all the days that there may be events of: those that are taken as counted, and those that are counted."""
    sql, params = daily(period, whole, any_event=True, people=False)
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
    assert daily(None, whole, any_event=True, people=True)[1].keys() == {"scope_past_run_since", "scope_past_run_until"}


def test_a_period_of_counted_days_needs_no_events() -> None:
    assert "FROM events" not in daily(Period(NEW_YEAR, NEW_YEAR + timedelta(days=9), "UTC"), set(DAYS), any_event=True, people=True)[0]
