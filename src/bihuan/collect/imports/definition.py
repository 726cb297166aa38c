"""What an import definition says: where rows come from, what they mean, how it goes on and when it runs."""

from __future__ import annotations

import hashlib
import json
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from bihuan.collect.imports.mapping import KINDS
from bihuan.collect.imports.schedules import Schedule

KIND = "import"


class ImportSpec(BaseModel):
    """Rows of `query` (databases) or of the files at `path` (S3, the web) of the connection with the key `connection`.

    `mapping` says what the columns mean, `kind` what a row is. With `cursor`, a column that only grows such as updated_at or an id, a run
    reads what has come since the one before, and `overlap` more: seconds of a time, so much of a number. Credentials are the connection's.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    connection: Annotated[str, Field(min_length=1, max_length=100)]
    query: Annotated[str, Field(max_length=20_000)] = ""
    path: Annotated[str, Field(max_length=1_000)] = ""
    format: Literal["", "csv", "tsv", "jsonl", "parquet"] = ""
    mapping: dict[str, Any]
    cursor: Annotated[str, Field(max_length=200)] = ""
    overlap: Annotated[float, Field(ge=0, le=31_536_000)] = 0
    schedule: Schedule = Schedule()

    @model_validator(mode="after")
    def _mapping_is_one(self) -> ImportSpec:
        kind = str(self.mapping.get("kind", "events"))
        if kind not in KINDS:
            raise ValueError(f"There is no kind of data called “{kind}”.")
        try:
            KINDS[kind].model_validate(self.mapping)
        except ValidationError as error:
            found = error.errors()[0]
            place = ".".join(str(part) for part in found["loc"])
            message = str(found["msg"]).removeprefix("Value error, ")
            raise ValueError(f"{place}: {message}" if place else message) from error
        return self

    @property
    def kind(self) -> str:
        return str(self.mapping.get("kind", "events"))

    def origin(self) -> str:
        """Stands for what the cursor is of: another query, path or connection begins anew."""
        return hashlib.sha256(json.dumps([self.connection, self.query, self.path, self.cursor]).encode()).hexdigest()
