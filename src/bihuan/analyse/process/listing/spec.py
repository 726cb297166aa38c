"""What the list of a process' cases asks: the process, and which number of it."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from bihuan.analyse.process.spec import ProcessCell, ProcessSpec

MOST = 1_000


class ProcessCasesSpec(ProcessSpec):
    """The cases of the process that `cell` means, at most `limit` of them."""

    cell: ProcessCell = ProcessCell()
    limit: Annotated[int, Field(ge=1, le=MOST)] = 200
