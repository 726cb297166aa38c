"""A condition with its saved segments spelled out, so that it means the same for ever."""

from __future__ import annotations

from collections.abc import Mapping

from bihuan.engine.filters import All, Any, Did, Filter, InSegment, Not
from bihuan.govern.errors import Invalid

DEEPEST = 20


def spelled_out(tree: Filter, segments: Mapping[str, Filter], depth: int = 0) -> Filter:
    """The same condition without references. Invalid when a segment does not exist."""
    if depth > DEEPEST:
        raise Invalid("Conditions are nested more than {depth} deep, or a segment refers to itself.", depth=DEEPEST, where="filter")

    def inner(part: Filter) -> Filter:
        return spelled_out(part, segments, depth + 1)

    match tree:
        case InSegment():
            if tree.segment not in segments:
                raise Invalid("There is no segment “{segment}”; it may have been archived.", segment=tree.segment, where="segment")
            return inner(segments[tree.segment])
        case All():
            return All(all=tuple(map(inner, tree.all)))
        case Any():
            return Any(any=tuple(map(inner, tree.any)))
        case Not():
            return Not(negated=inner(tree.negated))
        case Did():
            return tree.model_copy(update={"where": inner(tree.where)}) if tree.where else tree
    return tree
