"""What a purchase is, to the questions about customers: which event, and the property that says what it is worth."""

from __future__ import annotations

import math

from bihuan.engine.filters import Name
from bihuan.engine.meta import SURE, Interval, Warning_, sure
from bihuan.engine.selection import Choosing


class Purchase(Choosing):
    """Any of the chosen events; it is worth `value`, a property with a number."""

    value: Name = "revenue"


def all_spent(spent: float, squares: float, least: float, sample: float | None) -> Interval | None:
    """Where what all customers spent lies, of whom a sample's spent so much together, one of them `least`; `squares` is the sum of the
    square of what each spent. Never below what was seen, unless somebody was given back more than they paid; None without a sample."""
    found = sure(spent, squares, sample)
    return found if found is None or least < 0 else Interval(max(found.low, spent), found.high)


def each_spent(spent: float, squares: float, customers: int, sample: float | None) -> Interval | None:
    """Where the average of all customers lies, of whom a sample's `customers` spent so much together; None of one, who says nothing of how
    much they differ. `squares` is the sum of the square of what each spent."""
    if sample is None or customers < 2:
        return None
    mean = spent / customers
    variance = max(squares - mean * spent, 0) / (customers - 1)
    error = SURE * math.sqrt((1 - sample) * variance / customers)
    return Interval(mean - error, mean + error)


def customers_warning(surely: Interval | None) -> tuple[Warning_, ...]:
    """Of a sample: between which numbers that of all customers lies."""
    if surely is None:
        return ()
    bounds = {"low": round(surely.low), "high": round(surely.high)}
    return (("There are between {low} and {high} customers, with 95 % confidence.", bounds),)
