"""A query that somebody wrote, made safe to be read in parts: one SELECT, wrapped so that rows come in the order of their cursor."""

from __future__ import annotations

from bihuan.collect.imports.errors import ImportProblem

DIALECTS = {"postgresql": "postgres", "mysql": "mysql", "mariadb": "mysql", "sqlite": "sqlite", "clickhouse": "clickhouse"}


def one_select(query: str, dialect: str) -> str:
    """The query without a semicolon at its end. Raises ImportProblem when it is anything but one statement that reads."""
    import sqlglot
    from sqlglot import exp

    text = query.strip().rstrip(";").strip()
    if not text:
        raise ImportProblem("Write the query whose rows are to be imported.")
    try:
        found = [one for one in sqlglot.parse(text, read=DIALECTS.get(dialect)) if one is not None]
    except sqlglot.errors.SqlglotError as error:
        raise ImportProblem("The query is not understood: {why}", why=" ".join(str(error).split())[:300]) from error
    if len(found) != 1:
        raise ImportProblem("Write one query, not several.")
    writes = (exp.Insert, exp.Update, exp.Delete, exp.Create, exp.Drop, exp.Alter, exp.Merge, exp.Command, exp.Into)
    if not isinstance(found[0], exp.Query) or any(found[0].find_all(*writes)):
        raise ImportProblem("Only a query that reads can be imported: begin with SELECT or WITH.")
    return text
