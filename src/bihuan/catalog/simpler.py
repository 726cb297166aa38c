"""The same condition on people without needless negations: what a form can show as rows, and people can read."""

from __future__ import annotations

from collections.abc import Mapping

from bihuan.engine.filters import All, Any, Did, EventProperty, Filter, Not, Op, PersonProperty

OPPOSITE: Mapping[Op, Op] = {
    "is": "is_not",
    "is_not": "is",
    "contains": "not_contains",
    "not_contains": "contains",
    "matches": "not_matches",
    "not_matches": "matches",
    "has": "not_has",
    "not_has": "has",
    "set": "not_set",
    "not_set": "set",
}


def simpler(tree: Filter) -> Filter:
    """A tree that is true of the same people. (Of events of nobody it may not be: “did not” is about people only.)"""
    match tree:
        case All():
            return All(all=tuple(map(simpler, tree.all)))
        case Any():
            return Any(any=tuple(map(simpler, tree.any)))
        case Not():
            return _negated(simpler(tree.negated))
    return tree


def _negated(tree: Filter) -> Filter:
    match tree:
        case Not():
            return tree.negated
        case Did(op="ge") if tree.times > 0:
            return tree.model_copy(update={"op": "le", "times": tree.times - 1})
        case Did(op="le"):
            return tree.model_copy(update={"op": "ge", "times": tree.times + 1})
        case EventProperty() | PersonProperty() if tree.op in OPPOSITE:
            return tree.model_copy(update={"op": OPPOSITE[tree.op]})
    return Not(negated=tree)
