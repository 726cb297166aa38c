"""What is true of the demo's shop, written beside its data so that reports can be compared with it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from bihuan.console.demo.shop import DEVICES, INCIDENT_DEVICE, INCIDENT_FAIL, ORDER, ZONE, Events, Numbers, Shop, mix, ms, true_rates

LATEST = 0.8  # of the goal's window: the last order because of a message


@dataclass(frozen=True)
class Mailed:
    """A campaign that was sent at `at` (aware): the numbers of the `audience`, and of those of them who got the mail.

    Everybody's answer to the message is fixed beforehand, for those too who were held out: so its true effect is known.
    """

    shop: Shop
    campaign: str
    at: datetime
    window: int
    audience: Numbers
    got_it: Numbers

    def reactions(self) -> tuple[Numbers, Numbers, Numbers]:
        """Of those who got the mail: who opens, who clicks, who orders because of it."""
        return self.shop.reaction(self.got_it, self.campaign)

    def clicked_at(self) -> Numbers:
        """When each of those who got the mail clicks, if they do (ms): mostly on the first day."""
        draw = mix(self.got_it.astype(np.uint64), np.uint64(self.shop.seed + 77)) / 2.0**64
        return np.asarray(ms(self.at) + (0.002 + draw**3 * (LATEST - 0.002)) * self.window * 86_400_000, np.int64)

    def visits_on(self, day: date) -> Events:
        """What they do in the shop on `day` because of the mail."""
        _, clicks, orders = self.reactions()
        begin = ms(datetime.combine(day, datetime.min.time(), ZoneInfo(ZONE)))
        end = ms(datetime.combine(day + timedelta(days=1), datetime.min.time(), ZoneInfo(ZONE)))
        at = self.clicked_at()
        today = clicks & (at >= begin) & (at < end)
        return self.shop.after_mail(self.got_it[today], at[today], orders[today])

    def truth(self) -> dict[str, Any]:
        """The audience's true chance to order within the window without the message, with it, and the difference."""
        ordered = buyers(self.shop, self.at, self.at + timedelta(days=self.window))
        without = np.isin(self.audience, ordered)
        _, _, because = self.shop.reaction(self.audience, self.campaign)
        with_it = without | because
        return {
            "campaign": self.campaign,
            "sent_at": self.at.isoformat(),
            "window_days": self.window,
            "audience": int(self.audience.size),
            "got_it": int(self.got_it.size),
            "rate_without": float(without.mean()),
            "rate_with": float(with_it.mean()),
            "lift": float(with_it.mean() - without.mean()),
        }


def buyers(shop: Shop, begin: datetime, end: datetime) -> Numbers:
    """The numbers of those who order from `begin` to before `end`, of their own accord."""
    events = shop.between(begin, end)
    return np.unique(events.person[events.code == ORDER])


def truth(shop: Shop, mailed: Mailed | None) -> dict[str, Any]:
    """Everything that is known of the shop."""
    first, last = shop.incident
    return {
        "people": shop.people,
        "since": shop.since.isoformat(),
        "until": shop.until.isoformat(),
        "seed": shop.seed,
        "rates": true_rates(),
        "incident": {
            "first": first.isoformat(),
            "last": last.isoformat(),
            "device": DEVICES[INCIDENT_DEVICE],
            "payments_failing": INCIDENT_FAIL,
        },
        "campaign": mailed.truth() if mailed is not None else None,
    }


def write_truth(data: Path, shop: Shop, mailed: Mailed | None) -> None:
    """Write `truth.json` into the data folder."""
    (data / "truth.json").write_text(json.dumps(truth(shop, mailed), indent=2, ensure_ascii=False) + "\n")
