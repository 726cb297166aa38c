"""The statement of the overview of identity."""

from __future__ import annotations

from bihuan.collect.identity.sizes.spec import SizesSpec
from bihuan.engine.periods import Last, Period
from bihuan.engine.question import Scope, Statement
from bihuan.engine.visible import Binder


def reads_sizes(spec: SizesSpec, scope: Scope) -> Period:
    """No events at all."""
    return scope.period(Last(last=1))


def compile_sizes(spec: SizesSpec, scope: Scope) -> Statement:
    """Rows of (part, name, number, count): `people` by how many ids they have (a power of two at least), `identified` people, `ids` by
    type, and `junk` ids with how many others their person has."""
    binder = Binder()
    junk = binder.bind(list(spec.junk), "Array(String)")
    return Statement(
        f"""
WITH sizes AS (SELECT person, count() AS ids, max(id_type = 'user') AS identified FROM ids WHERE person != 0 GROUP BY person)
SELECT part, name, number, count FROM (
SELECT 'people' AS part, '' AS name, toUInt64(exp2(floor(log2(ids)))) AS number, count() AS count FROM sizes GROUP BY number
UNION ALL
SELECT 'identified', '', toUInt64(0), countIf(identified) FROM sizes
UNION ALL
SELECT 'ids', toString(id_type), toUInt64(0), count() FROM ids GROUP BY id_type
UNION ALL
SELECT 'junk', concat(toString(id_type), ':', id), toUInt64(number), s.ids - 1
FROM id_numbers INNER JOIN sizes AS s ON s.person = id_numbers.person
WHERE lowerUTF8(id) IN {junk} AND s.ids > 1
)
ORDER BY part, number, name""".strip(),
        binder.params,
    )
