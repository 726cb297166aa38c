"""What a purchase is, to the questions about customers: which event, and the property that says what it is worth."""

from __future__ import annotations

from bihuan.engine.filters import Name
from bihuan.engine.meta import Interval, sure
from bihuan.engine.selection import Choosing


class Purchase(Choosing):
    """Any of the chosen events; it is worth `value`, a property with a number."""

    value: Name = "revenue"


def all_spent(spent: float, squares: float, least: float, sample: float | None) -> Interval | None:
    """Where what all customers spent lies, of whom a sample's spent so much together, one of them `least`; `squares` is the sum of the
    square of what each spent. Never below what was seen, unless somebody was given back more than they paid; None without a sample."""
    found = sure(spent, squares, sample)
    return found if found is None or least < 0 else Interval(max(found.low, spent), found.high)
