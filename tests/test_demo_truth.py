"""The demo shop obeys its rules, and what Bihuan reports of it is what is true."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from bihuan.act.lift import LIFT
from bihuan.act.lift.spec import Goal, LiftSpec
from bihuan.act.lift.statistics import Share, share_difference
from bihuan.analyse.funnel import FUNNEL, FunnelSpec
from bihuan.console.demo.goods import person_of_email
from bihuan.console.demo.shop import (
    ADD,
    CHANNELS,
    CHECKOUT,
    DEVICES,
    EVENTS,
    FAIL,
    ORDER,
    PAGE,
    SIGNUP,
    VIEW,
    ZONE,
    Events,
    Shop,
    join,
    true_rates,
)
from bihuan.console.demo.state import State, instant
from bihuan.console.demo.truth import Mailed, truth
from bihuan.engine.ask import Engine
from bihuan.engine.config import Config
from bihuan.engine.question import Scope
from bihuan.engine.store import Store
from bihuan.see.trend import TREND
from bihuan.see.trend.spec import TrendSpec
from tests.test_processes import free_port, until

SHOP = Shop(people=20_000, since=date(2026, 1, 5), until=date(2026, 3, 5), seed=7)


@pytest.fixture(scope="module")
def events() -> Events:
    """Everything that happens in a shop of 20,000 people."""
    return join([portion for n in range(SHOP.days) for portion in SHOP.day(SHOP.since + timedelta(days=n))])


def near(part: int, whole: int, share: float) -> bool:
    """Whether so many of so many is what chance makes of `share` (five standard deviations)."""
    return abs(part / whole - share) < 5 * (share * (1 - share) / whole) ** 0.5


def test_a_day_computed_alone_is_the_day_computed_with_others() -> None:
    day = date(2026, 2, 3)
    fresh = Shop(people=20_000, since=SHOP.since, until=SHOP.until, seed=7)
    alone, again = join(list(fresh.day(day))), join(list(SHOP.day(day)))
    assert all(np.array_equal(one, other, equal_nan=one.dtype.kind == "f") for one, other in zip(alone, again, strict=True))


def test_another_seed_makes_other_people() -> None:
    other = Shop(people=20_000, since=SHOP.since, until=SHOP.until, seed=8)
    assert not np.array_equal(other.everybody.channel, SHOP.everybody.channel)


def test_every_event_has_a_key_of_its_own(events: Events) -> None:
    assert len(np.unique(events.key)) == events.size


def test_visits_put_into_the_cart_as_often_as_the_rules_say(events: Events) -> None:
    visits = (events.code == PAGE) & (events.detail == 0)
    adds = events.code == ADD
    rates = true_rates()
    for c, channel in enumerate(CHANNELS):
        for d, device in enumerate(DEVICES):
            here = (events.channel == c) & (events.device == d)
            total = int(np.count_nonzero(visits & here))
            adding = int(np.count_nonzero(here & adds)) - _second_adds(events.only(here & adds))
            assert near(adding, total, rates[channel][device]["add"]), (channel, device)


def _second_adds(adds: Events) -> int:
    """How many of these are the second thing that one visit put into the cart: the same person again within five minutes."""
    order = np.lexsort((adds.at, adds.person))
    person, at = adds.person[order], adds.at[order]
    return int(np.count_nonzero((np.diff(person) == 0) & (np.diff(at) < 300_000)))


def test_checkouts_are_paid_as_often_as_the_rules_say_but_for_the_incident(events: Events) -> None:
    first, last = (int(datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(ZONE)).timestamp() * 1000) for day in SHOP.incident)
    broken = (events.at >= first) & (events.at < last + 86_400_000)
    for d, device in enumerate(DEVICES):
        here = events.device == d
        begun, paid = (int(np.count_nonzero((events.code == code) & here & ~broken)) for code in (CHECKOUT, ORDER))
        assert near(paid, begun, true_rates()["direct"][device]["pay"])
    begun, paid = (int(np.count_nonzero((events.code == code) & (events.device == 0) & broken)) for code in (CHECKOUT, ORDER))
    assert paid / begun < 0.5


def test_nobody_orders_before_signing_up(events: Events) -> None:
    assert bool(events.known[events.code == ORDER].all())
    signed = dict(zip(events.person[events.code == SIGNUP].tolist(), events.at[events.code == SIGNUP].tolist(), strict=True))
    orders = events.only(events.code == ORDER)
    early = [p for p, at in zip(orders.person.tolist(), orders.at.tolist(), strict=True) if p in signed and at < signed[p]]
    assert not early


def test_the_lift_s_interval_holds_the_true_effect_as_often_as_it_says() -> None:
    """Two hundred shops, each with its own people and its own draw: 95 % of the intervals hold the truth, within what chance does."""
    held = sum(_interval_holds_truth(seed) for seed in range(200))
    assert 182 <= held <= 200  # binomial(200, 0.95): below 182 once in 10,000


def _interval_holds_truth(seed: int) -> bool:
    shop = Shop(people=1_500, since=date(2026, 1, 5), until=date(2026, 1, 14), seed=seed)
    rng = np.random.default_rng(seed)
    audience = np.flatnonzero(shop.everybody.signup[: shop.people] < 0)
    drawn = rng.random(audience.size) < 0.5
    mailed = Mailed(shop, "a", datetime(2026, 1, 6, 10, tzinfo=UTC), 7, audience, audience[drawn])
    true = mailed.truth()["lift"]
    week = shop.between(mailed.at, mailed.at + timedelta(days=7))
    ordered = np.isin(audience, np.unique(week.person[week.code == ORDER])) | (drawn & shop.reaction(audience, "a")[2])
    counted = [Share(int(ordered[arm].sum()), int(arm.sum())) for arm in (drawn, ~drawn)]
    interval = share_difference(counted[0], counted[1])
    assert interval is not None
    return interval.low <= true <= interval.high


@dataclass
class Demo:
    """A filled demo that runs, with what is true of it."""

    engine: Engine
    scope: Scope
    state: State
    events: Events
    mailed: Mailed
    data: Path

    def ask(self, question: Any, spec: Any) -> Any:
        return self.engine.ask(question, spec, self.scope).result


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    data = tmp_path_factory.mktemp("demo") / "data"
    ports = [word for option in ("--port", "--collect-port", "--smtp-port", "--mail-port") for word in (option, str(free_port()))]
    command = [sys.executable, "-m", "bihuan.console.demo", "--data", str(data), "--people", "1500", "--days", "40", "--no-live", *ports]
    clean = {name: value for name, value in os.environ.items() if not name.startswith("BIHUAN_")}
    log = data.parent / "log.txt"
    with log.open("wb") as file:
        process = subprocess.Popen(command, stdout=file, stderr=subprocess.STDOUT, env=clean)
    until(lambda: "Ctrl-C ends it" in log.read_text() or process.poll() is not None, "the demo", 120)
    assert process.poll() is None, log.read_text()
    yield _facts(data)
    process.terminate()
    process.wait(15)


def _facts(data: Path) -> Demo:
    state = State.load(data)
    assert state is not None
    shop = state.shop
    with closing(sqlite3.connect(data / "bihuan.sqlite3")) as database:
        rows = database.execute("SELECT address, arm, state FROM act_delivery ORDER BY id").fetchall()
        project = database.execute("SELECT id FROM govern_project").fetchone()[0]
    at = datetime.combine(shop.until - timedelta(days=21), datetime.min.time(), ZoneInfo(ZONE)) + timedelta(hours=10)
    at = at.astimezone(UTC)
    audience = np.array([person_of_email(address) for address, _, _ in rows])
    got_it = np.array([person_of_email(address) for address, _, fate in rows if fate == "sent"])
    mailed = Mailed(shop, "autumn-tea", at, 7, audience, got_it)
    days = [shop.since + timedelta(days=n) for n in range(shop.days)]
    whole = join([portion for day in days for portion in (*shop.day(day), mailed.visits_on(day))])
    now = instant(state.begun_at)
    engine = Engine(Store(Config(data)))
    return Demo(engine, Scope(project, ZONE, now), state, whole.only(whole.at < state.begun_at), mailed, data)


@pytest.mark.slow
@pytest.mark.xdist_group("processes")
class TestWhatBihuanReports:
    def test_every_event_arrived_once(self, demo: Demo) -> None:
        spec = TrendSpec.model_validate({"series": [{"event": name} for name in EVENTS], "period": {"last": 60}})
        reported = {line.title_values["event"]: line.total for line in demo.ask(TREND, spec).lines}
        true = Counter(EVENTS[code] for code in demo.events.code.tolist())
        assert reported == true

    def test_the_revenue_is_the_shop_s_revenue(self, demo: Demo) -> None:
        series = [{"event": "Order Completed", "measure": "sum", "property": "revenue"}]
        result = demo.ask(TREND, TrendSpec.model_validate({"series": series, "period": {"last": 60}}))
        assert result.lines[0].total == pytest.approx(float(demo.events.amount[demo.events.code == ORDER].sum()), abs=0.005)

    def test_the_incident_stands_out_on_its_days_and_its_device(self, demo: Demo) -> None:
        spec = {"series": [{"event": "Payment Failed"}], "period": {"last": 40}, "breakdown": {"property": "device"}}
        result = demo.ask(TREND, TrendSpec.model_validate(spec))
        line = next(line for line in result.lines if line.part == "mobile")
        days = [bucket.date() for bucket in result.buckets]
        true = json.loads((demo.data / "truth.json").read_text())["incident"]
        first, last = date.fromisoformat(true["first"]), date.fromisoformat(true["last"])
        inside = [value for day, value in zip(days, line.values, strict=True) if first <= day <= last]
        outside = [value for day, value in zip(days, line.values, strict=True) if not first <= day <= last]
        assert sum(inside) / len(inside) > 4 * sum(outside) / len(outside)
        mobile = demo.events.only((demo.events.code == FAIL) & (demo.events.device == 0))
        counted = Counter(instant(at).astimezone(ZoneInfo(ZONE)).date() for at in mobile.at.tolist())
        assert {day: value for day, value in zip(days, line.values, strict=True) if value} == counted

    def test_the_funnel_by_device_counts_the_people_that_there_were(self, demo: Demo) -> None:
        steps = (VIEW, ADD, CHECKOUT, ORDER)
        spec = {
            "steps": [{"event": EVENTS[code]} for code in steps],
            "period": {"last": 60},
            "window": {"n": 7},
            "breakdown": {"property": "device"},
        }
        result = demo.ask(FUNNEL, FunnelSpec.model_validate(spec))
        reported = {part.value: tuple(step.people for step in part.steps) for part in result.parts}
        assert reported == _funnel_by_hand(demo.events, steps, 7 * 86_400_000)

    def test_the_campaign_s_arms_did_what_they_truly_did(self, demo: Demo) -> None:
        result = self._lift(demo)
        mailed = demo.mailed
        arm = np.isin(mailed.audience, mailed.got_it)
        assert result.treated.people + result.held.people == mailed.audience.size
        week = demo.events.only((demo.events.at > mailed.at.timestamp() * 1000) & (demo.events.code == ORDER))
        week = week.only(week.at < (mailed.at + timedelta(days=7)).timestamp() * 1000)
        assert result.treated.converted + result.held.converted == np.isin(mailed.audience, week.person).sum()
        assert arm.sum() <= result.treated.people  # bounced mails belong to the arm too

    def test_the_lift_s_interval_holds_the_true_lift(self, demo: Demo) -> None:
        true = json.loads((demo.data / "truth.json").read_text())["campaign"]
        assert true == truth(demo.state.shop, demo.mailed)["campaign"]
        interval = self._lift(demo).difference
        assert interval.low <= true["lift"] <= interval.high

    @staticmethod
    def _lift(demo: Demo) -> Any:
        spec = LiftSpec(campaign="autumn-tea", goal=Goal(event="Order Completed"), window=7, holdout=0.2)
        return demo.ask(LIFT, spec)


def _funnel_by_hand(events: Events, steps: tuple[int, ...], window: int) -> dict[str, tuple[int, ...]]:
    """The funnel as its guide defines it, person by person. A browser belongs to a user once both came together."""
    owner: dict[tuple[int, int], bool] = {}
    for person, device, known in zip(events.person.tolist(), events.device.tolist(), events.known.tolist(), strict=True):
        owner[person, device] = owner.get((person, device), False) or known
    ways: dict[Any, list[tuple[int, int, int]]] = {}
    for code, person, device, at in zip(
        *(column.tolist() for column in (events.code, events.person, events.device, events.at)), strict=True
    ):
        if code in steps:
            ways.setdefault(person if owner[person, device] else (person, device), []).append((at, steps.index(code), device))
    counts: dict[str, list[int]] = {}
    for way in ways.values():
        # the furthest; of these the one that gets there first; of these the one that began last
        best = max((_reached(way, place, len(steps), window) for place, (_, step, _) in enumerate(way) if step == 0), default=None)
        if best is not None:
            reached, _, begin = best
            people = counts.setdefault(DEVICES[way[begin][2]], [0] * len(steps))
            for step in range(reached):
                people[step] += 1
    return {device: tuple(people) for device, people in counts.items()}


def _reached(way: list[tuple[int, int, int]], begin: int, steps: int, window: int) -> tuple[int, int, int]:
    """How many steps somebody does who enters with the event in place `begin`; minus the place where they got so far; and `begin`."""
    reached, last = 1, begin
    for place, (at, step, _) in enumerate(way[begin + 1 :], begin + 1):
        if at > way[begin][0] + window:
            break
        if step == reached:
            reached, last = reached + 1, place
    return reached, -last, begin
