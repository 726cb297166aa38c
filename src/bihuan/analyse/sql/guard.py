"""Makes a SELECT that somebody wrote safe to run: understood whole, every word of it allowed, and written anew.

The store never gets what was typed. sqlglot parses it; each node must be of a kind that is listed here, each table one of the views, each
function one that only computes. Then the tree is written out again without comments, every name in quotes and every text a bound value, and
what was written is checked once more as text. So it does not matter where sqlglot and the store read quotes or comments differently:
there are none left. Whatever is not understood is refused.
"""

from __future__ import annotations

import logging
import re
from functools import cache
from typing import Any, ClassVar

from bihuan.analyse.sql.allowed import TELLS_IDS, TYPES, VIEWS, may_stand_before_bracket
from bihuan.engine.errors import QuestionError
from bihuan.engine.question import Scope
from bihuan.engine.visible import Binder

MOST_ROWS = 1_000
DEEPEST = 60
NAME = re.compile(r"(?!bound__)[^\W\d_]\w{0,99}")
NUMBER = re.compile(r"\d{1,30}(\.\d{1,30})?(e[+-]?\d{1,3})?", re.IGNORECASE)
CALLED = re.compile(r'("[^"]*"|\w+)\s*\(')
STRUCTURE = (
    *("Select", "Union", "Subquery", "CTE", "With", "From", "Join", "Where", "PreWhere", "Group", "Having", "Qualify", "Order"),
    *("Ordered", "Limit", "Offset", "Distinct", "Table", "TableAlias", "Column", "Identifier", "Alias", "Star", "Paren", "Tuple"),
    *("Array", "Bracket", "Lambda", "Window", "WindowSpec", "Literal", "Null", "Boolean", "Var", "Interval", "Cast", "TryCast"),
    *("DataType", "DataTypeParam", "Case", "If", "Anonymous", "AnonymousAggFunc", "CombinedAggFunc", "ParameterizedAgg"),
    *("CombinedParameterizedAgg", "Slice", "DotProduct", "Any", "All", "Exists"),
)
OPERATORS = (
    *("And", "Or", "Not", "Xor", "EQ", "NEQ", "GT", "GTE", "LT", "LTE", "Is", "In", "Between", "Like", "ILike", "RegexpLike"),
    *("Add", "Sub", "Mul", "Div", "IntDiv", "Mod", "Neg", "DPipe", "NullSafeEQ"),
)
# Names of the store's own tables, and of the CTEs that stand before every statement: nobody may call something else by them.
_OWN = re.compile(
    r"system|information_schema|default|visible|history|traits|ids|id_numbers|identity|kept|seen|measured|quarantine|outcomes|violations|"
    r"refus|events|person|people_kept|properties_seen|metric_values|plan_violations|trait_history|scope",
    re.IGNORECASE,
)
WHERE = "query"


def safe(query: str, scope: Scope, binder: Binder) -> str:
    """The statement to run for `query`: at most `MOST_ROWS` + 1 rows. Raises QuestionError for whatever is not allowed."""
    tree = _parsed(query)
    _check(tree, scope)
    return _written(_bounded(tree), binder)


def _parsed(query: str) -> Any:
    import sqlglot
    from sqlglot import exp

    logging.getLogger("sqlglot").setLevel(logging.ERROR)  # what it does not understand is refused, which is said to the reader
    if query.count("(") + query.count("[") > 500 or _depth(query) > DEEPEST:
        raise QuestionError("This query is nested too deep.", where=WHERE)
    try:
        found = [one for one in sqlglot.parse(query, read=_plain()) if one is not None]
    except (sqlglot.errors.SqlglotError, RecursionError, ValueError) as error:
        why = "" if isinstance(error, RecursionError) else " ".join(re.sub(r"\x1b\[\d*m", "", str(error)).split())[:200]
        raise QuestionError("The query is not understood: {why}", why=why, where=WHERE) from error
    if len(found) != 1:
        raise QuestionError("Write one SELECT, not several statements.", where=WHERE)
    if not isinstance(found[0], exp.Select | exp.Union):
        raise QuestionError("Only a SELECT can be asked: begin with SELECT or WITH.", where=WHERE)
    return found[0]


@cache
def _plain() -> Any:
    """ClickHouse's language, with every function as it was written instead of what sqlglot knows it to mean elsewhere."""
    from sqlglot.dialects.clickhouse import ClickHouse

    class Plain(ClickHouse):  # type: ignore[misc]
        class Parser(ClickHouse.Parser):  # type: ignore[misc]
            FUNCTIONS: ClassVar[dict[str, Any]] = {}

    return Plain


def _depth(text: str) -> int:
    deepest = depth = 0
    for letter in text:
        depth += (letter in "([") - (letter in ")]")
        deepest = max(deepest, depth)
    return deepest


def _check(tree: Any, scope: Scope) -> None:
    """Every node of a kind that is allowed; every name, table and value as it may be."""
    from sqlglot import exp

    allowed = tuple(getattr(exp, name) for name in (*STRUCTURE, *OPERATORS) if hasattr(exp, name))
    own = {cte.alias for cte in tree.find_all(exp.CTE)}
    for name in own:
        if _OWN.match(name):
            raise QuestionError("“{name}” is a name of Bihuan's own; call it otherwise.", name=name, where=WHERE)
    for node in tree.walk():
        if type(node) not in allowed and not isinstance(node, exp.Func):
            raise _refused(type(node).__name__)
        match node:
            case exp.Table():
                _check_table(node, own, scope)
            case exp.Identifier():
                if not NAME.fullmatch(str(node.this)):
                    raise QuestionError("“{name}” cannot be a name here.", name=str(node.this)[:50], where=WHERE)
            case exp.Column():
                if not isinstance(node.this, exp.Identifier | exp.Star) or node.args.get("db") or node.args.get("catalog"):
                    raise _refused(node.sql("clickhouse")[:50])
            case exp.In():
                _check_in(node)
            case exp.Var():
                if not re.fullmatch(r"[A-Za-z]{1,20}", str(node.this)):
                    raise _refused(str(node.this)[:50])
            case exp.DataType():
                if isinstance(node.this, str) or any(word.lower() not in TYPES for word in re.findall(r"[A-Za-z]\w*", _type(node))):
                    raise _refused(_type(node)[:50])
            case exp.Select() | exp.Union():
                _check_select(node)
            case exp.With():
                if node.args.get("recursive"):
                    raise _refused("WITH RECURSIVE")
            case exp.Literal():
                if not node.is_string and not NUMBER.fullmatch(str(node.this)):
                    raise _refused(str(node.this)[:50])


def _check_table(node: Any, own: set[str], scope: Scope) -> None:
    from sqlglot import exp

    if not isinstance(node.this, exp.Identifier):
        raise QuestionError("Table functions cannot be used here.", where=WHERE)
    extra = {key for key, value in node.args.items() if value} - {"this", "alias", "joins"}
    if extra:
        raise QuestionError(
            "There is no view “{name}” here; the views are: {views}.", name=node.sql()[:80], views=_views(scope), where=WHERE
        )
    name = str(node.this.this)
    if name not in own and (name not in VIEWS or (name == TELLS_IDS and scope.hidden)):
        raise QuestionError("There is no view “{name}” here; the views are: {views}.", name=name[:80], views=_views(scope), where=WHERE)


def _check_in(node: Any) -> None:
    """`x IN name` would read the table of that name: on the right stand values or a SELECT."""
    from sqlglot import exp

    if node.args.get("field") is not None or node.args.get("unnest") is not None or node.args.get("is_global"):
        raise QuestionError("Write IN with values or with a SELECT in brackets.", where=WHERE)
    for one in node.expressions:
        if one.find(exp.Column) is not None or not isinstance(one, exp.Literal | exp.Neg | exp.Tuple | exp.Null | exp.Boolean | exp.Cast):
            raise QuestionError("Write IN with values or with a SELECT in brackets.", where=WHERE)


def _check_select(node: Any) -> None:
    """Only clauses that are known here: no SETTINGS, FORMAT, INTO, locks or hints."""
    known = {
        *("with_", "with", "kind", "expressions", "from_", "from", "joins", "where", "prewhere", "group", "having", "qualify", "order"),
        *("limit", "offset", "distinct", "this", "expression", "by_name", "windows"),
    }
    extra = sorted(key for key, value in node.args.items() if value and key not in known)
    if extra or node.args.get("kind") or node.args.get("windows") or not node.selects:
        raise _refused(", ".join(extra).upper() or "SELECT")


def _bounded(tree: Any) -> Any:
    """At most `MOST_ROWS` rows, and one more that tells that there are others."""
    from sqlglot import exp

    limit = tree.args.get("limit")
    if isinstance(tree, exp.Union) or (limit is not None and limit.expressions):  # LIMIT n BY bounds each group alone
        return exp.select("*").from_(tree.subquery("answers")).limit(MOST_ROWS + 1)
    if limit is None:
        return tree.limit(MOST_ROWS + 1, copy=False)
    number = limit.args.get("expression")
    if not isinstance(limit, exp.Limit) or not isinstance(number, exp.Literal) or not str(number.this).isdecimal():
        raise QuestionError("LIMIT needs a whole number here.", where=WHERE)
    if int(number.this) > MOST_ROWS + 1:
        tree.limit(MOST_ROWS + 1, copy=False)
    return tree


def _written(tree: Any, binder: Binder) -> str:
    """The statement anew: no comments, names in quotes, texts bound; and what would be called, looked at once more."""
    from sqlglot import exp

    bound: dict[str, str] = {}

    def without_text(node: Any) -> Any:
        if not isinstance(node, exp.Literal | exp.RawString) or not node.is_string:
            return node
        text = str(node.this)
        if isinstance(node.parent, exp.Interval) and text.isdecimal():  # sqlglot puts numbers of days into quotes
            return exp.Literal.number(text)
        if text not in bound:
            bound[text] = binder.bind(text, "String")
        name = bound[text][1:].partition(":")[0]
        return exp.Identifier(this=f"bound__{name}", quoted=True)

    written = tree.transform(without_text).sql(dialect="clickhouse", identify=True, comments=False, normalize_functions=False)
    if any(sign in written for sign in ("'", "`", "\\", "--", "/*", ";", "{", "}", "$", "@", "#")):
        raise QuestionError("This query cannot be asked here; write it more simply.", where=WHERE)
    for name in CALLED.findall(written):
        if name.startswith('"') or not may_stand_before_bracket(name):
            raise QuestionError("The function “{name}” cannot be used here.", name=name.strip('"')[:80], where=WHERE)
    return re.sub(r'"bound__(v\d+)"', r"{\1:String}", written)


def _type(node: Any) -> str:
    return str(node.sql("clickhouse"))


def _views(scope: Scope) -> str:
    return ", ".join(name for name in VIEWS if name != TELLS_IDS or not scope.hidden)


def _refused(what: str) -> QuestionError:
    return QuestionError("“{what}” cannot be used here.", what=what, where=WHERE)
