"""What a sample of people says of everybody: numbers of customers and what they bought for are scaled up, after all that is worked out
from those asked."""

from __future__ import annotations

from dataclasses import replace

from bihuan.analyse.rfm.result import Members, RfmResult, shape_rfm
from bihuan.analyse.rfm.spec import RfmSpec
from bihuan.engine.question import Rows, Scope


def shape_estimated(spec: RfmSpec, scope: Scope, rows: Rows) -> RfmResult:
    result = shape_rfm(spec, scope, rows)
    return result if spec.sample is None else _of_everybody(result, spec.sample)


def _of_everybody(result: RfmResult, sample: float) -> RfmResult:
    def group(one: Members) -> Members:
        beside = one.beside and replace(one.beside, people=round(one.beside.people / sample), shared=round(one.beside.shared / sample))
        return replace(one, customers=round(one.customers / sample), worth=one.worth / sample, beside=beside)

    return replace(
        result,
        customers=round(result.customers / sample),
        groups=tuple(map(group, result.groups)),
        grid={scores: round(customers / sample) for scores, customers in result.grid.items()},
        moves=result.moves and {move: round(customers / sample) for move, customers in result.moves.items()},
        others=round(result.others / sample),
        sample=sample,
    )
