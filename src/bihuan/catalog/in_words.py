"""A filter tree in words, so that nobody has to read the tree to know whom a segment means."""

from __future__ import annotations

from collections.abc import Mapping

from bihuan.catalog.simpler import simpler
from bihuan.engine.filters import All, Any, Did, EventProperty, Filter, InList, InSegment, Not, Op, PersonProperty, Value
from bihuan.engine.question import Reader

OPS: Mapping[Op, str] = {
    "is": "{name} is {values}",
    "is_not": "{name} is not {values}",
    "contains": "{name} contains {values}",
    "not_contains": "{name} does not contain {values}",
    "gt": "{name} is greater than {values}",
    "ge": "{name} is at least {values}",
    "lt": "{name} is less than {values}",
    "le": "{name} is at most {values}",
    "between": "{name} is between {values}",
    "matches": "{name} matches {values}",
    "not_matches": "{name} does not match {values}",
    "has": "{name} has the element {values}",
    "not_has": "{name} does not have the element {values}",
    "is_true": "{name} is true",
    "is_false": "{name} is false",
    "before": "{name} is before {values}",
    "after": "{name} is after {values}",
    "in_last": "{name} is in the last {values} days",
    "older": "{name} is before the last {values} days",
    "set": "{name} is set",
    "not_set": "{name} is not set",
}
DID: Mapping[str, str] = {
    "ge": "did {event} at least {times} times in the last {days} days",
    "le": "did {event} at most {times} times in the last {days} days",
    "eq": "did {event} exactly {times} times in the last {days} days",
}


def in_words(tree: Filter, reader: Reader, names: Mapping[str, str]) -> str:
    """The condition as a phrase in the reader's language; `names` are those of the saved segments by key."""
    match tree:
        case EventProperty():
            return _compared(tree.property, tree.op, tree.values, reader)
        case PersonProperty():
            text = _compared(tree.person, tree.op, tree.values, reader)
            return reader.say("{condition} when it happened", condition=text) if tree.as_of == "event" else text
        case Did():
            return _did(tree, reader, names)
        case InSegment():
            return reader.say("belongs to “{segment}”", segment=names.get(tree.segment, tree.segment))
        case InList():
            return reader.say("is on the list that was kept ({list})", list=tree.list)
        case Not() if simpler(tree) != tree:
            return in_words(simpler(tree), reader, names)
        case Not():
            return reader.say("not: {condition}", condition=_part(tree.negated, reader, names))
        case All():
            return reader.say(" and ").join(_part(one, reader, names) for one in tree.all) or reader.say("everybody")
        case Any():
            return reader.say(" or ").join(_part(one, reader, names) for one in tree.any) or reader.say("no people")


def _part(tree: Filter, reader: Reader, names: Mapping[str, str]) -> str:
    text = in_words(tree, reader, names)
    several = (isinstance(tree, All) and len(tree.all) > 1) or (isinstance(tree, Any) and len(tree.any) > 1)
    return reader.say("({condition})", condition=text) if several else text


def _did(tree: Did, reader: Reader, names: Mapping[str, str]) -> str:
    event = reader.say(" or ").join((tree.did, *(choice.event for choice in tree.also)))
    values = {"event": event, "times": tree.times, "days": tree.days}
    if (tree.op, tree.times) == ("ge", 1):
        text = reader.say("did {event} in the last {days} days", event=event, days=tree.days)
    elif tree.op != "ge" and tree.times == 0:
        text = reader.say("did not do {event} in the last {days} days", event=event, days=tree.days)
    else:
        text = reader.say(DID[tree.op], **values)
    return reader.say("{condition} (where {where})", condition=text, where=in_words(tree.where, reader, names)) if tree.where else text


def _compared(name: str, op: Op, values: tuple[Value, ...], reader: Reader) -> str:
    joined = reader.say(" and ") if op == "between" else reader.say(" or ")
    bare = op in ("in_last", "older", "between")  # numbers, whatever a form made of them
    written = joined.join(f"“{value}”" if isinstance(value, str) and not bare else _written(value, reader) for value in values)
    return reader.say(OPS[op], name=name, values=written)


def _written(value: Value, reader: Reader) -> str:
    return value if isinstance(value, str) else reader.show(value, "number")
