"""What the shop's events look like when they are sent: ids, names and properties, one by one for a client or as columns for the history."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from bihuan.console.demo.goods import CATEGORIES, CITIES, COUPONS, FAILURES, LEVELS, person_email, person_name
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
    Events,
    Numbers,
    Shop,
    mix,
)

if TYPE_CHECKING:
    import pyarrow as pa

HOST = "tea.example.com"
MEDIUMS = ("", "organic", "social", "paid", "social", "referral", "email")
METHODS = ("wechat", "phone", "email")
SYSTEMS = (("iOS", "Android", "Android", "HarmonyOS", "iOS"), ("Windows", "macOS", "Windows", "Windows", "Linux"), ("iPadOS",) * 5)
BROWSERS = (("Safari", "Chrome", "Chrome", "Huawei", "Safari"), ("Edge", "Safari", "Chrome", "Chrome", "Firefox"), ("Safari",) * 5)


def user_id(person: int) -> str:
    """The id by which the shop knows somebody who has signed up."""
    return f"u{100_001 + person}"


def anonymous_id(shop: Shop, person: int, device: int) -> str:
    """The cookie that a person's browser on a device carries."""
    return f"{int(mix(np.uint64(person), np.uint64(device), np.uint64(shop.seed))[0]):016x}"


def traits(shop: Shop, person: int) -> dict[str, Any]:
    """What the shop knows of somebody who has signed up."""
    people = shop.everybody
    city, country, _ = CITIES[shop.language][people.city[person]]
    return {
        "name": person_name(person, shop.language),
        "email": person_email(person),
        "city": city,
        "country": country,
        "level": LEVELS[people.level[person]],
        "channel": CHANNELS[people.channel[person]],
    }


def columns_of(shop: Shop, person: int, code: int, device: int, channel: int, product: int, detail: int) -> dict[str, str]:
    """The properties for which the store has columns."""
    city, country, _ = CITIES[shop.language][shop.everybody.city[person]]
    return {
        "path": _path(shop, code, product, detail),
        "host": HOST,
        "utm_source": CHANNELS[channel] if channel else "",
        "utm_medium": MEDIUMS[channel],
        "country": country,
        "city": city,
        "browser": BROWSERS[device][person % 5],
        "os": SYSTEMS[device][person % 5],
        "device": DEVICES[device],
    }


def properties(shop: Shop, code: int, product: int, amount: float, detail: int, key: int) -> dict[str, Any]:
    """All other properties but `revenue`."""
    if code == PAGE:
        return {"title": CATEGORIES[shop.language][key % 7] if detail else "Home"}
    if code == SIGNUP:
        return {"method": METHODS[key % 3]}
    if code == FAIL:
        return {"reason": FAILURES[detail], "value": round(amount, 2)}
    goods = shop.goods[product]
    if code == CHECKOUT:
        return {"items": detail, "value": round(amount, 2)}
    if code == ORDER:
        coupon = {"coupon": COUPONS[detail]} if detail else {}
        return {"category": goods.category, "order_id": f"T{key % 10**10:010}", "product": goods.name, **coupon}
    quantity = {"quantity": detail} if code == ADD else {}
    return {"category": goods.category, "price": goods.price, "product": goods.name, "product_id": goods.code, **quantity}


def single(shop: Shop, events: Events, at: int) -> dict[str, Any]:
    """The event in place `at`, as the arguments of a Segment client's `track`."""
    person, code, device = int(events.person[at]), int(events.code[at]), int(events.device[at])
    product, amount, detail = int(events.product[at]), float(events.amount[at]), int(events.detail[at])
    key = int(events.key[at])
    found = columns_of(shop, person, code, device, int(events.channel[at]), product, detail)
    return {
        "user_id": user_id(person) if events.known[at] else None,
        "anonymous_id": anonymous_id(shop, person, device),
        "event": EVENTS[code],
        "properties": {
            **{name: value for name, value in found.items() if value},
            **properties(shop, code, product, amount, detail, key),
            **({"revenue": amount} if code == ORDER else {}),
        },
        "timestamp": datetime.fromtimestamp(int(events.at[at]) / 1000, UTC),
        "message_id": f"tea-{key:016x}",
    }


class Columns:
    """Turns events into columns by looking texts up instead of writing each anew: forty million events take minutes, not hours."""

    def __init__(self, shop: Shop, canonical: Callable[[dict[str, Any]], str]) -> None:
        self._shop = shop
        self._canonical = canonical

    def table(self, events: Events) -> pa.Table:
        """One row an event, as the collector's client takes them."""
        import pyarrow as pa

        shop, person, device = self._shop, events.person, events.device
        cities = CITIES[shop.language]
        variant = device.astype(np.int64) * 5 + person % 5
        order = events.code == ORDER
        return pa.table(
            {
                "event_key": pa.array(events.key, pa.uint64()),
                "name": _look_up(EVENTS, events.code),
                "at": pa.array(events.at, pa.int64()),
                "user_id": self._users(person, events.known),
                "anonymous_id": self._cookies(person, device),
                "path": self._paths(events),
                "host": _look_up([HOST], np.zeros(events.size, np.int64)),
                "utm_source": _look_up(["", *CHANNELS[1:]], events.channel),
                "utm_medium": _look_up(MEDIUMS, events.channel),
                "country": _look_up([country for _, country, _ in cities], shop.everybody.city[person]),
                "city": _look_up([city for city, _, _ in cities], shop.everybody.city[person]),
                "browser": _look_up([name for names in BROWSERS for name in names], variant),
                "os": _look_up([name for names in SYSTEMS for name in names], variant),
                "device": _look_up(DEVICES, device),
                "revenue": pa.array(events.amount, pa.float64(), mask=~order),
                "props": self._properties(events),
            }
        )

    def _users(self, person: Numbers, known: Numbers) -> pa.Array:
        import pyarrow as pa

        unique, places = np.unique(person, return_inverse=True)
        return pa.array([user_id(int(number)) for number in unique]).take(pa.array(places, mask=~known))

    def _cookies(self, person: Numbers, device: Numbers) -> pa.Array:
        import pyarrow as pa

        unique, places = np.unique(person.astype(np.int64) * 3 + device, return_inverse=True)
        hashes = mix((unique // 3).astype(np.uint64), (unique % 3).astype(np.uint64), np.uint64(self._shop.seed))
        return pa.array([f"{number:016x}" for number in hashes.tolist()]).take(pa.array(places))

    def _paths(self, events: Events) -> pa.Array:
        goods, codes = len(self._shop.goods) + 1, len(EVENTS)
        place = (events.code.astype(np.int64) * 2 + (events.detail > 0)) * goods + events.product + 1
        texts = [_path(self._shop, code, product - 1, detail) for code in range(codes) for detail in (0, 1) for product in range(goods)]
        return _look_up(texts, place)

    def _properties(self, events: Events) -> pa.Array:
        """Looks and carts repeat; what holds an amount or an order's number is written for each."""
        texts: list[str] = []
        places = np.zeros(events.size, np.int64)
        simple = np.isin(events.code, (PAGE, VIEW, ADD, SIGNUP))
        kind = np.where(events.code == PAGE, events.key % np.uint64(7), np.where(events.code == SIGNUP, events.key % np.uint64(3), 0))
        shape = ((events.code.astype(np.int64) * 64 + events.product + 1) * 128 + events.detail) * 8 + kind.astype(np.int64)
        _, first, inverse = np.unique(shape[simple], return_index=True, return_inverse=True)
        at_simple = np.flatnonzero(simple)
        texts += [self._text(events, int(at_simple[place])) for place in first]
        places[simple] = inverse
        rest = np.flatnonzero(~simple)
        places[rest] = len(texts) + np.arange(len(rest))
        texts += [self._text(events, int(place)) for place in rest]
        return _look_up(texts, places)

    def _text(self, events: Events, at: int) -> str:
        found = properties(
            self._shop,
            int(events.code[at]),
            int(events.product[at]),
            float(events.amount[at]),
            int(events.detail[at]),
            int(events.key[at]),
        )
        return self._canonical(found)


def _path(shop: Shop, code: int, product: int, detail: int) -> str:
    if code in (VIEW, ADD) and product >= 0:
        return f"/tea/{shop.goods[product].code}"
    return {PAGE: "/shelf" if detail else "/", SIGNUP: "/join", CHECKOUT: "/checkout", FAIL: "/checkout", ORDER: "/thanks"}.get(code, "/")


def _look_up(texts: Any, places: Numbers) -> pa.Array:
    import pyarrow as pa

    return pa.array(texts, pa.string()).take(pa.array(places.astype(np.int64)))
