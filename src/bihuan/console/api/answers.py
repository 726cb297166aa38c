"""An answer as the API gives it: JSON with its headlines, or the table alone as Arrow, Parquet or CSV."""

from __future__ import annotations

from typing import Any

from bihuan.console.tables import to_arrow_stream, to_csv, to_json_rows, to_parquet
from bihuan.engine.question import Answer, Question

# format -> (content type, ending of a file's name, writer)
FILES = {
    "csv": ("text/csv; charset=utf-8", "csv", to_csv),
    "parquet": ("application/vnd.apache.parquet", "parquet", to_parquet),
    "arrow": ("application/vnd.apache.arrow.stream", "arrow", to_arrow_stream),
}


def as_document(question: Question[Any, Any], answer: Answer[Any]) -> dict[str, Any]:
    """The answer as a JSON document; a notebook makes the same result of it as of the answer itself."""
    return {
        "question": question.name,
        "columns": [
            {"name": column.name, "title": column.title.format(**column.values), "kind": column.kind} for column in answer.table.columns
        ],
        "rows": to_json_rows(answer.table),
        "headlines": [
            {
                "title": headline.title.format(**headline.values),
                "value": _number(headline.value),
                "kind": headline.kind,
                "change": _number(headline.change),
            }
            for headline in question.headlines(answer.result)
        ],
        "meta": {
            "asked_at": answer.asked_at.isoformat(),
            "fresh_to": answer.fresh_to.isoformat() if answer.fresh_to else None,
            "seconds": round(answer.seconds, 6),
            "rows_read": answer.rows_read,
            "from_cache": answer.from_cache,
            "used": [{"kind": each.kind, "key": each.key, "revision": each.revision} for each in answer.used],
            "sample": answer.sample,
            "warnings": [msgid.format(**values) for msgid, values in answer.warnings],
        },
    }


def _number(value: Any) -> Any:
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
        return None
    return value if value is None or isinstance(value, str | int | float) else str(value)
