"""Root cause finds the stories that were planted in a published click stream."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bihuan.analyse.root_cause import ROOT_CAUSE
from bihuan.analyse.root_cause.spec import RootCauseSpec
from bihuan.engine.ask import Engine
from bihuan.engine.question import Scope

pytestmark = pytest.mark.shared_data
DATA = Path(os.environ.get("BIHUAN_SHARED_DATA") or Path(__file__).parents[6] / "shared" / "data") / "retentioneering_ecom" / "ecom.csv.gz"
SCOPE = Scope(2_100_000_041, "UTC", datetime(2024, 7, 15, 12, tzinfo=UTC))


@pytest.fixture(scope="module")
def ask(engine: Engine) -> Any:
    import json

    import polars as pl

    if not DATA.exists():
        pytest.skip(f"{DATA.name} is not shipped with Bihuan; it was looked for in {DATA.parent} (see BIHUAN_SHARED_DATA)")
    lines = pl.read_csv(DATA, schema_overrides={"user_id": pl.String}).with_columns(at=pl.col("timestamp").str.to_datetime())
    rest = ("acquisition_channel", "user_cohort", "user_lifecycle")
    columns: dict[str, tuple[str, Any]] = {
        "project_id": ("UInt32", [SCOPE.project_id] * lines.height),
        "event": ("LowCardinality(String)", lines["event"].to_list()),
        "day": ("Date", lines["at"].dt.date().to_list()),
        "person_id": ("UInt32", [2_960_000 + rank for rank in lines["user_id"].rank("dense").to_list()]),
        "ts": ("DateTime64(3, 'UTC')", [at.replace(tzinfo=UTC) for at in lines["at"].to_list()]),
        "event_key": ("UInt64", list(range(1, lines.height + 1))),
        "device": ("LowCardinality(String)", lines["platform"].to_list()),
        "props": ("String", [json.dumps(row, sort_keys=True) for row in lines.select(rest).to_dicts()]),
    }
    engine.store.insert("events", list(columns), [values for _, values in columns.values()], [kind for kind, _ in columns.values()])
    # What a cohort is follows from the date, so it says nothing about why another date is different.
    more = {"dimensions": ["acquisition_channel", "user_lifecycle"]}
    return lambda document: engine.ask(ROOT_CAUSE, RootCauseSpec.model_validate({**more, **document}), SCOPE).result


def between(since: str, until: str) -> dict[str, str]:
    return {"since": since, "until": until}


def test_the_traffic_spike_came_by_social_networks(ask):
    spike = ask({"of": {"event": "*"}, "period": between("2024-03-03", "2024-03-06")})
    assert (spike.was, spike.now) == (327, 487)
    assert spike.dimensions[0].by == "property:acquisition_channel"
    assert spike.dimensions[0].parts[0].value == "social"
    assert (spike.dimensions[0].parts[0].was, spike.dimensions[0].parts[0].now) == (11, 83)


def test_the_checkout_bug_is_on_mobile(ask):
    bug = ask(
        {
            "of": {"event": "shipping_details"},
            "hits": {"event": "payment_details"},
            "measure": "rate",
            "period": between("2024-04-09", "2024-05-09"),
        }
    )
    first = bug.dimensions[0]
    assert bug.change < 0
    assert (first.by, first.parts[0].value) == ("property:device", "mobile")
    assert first.parts[0].within < -10 * abs(first.parts[0].mix)
    assert first.parts[0].was == pytest.approx(22 / 28)
    assert first.parts[0].now == pytest.approx(22 / 89)


def test_the_payment_incident_is_the_payment_errors_everywhere(ask):
    period = between("2024-05-19", "2024-06-07")
    checkout = [{"event": name} for name in ("shipping_details", "payment_details", "purchase", "payment_error")]
    errors = ask({"of": {"event": "add_to_cart", "also": checkout}, "period": period})
    first = errors.dimensions[0]
    assert (first.by, first.parts[0].value) == ("event", "payment_error")
    assert (first.parts[0].was, first.parts[0].now) == (0, 113)
    rate = ask({"of": {"event": "payment_details"}, "hits": {"event": "purchase"}, "measure": "rate", "period": period})
    assert rate.change == pytest.approx(46 / 175 - 88 / 112)
    device = next(one for one in rate.dimensions if one.by == "property:device")
    assert all(part.within < 0 for part in device.parts)
    assert abs(device.within) > 20 * abs(device.mix)  # everywhere alike: no shift between devices
