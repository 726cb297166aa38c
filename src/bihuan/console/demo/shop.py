"""The people of a tea shop, simulated: what each does on each day follows known rules and a seed, so that what Bihuan reports can be
compared with what is true.

Any day of any people can be computed alone and comes out the same each time: history, catching up and live traffic are one function.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from hashlib import blake2b
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from bihuan.console.demo.goods import BOUNCES, CITIES, COUPON_SHARES, COUPONS, Language, Product, products

Numbers = npt.NDArray[Any]

ZONE = "Asia/Shanghai"
CHUNK = 50_000  # people simulated together
AFTERWARDS = 365  # days after the history for which there are newcomers, so that a demo left running does not run dry

CHANNELS = ("direct", "search", "wechat", "douyin", "xiaohongshu", "referral", "email")
CHANNEL_SHARES = (0.17, 0.20, 0.24, 0.15, 0.11, 0.09, 0.04)
DEVICES = ("mobile", "desktop", "tablet")
# The share of each channel's people that come by each device.
DEVICE_SHARES = (
    (0.58, 0.37, 0.05),
    (0.50, 0.45, 0.05),
    (0.93, 0.05, 0.02),
    (0.95, 0.03, 0.02),
    (0.92, 0.05, 0.03),
    (0.66, 0.30, 0.04),
    (0.55, 0.40, 0.05),
)

# What a visit becomes, as chances: the truth that a funnel by channel or device must find again.
ADD_BY_CHANNEL = (0.21, 0.23, 0.20, 0.10, 0.14, 0.26, 0.28)
ADD_BY_DEVICE = (0.92, 1.12, 1.0)  # factors on the above
CHECKOUT_BY_DEVICE = (0.44, 0.58, 0.49)  # of visits with something in the cart, by somebody who has signed up
FAIL_BY_DEVICE = (0.10, 0.06, 0.08)  # of attempts to pay
RETRY = 0.5  # of failed attempts that are tried once more
INCIDENT_DAYS = 4
INCIDENT_DEVICE = 0  # mobile
INCIDENT_FAIL, INCIDENT_RETRY = 0.70, 0.25

WEEK = (0.92, 0.90, 0.92, 0.95, 1.06, 1.20, 1.12)  # Monday to Sunday
HOURS = (22, 16, 13, 12, 12, 14, 20, 30, 40, 46, 50, 52, 56, 50, 46, 46, 48, 50, 54, 62, 70, 72, 60, 40)
FESTIVALS = {(6, 17): 1.4, (6, 18): 1.9, (6, 19): 1.2, (11, 10): 1.5, (11, 11): 2.1, (11, 12): 1.3}
NEW = 0.62  # of the people arrive within the history
VISITS_A_DAY = 0.295  # of somebody new and of average eagerness

# What a message to somebody adds to their chance to order within the week after it, by level.
REACTION = (0.035, 0.055, 0.08)
OPENS, CLICKS = 0.46, 0.14  # of those who do not order because of it; who does has opened and clicked

NEVER = np.int16(32000)

PAGE, VIEW, ADD, SIGNUP, CHECKOUT, FAIL, ORDER = range(7)
EVENTS = ("Page Viewed", "Product Viewed", "Product Added", "Signed Up", "Checkout Started", "Payment Failed", "Order Completed")


class People(NamedTuple):
    """Some people, one array element each. Days count from the first day of the simulation; a negative one is before it."""

    first: int
    arrival: Numbers
    signup: Numbers
    channel: Numbers
    device: Numbers
    second: Numbers
    eager: Numbers
    fading: Numbers
    city: Numbers
    level: Numbers
    taste: Numbers

    @property
    def size(self) -> int:
        return int(self.arrival.size)


class Events(NamedTuple):
    """Some events, one array element each: `code` into EVENTS, `person` the number, `at` ms since 1970, `key` unique and stable,
    `known` whether the person had signed up, `first_visit` whether on the day of arrival; `product` or -1; `amount` in yuan or NaN;
    `detail` a quantity, a coupon, a reason or a kind of page, as the event wants."""

    code: Numbers
    person: Numbers
    at: Numbers
    key: Numbers
    device: Numbers
    channel: Numbers
    known: Numbers
    product: Numbers
    amount: Numbers
    detail: Numbers

    def only(self, which: Numbers) -> Events:
        """The events that `which` (a mask or positions) picks."""
        return Events(*(column[which] for column in self))

    @property
    def size(self) -> int:
        return int(self.code.size)


class _Visits(NamedTuple):
    """Visits of one day, one array element each."""

    person: Numbers
    start: Numbers
    device: Numbers
    channel: Numbers
    known: Numbers
    signs: Numbers
    key: Numbers


_Step = tuple[int, int, Numbers, Numbers, Numbers | None, Numbers]  # code, place in the visit, which visits, product, amount, detail


@dataclass(frozen=True)
class Shop:
    """A shop with so many `people` whose first simulated day is `since` and whose last day of history is `until`."""

    people: int
    since: date
    until: date
    seed: int = 1
    language: Language = "en"

    @property
    def days(self) -> int:
        return (self.until - self.since).days + 1

    @cached_property
    def goods(self) -> tuple[Product, ...]:
        return products(self.language)

    @property
    def incident(self) -> tuple[date, date]:
        """The first and the last day on which paying by mobile was broken."""
        first = self.since + timedelta(days=int(self.days * 0.58))
        return first, first + timedelta(days=INCIDENT_DAYS - 1)

    @cached_property
    def everybody(self) -> People:
        """All people at their numbers; those who arrive after the history come last."""
        chunks = [*self._chunks, *self._newcomers]
        return People(0, *(np.concatenate(columns) for columns in list(zip(*chunks, strict=True))[1:]))

    def day(self, day: date) -> Iterator[Events]:
        """What happens on `day` (in the shop's zone), in some portions, each in the order of time."""
        newcomers = self._newcomers if day > self.until else ()
        for people in (*self._chunks, *newcomers):
            events = self._simulate(people, day)
            if events.size:
                yield events

    def between(self, begin: datetime, end: datetime) -> Events:
        """What happens from `begin` up to before `end`, in the order of time."""
        zone = ZoneInfo(ZONE)
        day, last = begin.astimezone(zone).date(), end.astimezone(zone).date()
        portions: list[Events] = []
        while day <= last:
            portions.extend(self.day(day))
            day += timedelta(days=1)
        whole = join(portions)
        return whole.only((whole.at >= ms(begin)) & (whole.at < ms(end)))

    def reaction(self, person: Numbers, campaign: str) -> tuple[Numbers, Numbers, Numbers]:
        """How people answer a message: who opens, who clicks, and who orders because of it. Known before anybody is sent anything."""
        salt = int.from_bytes(blake2b(campaign.encode(), digest_size=8).digest(), "big")
        draws = [_uniform(mix(person.astype(np.uint64), np.uint64(salt), np.uint64(self.seed * 8 + n))) for n in range(3)]
        reached = person % BOUNCES != 0
        orders = reached & (draws[0] < np.array(REACTION)[self.everybody.level[person]])
        clicks = orders | (reached & (draws[1] < CLICKS))
        return clicks | (reached & (draws[2] < OPENS)), clicks, orders

    def after_mail(self, person: Numbers, at: Numbers, orders: Numbers) -> Events:
        """The visits of people who clicked in a mail at `at` (ms); those who `orders` says order something before they leave."""
        size = len(person)
        rng = self._rng(3, size, int(at.min()) if size else 0)
        yes, no = np.ones(size, bool), np.full(size, -1)
        goods = self._goods(rng, self.everybody.taste[person], size)[0]
        price = np.array([product.price for product in self.goods])[goods]
        visits = _Visits(
            person=person.astype(np.int32),
            start=at,
            device=self.everybody.device[person],
            channel=np.full(size, CHANNELS.index("email"), np.int8),
            known=yes,
            signs=~yes,
            key=mix(person.astype(np.uint64), at.astype(np.uint64), np.uint64(self.seed)),
        )
        pace, none = rng.integers(6_000, 20_000, size), np.zeros(size, np.int64)
        parts: list[_Step] = [(PAGE, 0, yes, no, None, none), (VIEW, 1, yes, goods, None, none), (ADD, 2, orders, goods, None, none + 1)]
        parts += [(CHECKOUT, 3, orders, goods, price, none + 1), (ORDER, 4, orders, goods, price, none)]
        return join([_part(visits, yes, pace, rng, *part) for part in parts])

    @cached_property
    def _chunks(self) -> tuple[People, ...]:
        return tuple(self._people(first, min(CHUNK, self.people - first)) for first in range(0, self.people, CHUNK))

    @cached_property
    def _newcomers(self) -> tuple[People, ...]:
        """People who arrive after the history, so many a day as at its end."""
        a_day = max(1, round(self.people * NEW * 0.85 / self.days))
        total = min(a_day * AFTERWARDS, 20 * CHUNK)
        chunks = []
        for first in range(0, total, CHUNK):
            people = self._people(self.people + first, min(CHUNK, total - first))
            shift = (self.days + (first + np.arange(people.size)) // a_day - people.arrival).astype(np.int16)
            signup = np.where(people.signup == NEVER, NEVER, people.signup + shift)
            chunks.append(people._replace(arrival=people.arrival + shift, signup=signup))
        return tuple(chunks)

    def _rng(self, *what: int) -> np.random.Generator:
        return np.random.default_rng([self.seed, *what])

    def _people(self, first: int, size: int) -> People:
        rng = self._rng(1, first)
        channel = rng.choice(len(CHANNELS), size, p=CHANNEL_SHARES).astype(np.int8)
        device = _choose(rng, np.array(DEVICE_SHARES)[channel])
        second = np.where(rng.random(size) < 0.25, np.where(device == 0, 1, 0), device).astype(np.int8)
        eager = rng.gamma(0.75, 1 / 0.75, size).clip(0.03, 8).astype(np.float32)
        new = rng.random(size) < NEW
        arrival = np.where(new, np.floor(self.days * rng.random(size) ** 0.85), -1 - np.floor(rng.exponential(40, size)))
        lag = np.where(rng.random(size) < 0.45, 0, 1 + np.floor(rng.exponential(9, size)))
        signs_up = rng.random(size) < 0.55 + 0.25 * (eager > 0.6)
        signup = np.where(signs_up, np.where(new, arrival + lag, -1), NEVER)
        return People(
            first=first,
            arrival=arrival.clip(-300, NEVER).astype(np.int16),
            signup=signup.clip(-300, NEVER).astype(np.int16),
            channel=channel,
            device=device,
            second=second,
            eager=eager,
            fading=rng.lognormal(3.9, 0.7, size).clip(8, 400).astype(np.float32),
            city=rng.choice(len(CITIES["en"]), size, p=_shares([city[2] for city in CITIES["en"]])).astype(np.int8),
            level=np.digitize(eager * rng.lognormal(0, 0.4, size), (0.9, 2.2)).astype(np.int8),
            taste=rng.integers(0, 7, size).astype(np.int8),
        )

    def _simulate(self, people: People, day: date) -> Events:
        index = (day - self.since).days
        rng = self._rng(2, index, people.first)
        visits = self._visits(rng, people, day, index)
        events = self._happenings(rng, people, visits, day)
        return events.only(np.argsort(events.at, kind="stable"))

    def _visits(self, rng: np.random.Generator, people: People, day: date, index: int) -> _Visits:
        age = index - people.arrival.astype(np.float32)
        here = age >= 0
        rate = VISITS_A_DAY * people.eager * (0.12 + 0.88 * np.exp(-age.clip(0, None) / people.fading))
        counts = rng.poisson(np.where(here, rate * self._season(day, index), 0)).clip(0, 6)
        signs_today = people.signup == index
        counts = np.where((people.arrival == index) | signs_today, 1, counts)
        who = np.repeat(np.arange(people.size), counts)
        size = len(who)
        number = np.arange(size) - np.repeat(np.cumsum(counts) - counts, counts)
        device = np.where(rng.random(size) < 0.2, people.second[who], people.device[who])
        arrives = people.arrival[who] == index
        habit = np.where(rng.random(size) < 0.55, people.channel[who], rng.choice(len(CHANNELS), size, p=(0.7, 0.1, 0.1, 0, 0, 0.02, 0.08)))
        person = (people.first + who).astype(np.int32)
        key = mix(person.astype(np.uint64), np.uint64(index % 2**32), number.astype(np.uint64) + np.uint64(self.seed * 64))
        return _Visits(
            person=person,
            start=_midnight(day) + self._times(rng, size),
            device=np.where(arrives, people.device[who], device).astype(np.int8),
            channel=np.where(arrives, people.channel[who], habit).astype(np.int8),
            known=people.signup[who] < index,
            signs=signs_today[who],
            key=key,
        )

    def _season(self, day: date, index: int) -> float:
        growth = 0.85 + 0.30 * min(index, self.days) / self.days
        return WEEK[day.weekday()] * growth * FESTIVALS.get((day.month, day.day), 1.0)

    @staticmethod
    def _times(rng: np.random.Generator, size: int) -> Numbers:
        hour = rng.choice(24, size, p=_shares(HOURS))
        return (hour * 3_600_000 + rng.integers(0, 3_600_000, size)).astype(np.int64)

    def _happenings(self, rng: np.random.Generator, people: People, visits: _Visits, day: date) -> Events:
        """Unfold each visit into its events. `step` is the place in the visit, which orders them in time."""
        size = len(visits.person)
        pace = rng.integers(6_000, 45_000, size)
        known = visits.known | visits.signs
        views = 1 + rng.poisson(1.3, size).clip(0, 5)
        goods = self._goods(rng, people.taste[visits.person - people.first], size)
        adds = rng.random(size) < np.array(ADD_BY_CHANNEL)[visits.channel] * np.array(ADD_BY_DEVICE)[visits.device]
        adds_two = adds & (views > 1) & (rng.random(size) < 0.3)
        checkout = adds & known & (rng.random(size) < np.array(CHECKOUT_BY_DEVICE)[visits.device])
        fails, fails_again, pays = self._payment(rng, visits, checkout, day)
        quantity = 1 + (rng.random(size) < 0.22) + (rng.random(size) < 0.06)
        coupon = np.where(rng.random(size) < 0.24, rng.integers(1, len(COUPONS), size), 0)
        prices = np.array([product.price for product in self.goods])
        worth = prices[goods[0]] * quantity + np.where(adds_two, prices[goods[1]], 0)
        revenue = np.round(worth * (1 - np.array(COUPON_SHARES)[coupon]), 2)
        reason = np.where(_broken(self, day) & (visits.device == INCIDENT_DEVICE), 2, rng.integers(0, 3, size))
        nothing, none = np.full(size, -1), np.zeros(size, np.int64)

        parts: list[_Step] = [
            (PAGE, 0, np.ones(size, bool), nothing, None, none),
            (PAGE, 1, rng.random(size) < 0.45, nothing, None, none + 1),
        ]
        parts += [(VIEW, 2 + n, views > n, goods[n], None, none) for n in range(6)]
        parts += [(ADD, 8, adds, goods[0], None, quantity), (ADD, 9, adds_two, goods[1], None, none + 1)]
        parts += [(SIGNUP, 10, visits.signs, nothing, None, none), (CHECKOUT, 11, checkout, goods[0], worth, quantity + adds_two)]
        parts += [(FAIL, 12, fails, nothing, worth, reason), (FAIL, 13, fails_again, nothing, worth, reason)]
        parts += [(ORDER, 14, pays, goods[0], revenue, coupon)]
        return join([_part(visits, known, pace, rng, *part) for part in parts])

    def _payment(self, rng: np.random.Generator, visits: _Visits, checkout: Numbers, day: date) -> tuple[Numbers, Numbers, Numbers]:
        broken = _broken(self, day) & (visits.device == INCIDENT_DEVICE)
        chance = np.where(broken, INCIDENT_FAIL, np.array(FAIL_BY_DEVICE)[visits.device])
        size = len(checkout)
        fails = checkout & (rng.random(size) < chance)
        retries = fails & (rng.random(size) < np.where(broken, INCIDENT_RETRY, RETRY))
        fails_again = retries & (rng.random(size) < chance)
        return fails, fails_again, (checkout & ~fails) | (retries & ~fails_again)

    def _goods(self, rng: np.random.Generator, taste: Numbers, size: int) -> list[Numbers]:
        """The products of six looks: a third of them in the category that the person likes."""
        weights = np.cumsum(_shares([product.weight for product in self.goods]))
        start, count = _category_ranges(self.goods)
        looks = []
        for _ in range(6):
            anything = np.searchsorted(weights, rng.random(size)).clip(0, len(self.goods) - 1)
            liked = start[taste] + np.floor(rng.random(size) * count[taste]).astype(np.int64)
            looks.append(np.where(rng.random(size) < 0.33, liked, anything).astype(np.int16))
        return looks


def join(portions: list[Events]) -> Events:
    """One after the other, as one, in the order of time."""
    whole = Events(*(np.concatenate(columns) for columns in zip(*portions, strict=True))) if portions else _NO_EVENTS
    return whole.only(np.argsort(whole.at, kind="stable"))


def mix(*words: Numbers | np.uint64) -> Numbers:
    """A well-spread 64-bit hash of some words, element by element (splitmix64)."""
    with np.errstate(over="ignore"):
        state = np.uint64(0x9E3779B97F4A7C15) + np.zeros(1, np.uint64)
        for word in words:
            state = (state ^ word) * np.uint64(0xBF58476D1CE4E5B9)
            state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
            state = state ^ (state >> np.uint64(31))
    return state


def ms(at: datetime) -> int:
    """Milliseconds since 1970."""
    return int(at.timestamp() * 1000)


def true_rates() -> dict[str, dict[str, dict[str, float]]]:
    """Of the visits by each channel and device: how many put something into the cart (`add`); of these, by those who have signed up,
    how many begin to pay (`checkout`); of these how many pay in the end (`pay`) on an ordinary day."""

    def pays(fail: float) -> float:
        return 1 - fail + fail * RETRY * (1 - fail)

    return {
        channel: {
            device: {
                "add": round(ADD_BY_CHANNEL[c] * ADD_BY_DEVICE[d], 6),
                "checkout": CHECKOUT_BY_DEVICE[d],
                "pay": round(pays(FAIL_BY_DEVICE[d]), 6),
            }
            for d, device in enumerate(DEVICES)
        }
        for c, channel in enumerate(CHANNELS)
    }


def _part(
    visits: _Visits,
    known: Numbers,
    pace: Numbers,
    rng: np.random.Generator,
    code: int,
    step: int,
    which: Numbers,
    product: Numbers,
    amount: Numbers | None,
    detail: Numbers,
) -> Events:
    """The events of one step of those visits that have it. Somebody who signs up in the visit is known from that step on."""
    at = visits.start + step * pace + rng.integers(0, 4_000, len(pace))
    picked = int(np.count_nonzero(which))
    return Events(
        code=np.full(picked, code, np.int8),
        person=visits.person[which],
        at=at[which],
        key=mix(visits.key[which], np.uint64(step)),
        device=visits.device[which],
        channel=visits.channel[which],
        known=(known if step >= 10 else visits.known)[which],
        product=product[which].astype(np.int16),
        amount=np.full(picked, np.nan) if amount is None else amount[which],
        detail=detail[which].astype(np.int8),
    )


_NO_EVENTS = Events(*(np.zeros(0, kind) for kind in ("i1", "i4", "i8", "u8", "i1", "i1", "?", "i2", "f8", "i1")))


def _broken(shop: Shop, day: date) -> bool:
    return shop.incident[0] <= day <= shop.incident[1]


def _choose(rng: np.random.Generator, shares: Numbers) -> Numbers:
    """One column for each row, with the row's chances."""
    chosen = (rng.random(len(shares))[:, None] > np.cumsum(shares, axis=1)[:, :-1]).sum(axis=1)
    return np.asarray(chosen, np.int8)


def _uniform(hashes: Numbers) -> Numbers:
    return np.asarray(hashes.astype(np.float64) / 2.0**64)


def _shares(weights: Any) -> Numbers:
    values = np.asarray(weights, float)
    return np.asarray(values / values.sum())


def _midnight(day: date) -> int:
    return ms(datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(ZONE)))


def _category_ranges(goods: tuple[Product, ...]) -> tuple[Numbers, Numbers]:
    """Where each category begins among the goods, and how many it has; goods stand by category."""
    categories = list(dict.fromkeys(product.category for product in goods))
    numbers = np.array([categories.index(product.category) for product in goods])
    return np.searchsorted(numbers, np.arange(len(categories))), np.bincount(numbers)
