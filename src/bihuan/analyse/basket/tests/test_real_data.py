"""Baskets of a published shop come out as another program found them.

The rules of French invoices of UCI's Online Retail, as published with mlxtend's apriori ("Introduction to Market Basket Analysis in
Python", Practical Business Python, 2017): descriptions without blanks around, no cancelled invoices; 392 invoices, those that only have
postage among them.
"""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bihuan.analyse.basket import BASKET
from bihuan.analyse.basket.spec import BasketSpec
from bihuan.engine.ask import Engine
from bihuan.engine.question import Scope

pytestmark = pytest.mark.shared_data
DATA = (
    Path(os.environ.get("BIHUAN_SHARED_DATA") or Path(__file__).parents[6] / "shared" / "data") / "online_retail" / "online_retail.parquet"
)
SCOPE = Scope(2_100_000_009, "Europe/London", datetime(2011, 12, 31, 12, tzinfo=UTC))
# with, also: support, confidence, lift, leverage, conviction
PUBLISHED = {
    ("ALARM CLOCK BAKELIKE RED", "ALARM CLOCK BAKELIKE GREEN"): (0.079082, 0.837838, 8.642959, 0.069932, 5.568878),
    ("ALARM CLOCK BAKELIKE GREEN", "ALARM CLOCK BAKELIKE RED"): (0.079082, 0.815789, 8.642959, 0.069932, 4.916181),
    ("ALARM CLOCK BAKELIKE PINK", "ALARM CLOCK BAKELIKE GREEN"): (0.073980, 0.725000, 7.478947, 0.064088, 3.283859),
}


@pytest.fixture(scope="module")
def lines() -> Any:
    import polars as pl

    if not DATA.exists():
        pytest.skip(f"{DATA.name} is not shipped with Bihuan; it was looked for in {DATA.parent} (see BIHUAN_SHARED_DATA)")
    every = pl.scan_parquet(DATA).filter(pl.col("Country") == "France").collect()
    named = every.with_columns(item=pl.col("Description").cast(pl.String).str.strip_chars(), invoice=pl.col("InvoiceNo").cast(pl.String))
    sold = named.filter(~pl.col("invoice").str.contains("C") & pl.col("item").is_not_null())
    return (
        sold.group_by("invoice", "item")
        .agg(pl.col("Quantity").cast(pl.Int64).sum())
        .filter(pl.col("Quantity") >= 1)
        .sort("invoice", "item")
    )


def test_the_rules_of_french_invoices_are_those_that_were_published(engine: Engine, lines: Any) -> None:
    number = lines.height
    at = datetime(2011, 6, 1, 12, tzinfo=UTC)
    props = [json.dumps({"invoice": invoice, "item": item}) for invoice, item in lines.select("invoice", "item").iter_rows()]
    columns: dict[str, tuple[str, list[Any]]] = {
        "project_id": ("UInt32", [SCOPE.project_id] * number),
        "event": ("LowCardinality(String)", ["Line"] * number),
        "day": ("Date", [at.date()] * number),
        "person_id": ("UInt32", [0] * number),
        "ts": ("DateTime64(3, 'UTC')", [at] * number),
        "event_key": ("UInt64", list(range(1, number + 1))),
        "props": ("String", props),
    }
    engine.store.insert("events", list(columns), [values for _, values in columns.values()], [kind for kind, _ in columns.values()])
    spec = BasketSpec.model_validate(
        {
            "of": {"event": "Line"},
            "item": "item",
            "basket": "same",
            "same": "invoice",
            "period": {"since": "2011-06-01", "until": "2011-06-01"},
            "most": 200,
            "least": 28,
            "top": 500,
        }
    )
    result = engine.ask(BASKET, spec, SCOPE).result
    assert result.baskets == 392
    rules = {(rule.when[0], rule.then): rule for rule in result.rules}
    found = {
        key: (rule.support, rule.confidence, rule.lift.estimate, rule.leverage, rule.conviction)
        for key, rule in rules.items()
        if key in PUBLISHED and rule.lift
    }
    assert found == {key: pytest.approx(numbers, abs=1e-6) for key, numbers in PUBLISHED.items()}
