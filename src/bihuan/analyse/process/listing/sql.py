"""The list of a process' cases as one statement, the longest first."""

from __future__ import annotations

from bihuan.analyse.process.cases import cases_sql
from bihuan.analyse.process.listing.spec import ProcessCasesSpec
from bihuan.analyse.process.sql import is_of
from bihuan.engine.question import Scope, Statement
from bihuan.engine.visible import Binder


def compile_cases(spec: ProcessCasesSpec, scope: Scope) -> Statement:
    """A row for each case, with the number of all."""
    binder = Binder()
    cases = cases_sql(spec, scope, binder)
    case = "case_id" if spec.case == "property" else "''"
    sql = f"""
WITH {cases}
SELECT
  {case} AS id, if(empty(people), 0, arrayMin(people)) AS one, begin, duration, complete,
  arrayMap(code -> (SELECT names FROM names)[code + 1], codes) AS trail, count() OVER () AS total
FROM cases
WHERE {is_of(spec, spec.cell, binder)}
ORDER BY duration DESC, begin, case_id
LIMIT {binder.bind(spec.limit, "UInt32")}
"""
    return Statement(sql, binder.params)
