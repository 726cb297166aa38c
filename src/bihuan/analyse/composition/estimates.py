"""What a sample of people says of everybody: numbers of people and sums are scaled up, after all that is worked out from those asked."""

from __future__ import annotations

from dataclasses import replace

from bihuan.analyse.composition.result import CompositionResult, Part, shape_composition
from bihuan.analyse.composition.spec import CompositionSpec
from bihuan.engine.question import Rows, Scope


def shape_estimated(spec: CompositionSpec, scope: Scope, rows: Rows) -> CompositionResult:
    result = shape_composition(spec, scope, rows)
    return result if spec.sample is None else _of_everybody(result, spec.sample)


def _of_everybody(result: CompositionResult, sample: float) -> CompositionResult:
    def number(value: float | None) -> float | None:
        return value if value is None or result.measure != "sum" else value / sample

    def part(one: Part) -> Part:
        beside = one.beside and replace(
            one.beside,
            people=round(one.beside.people / sample),
            shared=round(one.beside.shared / sample),
            number=number(one.beside.number),
        )
        return replace(
            one,
            people=round(one.people / sample),
            base_people=round(one.base_people / sample),
            shared=round(one.shared / sample),
            number=number(one.number),
            base_number=number(one.base_number),
            beside=beside,
        )

    properties = tuple(
        replace(
            one,
            people=round(one.people / sample),
            base_people=round(one.base_people / sample),
            parts=tuple(map(part, one.parts)),
        )
        for one in result.properties
    )
    return replace(
        result,
        people=round(result.people / sample),
        base_people=round(result.base_people / sample),
        shared=round(result.shared / sample),
        other_people=round(result.other_people / sample),
        parts=tuple(map(part, result.parts)),
        properties=properties,
        whole=number(result.whole),
        base_whole=number(result.base_whole),
        other_whole=number(result.other_whole),
        sample=sample,
    )
