"""What a purchase is, to the questions about customers: which event, and the property that says what it is worth."""

from __future__ import annotations

from bihuan.engine.filters import Name
from bihuan.engine.selection import Choosing


class Purchase(Choosing):
    """Any of the chosen events; it is worth `value`, a property with a number."""

    value: Name = "revenue"
