"""Each person's events in order, by way of heaps of many people's events.

A list for each of hundreds of thousands of people is touched at random, event by event, and every touch waits for memory. An event is
appended instead to one of a few hundred heaps with its person's number to its left. A heap is sorted as a whole, in the processor's cache,
and cut where the person changes. Measured: docs/decisions/0010-heaps.md.
"""

from __future__ import annotations

from dataclasses import dataclass

PERSON_BITS = 32
FEWEST_BITS = 8  # 256 heaps: fewer are sorted slower, more are appended to slower


@dataclass(frozen=True)
class Heaps:
    """How a person and an event's number lie in 64 bits: a heap is of all people with the same last `heap_bits` bits of their number; to
    the left of the event's `number_bits` is the rest of the person's. Both are SQL for constants."""

    number_bits: str
    heap_bits: str

    @classmethod
    def of(cls, number_bits: int | str) -> Heaps:
        """As few heaps as leave room for the person; an event's number has `number_bits` bits (a number, or SQL for one), at most 63: a
        heap is of two people then."""
        if isinstance(number_bits, int):
            return cls(str(number_bits), str(max(FEWEST_BITS, PERSON_BITS + number_bits - 64)))
        return cls(number_bits, f"greatest({FEWEST_BITS}, {number_bits} - {64 - PERSON_BITS})")

    def sorted_sql(self, number: str, rows: str) -> str:
        """SELECT (heap, sorted): all events of a heap in the order of their persons, each one's in order. `number` is SQL for the UInt64 of
        an event of `rows` (a FROM clause with WHERE)."""
        owned = f"bitShiftLeft(toUInt64(bitShiftRight(person, {self.heap_bits})), {self.number_bits}) + {number}"
        return f"""
    SELECT bitAnd(person, bitShiftLeft(toUInt64(1), {self.heap_bits}) - 1) AS heap, arraySort(groupArray({owned})) AS sorted
    {rows}
    GROUP BY heap"""

    def cut_sql(self, name: str, cut: str, number: str, rows: str) -> str:
        """SELECT (heap, `name`): pieces of that, cut before each event where `cut` (SQL) says so of it, `one`, and the event `before`."""
        return f"""
  SELECT heap, arrayJoin(arraySplit((one, before) -> {cut}, sorted, arrayShiftRight(sorted, 1))) AS {name}
  FROM ({self.sorted_sql(number, rows)}
  )"""

    @property
    def another(self) -> str:
        """SQL: `one` is another person's than `before`."""
        return f"bitShiftRight(bitXor(one, before), {self.number_bits}) != 0"

    def owner(self, one: str) -> str:
        """SQL for the person of an event (SQL) of a heap."""
        return f"toUInt32(bitShiftLeft(bitShiftRight({one}, {self.number_bits}), {self.heap_bits}) + heap)"

    def number(self, one: str) -> str:
        """SQL for its number."""
        return f"bitAnd({one}, bitShiftLeft(toUInt64(1), {self.number_bits}) - 1)"
