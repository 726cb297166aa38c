"""What a sample of people says of everybody: numbers of customers and what is predicted of all of them are scaled up, after all that is
worked out from those asked."""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

from bihuan.analyse.ltv.result import Cohort, Customers, LtvResult, Prediction, shape_ltv
from bihuan.analyse.ltv.spec import LtvSpec
from bihuan.engine.question import Rows, Scope

C = TypeVar("C", bound=Customers)


def shape_estimated(spec: LtvSpec, scope: Scope, rows: Rows) -> LtvResult:
    result = shape_ltv(spec, scope, rows)
    if spec.sample is None:
        return result
    parts = tuple(_of_everybody(part, spec.sample) for part in result.parts)
    return replace(_of_everybody(result, spec.sample), parts=parts)


def _of_everybody(some: C, sample: float) -> C:
    return replace(
        some,
        cohorts=tuple(_cohort(cohort, sample) for cohort in some.cohorts),
        customers=round(some.customers / sample),
        again=round(some.again / sample),
        prediction=some.prediction and _prediction(some.prediction, sample),
        sample=sample,
    )


def _cohort(cohort: Cohort, sample: float) -> Cohort:
    return replace(cohort, customers=round(cohort.customers / sample), again=round(cohort.again / sample), sample=sample)


def _prediction(found: Prediction, sample: float) -> Prediction:
    return replace(found, purchases=found.purchases / sample, value=found.value / sample, alive=found.alive / sample)
