"""SQL: a SELECT of the reader's own over the project's views, and nothing else."""

from __future__ import annotations

from bihuan.analyse.sql.chart import chart_sql
from bihuan.analyse.sql.result import SqlResult, headlines_sql, shape_sql, table_sql
from bihuan.analyse.sql.spec import SqlSpec
from bihuan.analyse.sql.sql import compile_sql, reads_sql
from bihuan.engine.question import Question

EXAMPLE = """SELECT day, count() AS events, uniqExactIf(person, person != 0) AS people
FROM visible
GROUP BY day
ORDER BY day"""

SQL: Question[SqlSpec, SqlResult] = Question(
    name="sql",
    title="SQL",
    purpose="What does a SELECT of my own say?",
    icon="code",
    group="analyse",
    spec=SqlSpec,
    reads=reads_sql,
    compile=compile_sql,
    shape=shape_sql,
    table=table_sql,
    chart=chart_sql,
    headlines=headlines_sql,
    example=lambda: SqlSpec(query=EXAMPLE),
    right="define",
    bounds={
        "max_execution_time": 20,
        "max_memory_usage": 1_000_000_000,
        "max_result_bytes": 50_000_000,
        "max_subquery_depth": 20,
        "max_expanded_ast_elements": 50_000,
    },
)
