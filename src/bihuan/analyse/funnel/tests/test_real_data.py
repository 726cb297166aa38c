"""Funnels beside each other find the stories that were planted in a published click stream."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bihuan.analyse.funnel import FUNNEL
from bihuan.analyse.funnel.spec import FunnelSpec
from bihuan.engine.ask import Engine
from bihuan.engine.question import Scope

pytestmark = pytest.mark.shared_data
DATA = Path(os.environ.get("BIHUAN_SHARED_DATA") or Path(__file__).parents[6] / "shared" / "data") / "retentioneering_ecom" / "ecom.csv.gz"
SCOPE = Scope(2_100_000_061, "UTC", datetime(2024, 7, 15, 12, tzinfo=UTC))
CHECKOUT = [{"event": name} for name in ("add_to_cart", "shipping_details", "payment_details", "purchase")]
BUG = {"since": "2024-04-09", "until": "2024-05-09"}
INCIDENT = {"since": "2024-05-19", "until": "2024-06-07"}


@pytest.fixture(scope="module")
def ask(engine: Engine) -> Any:
    import polars as pl

    if not DATA.exists():
        pytest.skip(f"{DATA.name} is not shipped with Bihuan; it was looked for in {DATA.parent} (see BIHUAN_SHARED_DATA)")
    lines = pl.read_csv(DATA, schema_overrides={"user_id": pl.String}).with_columns(at=pl.col("timestamp").str.to_datetime())
    rest = ("acquisition_channel", "user_cohort", "user_lifecycle")
    columns: dict[str, tuple[str, Any]] = {
        "project_id": ("UInt32", [SCOPE.project_id] * lines.height),
        "event": ("LowCardinality(String)", lines["event"].to_list()),
        "day": ("Date", lines["at"].dt.date().to_list()),
        "person_id": ("UInt32", [2_970_000 + rank for rank in lines["user_id"].rank("dense").to_list()]),
        "ts": ("DateTime64(3, 'UTC')", [at.replace(tzinfo=UTC) for at in lines["at"].to_list()]),
        "event_key": ("UInt64", list(range(1, lines.height + 1))),
        "device": ("LowCardinality(String)", lines["platform"].to_list()),
        "props": ("String", [json.dumps(row, sort_keys=True) for row in lines.select(rest).to_dicts()]),
    }
    engine.store.insert("events", list(columns), [values for _, values in columns.values()], [kind for kind, _ in columns.values()])
    hour = {"window": {"n": 1, "unit": "hour"}}
    return lambda document: engine.ask(FUNNEL, FunnelSpec.model_validate({**hour, **document}), SCOPE).result


def test_the_checkout_bug_is_between_shipping_and_payment_and_on_mobile_alone(ask):
    bug = ask({"steps": CHECKOUT[1:3], "period": BUG, "compare": "previous", "breakdown": {"property": "device"}})
    assert (bug.everybody.entered, bug.everybody.before.entered) == (171, 85)
    assert bug.everybody.whole.clear
    assert bug.everybody.whole.change.high < 0
    assert {part.value for part in bug.parts} == {"desktop", "mobile", "tablet"}
    (mobile,) = [part for part in bug.parts if part.whole.clear]
    assert mobile.value == "mobile"
    assert (mobile.whole.now.estimate, mobile.whole.before.estimate) == pytest.approx((15 / 54, 14 / 23))


def test_the_payment_incident_is_the_step_to_purchase_on_every_device(ask):
    incident = ask({"steps": CHECKOUT[2:], "period": INCIDENT, "compare": "previous", "breakdown": {"property": "device"}})
    assert incident.everybody.whole.adjusted < 0.001
    assert incident.everybody.whole.change.estimate < -0.25
    assert [part.value for part in incident.parts if part.whole.clear] == ["desktop", "mobile", "tablet"]


def test_the_trend_of_conversion_falls_in_the_weeks_of_the_incident(ask):
    trend = ask({"steps": CHECKOUT[2:], "period": {"since": "2024-04-29", "until": "2024-06-30"}, "show": "trend", "unit": "week"}).trend
    rates = {bucket.start: row[-1] / row[0] for bucket, row in zip(trend.buckets, trend.courses[0].counts, strict=True)}
    worst = sorted(rates, key=rates.__getitem__)[:3]
    assert sorted(f"{day:%m-%d}" for day in worst) == ["05-20", "05-27", "06-03"]


def test_what_goes_with_failure_in_the_incident_is_the_payment_error(ask):
    drivers = ask({"steps": CHECKOUT[2:], "period": INCIDENT, "show": "drivers"}).drivers
    first = drivers.found[0]
    assert (first.kind, first.name) == ("event", "payment_error")
    assert first.clear
    assert first.odds.high < 0.3


def test_what_goes_with_failure_while_the_bug_is_there_is_the_loop_and_mobile(ask):
    drivers = ask({"steps": CHECKOUT[1:3], "period": BUG, "show": "drivers"}).drivers
    clear = {(one.name, one.value): one.odds for one in drivers.found if one.clear}
    print(clear)
    assert clear["device", "mobile"].high < 1
    assert clear["checkout_bug", ""].high < 1
