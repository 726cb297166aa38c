"""From the spec of SQL to its one statement: what was written, once it is known to be safe."""

from __future__ import annotations

from bihuan.analyse.sql.guard import safe
from bihuan.analyse.sql.spec import SqlSpec
from bihuan.engine.periods import Period
from bihuan.engine.question import Scope, Statement
from bihuan.engine.visible import Binder


def reads_sql(spec: SqlSpec, scope: Scope) -> Period:
    return scope.period(spec.period)


def compile_sql(spec: SqlSpec, scope: Scope) -> Statement:
    binder = Binder()
    return Statement(safe(spec.query, scope, binder), binder.params)
