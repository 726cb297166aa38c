"""Every question that there is: the registry behind the pages, the API, boards, exports and notebooks."""

from __future__ import annotations

from typing import Any

from bihuan.act.questions import QUESTIONS as ACT
from bihuan.analyse.questions import QUESTIONS as ANALYSE
from bihuan.catalog.questions import QUESTIONS as CATALOG
from bihuan.collect.questions import QUESTIONS as COLLECT
from bihuan.engine.behind import behind
from bihuan.engine.question import Question
from bihuan.govern.errors import NotFound
from bihuan.see.questions import QUESTIONS as SEE

_ASKED: tuple[Question[Any, Any], ...] = (*SEE, *ANALYSE, *ACT, *CATALOG, *COLLECT)
ALL: tuple[Question[Any, Any], ...] = (*_ASKED, *(behind(question) for question in _ASKED if question.people))
_BY_NAME = {question.name: question for question in ALL}


def by_name(name: str) -> Question[Any, Any]:
    """The question with this name; NotFound when there is none."""
    if name not in _BY_NAME:
        raise NotFound("There is no question called “{name}”.", name=name)
    return _BY_NAME[name]


def listed() -> tuple[Question[Any, Any], ...]:
    """The questions that people choose from, in order."""
    return tuple(question for question in ALL if question.listed)
