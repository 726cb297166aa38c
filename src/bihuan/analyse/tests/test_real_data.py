"""Funnel and retention of a published click stream agree with polars, which gets there by joins instead of arrays and bits."""

from __future__ import annotations

import os
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from bihuan.analyse.funnel import FUNNEL
from bihuan.analyse.funnel.spec import FunnelSpec
from bihuan.analyse.retention import RETENTION
from bihuan.analyse.retention.spec import RetentionSpec
from bihuan.engine.ask import Engine
from bihuan.engine.question import Scope

pytestmark = pytest.mark.shared_data
DATA = Path(os.environ.get("BIHUAN_SHARED_DATA") or Path(__file__).parents[5] / "shared" / "data") / "retentioneering_ecom" / "ecom.csv.gz"
SCOPE = Scope(2_100_000_001, "UTC", datetime(2024, 7, 15, 12, tzinfo=UTC))
YEAR = {"since": "2024-01-01", "until": "2024-06-30"}


@pytest.fixture(scope="module")
def events() -> Any:
    """(person, event, at, day, device) of every line."""
    import polars as pl

    if not DATA.exists():
        pytest.skip(f"{DATA.name} is not shipped with Bihuan; it was looked for in {DATA.parent} (see BIHUAN_SHARED_DATA)")
    lines = pl.read_csv(DATA, schema_overrides={"user_id": pl.String})
    return lines.select(
        person=2_950_000 + pl.col("user_id").rank("dense").cast(pl.Int64),
        event="event",
        at=pl.col("timestamp").str.to_datetime().dt.cast_time_unit("ms"),
        day=pl.col("timestamp").str.to_datetime().dt.date(),
        device="platform",
    )


@pytest.fixture(scope="module")
def ask(events: Any, engine: Engine) -> Any:
    keys = range(1, events.height + 1)
    columns: dict[str, tuple[str, Any]] = {
        "project_id": ("UInt32", [SCOPE.project_id] * events.height),
        "event": ("LowCardinality(String)", events["event"].to_list()),
        "day": ("Date", events["day"].to_list()),
        "person_id": ("UInt32", events["person"].to_list()),
        "ts": ("DateTime64(3, 'UTC')", [at.replace(tzinfo=UTC) for at in events["at"].to_list()]),
        "event_key": ("UInt64", list(keys)),
        "device": ("LowCardinality(String)", events["device"].to_list()),
    }
    engine.store.insert("events", list(columns), [values for _, values in columns.values()], [kind for kind, _ in columns.values()])
    return lambda question, document: engine.ask(question, question.spec.model_validate(document), SCOPE).result


@pytest.mark.parametrize("hours", [1, 24, 24 * 30])
def test_a_funnel_agrees_with_joins(ask: Any, events: Any, hours: int) -> None:
    import polars as pl

    names = ("product_view", "add_to_cart", "payment_details", "purchase")
    spec = FunnelSpec.model_validate(
        {
            "steps": [{"event": name} for name in names],
            "period": YEAR,
            "window": {"n": hours, "unit": "hour"},
            "breakdown": {"property": "device"},
        }
    )
    result = ask(FUNNEL, spec.model_dump(mode="json"))

    def of(name: str) -> Any:
        return events.filter(pl.col("event") == name).select("person", pl.col("at").alias(name))

    # Every entry goes its own way: the first event of each next step that is not before the step before, within the time.
    ways = events.filter(pl.col("event") == names[0]).select("person", "device", pl.col("at").alias(names[0])).unique()
    reached = [ways]
    for before, name in pairwise(names):
        later = ways.join(of(name), on="person").filter(
            (pl.col(name) >= pl.col(before)) & (pl.col(name) <= pl.col(names[0]) + timedelta(hours=hours))
        )
        ways = later.group_by([column for column in later.columns if column != name]).agg(pl.col(name).min())
        reached.append(ways)
    counts = [each["person"].n_unique() for each in reached]
    assert 0 < counts[-1] < counts[-2] < counts[1] < counts[0] == 598
    assert [step.people for step in result.everybody.steps] == counts

    # Of each person the way that was done first, begun as late as it could be.
    first = ways.sort(names[-1], names[0], descending=[False, True]).group_by("person", maintain_order=True).first()
    took = (first[names[-1]] - first[names[0]]).dt.total_milliseconds() / 1000
    times = result.everybody.steps[-1].since_start
    assert [times.p10, times.median, times.p90] == pytest.approx([took.quantile(level, "linear") for level in (0.1, 0.5, 0.9)])
    assert sum(times.histogram) == counts[-1]
    for part in result.parts:
        assert part.steps[-1].people == first.filter(pl.col("device") == part.value).height


@pytest.mark.parametrize(("unit", "length"), [("day", "1d"), ("week", "1w"), ("month", "1mo")])
@pytest.mark.parametrize("mode", ["first_ever", "recurring"])
def test_retention_agrees_with_joins(ask: Any, events: Any, unit: str, length: str, mode: str) -> None:
    import polars as pl

    spec = RetentionSpec.model_validate(
        {"start": {"event": "home"}, "return": {"event": "purchase"}, "mode": mode, "unit": unit, "periods": 5, "period": YEAR}
    )
    result = ask(RETENTION, spec.model_dump(mode="json", by_alias=True))
    cut = events.with_columns(bucket=pl.col("day").dt.truncate(length))
    starts = cut.filter(pl.col("event") == "home").select("person", cohort="bucket")
    if mode == "first_ever":
        starts = starts.group_by("person").agg(pl.col("cohort").min())
    starts = starts.unique()
    returns = cut.filter(pl.col("event") == "purchase").select("person", "bucket").unique()
    sizes = dict(starts.group_by("cohort").len().iter_rows())
    came = {
        (cohort, bucket): people
        for cohort, bucket, people in starts.join(returns, on="person").group_by("cohort", "bucket").len().iter_rows()
    }
    cohorts = result.everybody.cohorts
    days = [cohort.day for cohort in cohorts]
    assert {cohort.day: cohort.size for cohort in cohorts if cohort.size} == sizes
    for place, cohort in enumerate(cohorts):
        following: list[date] = days[place : place + 6]
        assert [cell.people for cell in cohort.cells][: len(following)] == [came.get((cohort.day, day), 0) for day in following]
