"""What one question may ask for at most, and what the store's own errors tell: a reader gets a sentence, the log gets the rest."""

from __future__ import annotations

import logging

import pytest
from pydantic import ValidationError

from bihuan.catalog.segment_size import SEGMENT_SIZE, SegmentSizeSpec
from bihuan.engine.errors import EngineError, QuestionError, Unavailable
from bihuan.engine.filters import Any, Did, PersonProperty
from bihuan.engine.store import explain
from bihuan.engine.visible import MOST_VALUES, Binder

REFUSED = "Code: 62. DB::Exception: Cannot parse 'mei@shop.example' near SELECT secret. (SYNTAX_ERROR) (for url http://127.0.0.1:4711)"
FULL_DISK = "Code: 243. DB::Exception: no space in /srv/bihuan/engine/store. (NOT_ENOUGH_SPACE)"


@pytest.mark.parametrize(("text", "kind"), [(REFUSED, EngineError), (FULL_DISK, Unavailable)])
def test_the_words_of_the_store_go_to_the_log_and_not_to_the_reader(text, kind, caplog):
    with caplog.at_level(logging.ERROR):
        error = explain(RuntimeError(text))
    assert isinstance(error, kind)
    for secret in ("mei@shop.example", "127.0.0.1", "SELECT", "/srv/"):
        assert secret not in str(error)
    assert text in caplog.text


def test_too_many_conditions_are_refused_before_the_store_is_asked(scope, engine):
    def asking(number: int) -> SegmentSizeSpec:
        return SegmentSizeSpec(filter=Any(any=tuple(PersonProperty(person=f"p{n}", values=("a",)) for n in range(number))))

    with pytest.raises(QuestionError, match="too many conditions"):
        engine.ask(SEGMENT_SIZE, asking(MOST_VALUES), scope)
    assert engine.ask(SEGMENT_SIZE, asking(40), scope).result.people == 0


def test_a_condition_has_a_bounded_number_of_values():
    with pytest.raises(ValidationError, match="at most 1000"):
        PersonProperty(person="city", values=("x",) * 1_001)


def test_a_statement_binds_no_more_values_than_the_store_bears():
    binder = Binder()
    for number in range(MOST_VALUES):
        binder.bind(number, "UInt64")
    with pytest.raises(QuestionError, match="too many conditions"):
        binder.bind(1, "UInt64")


def test_many_things_done_are_still_one_question(scope, engine):
    spec = SegmentSizeSpec(filter=Any(any=tuple(Did(did=f"event {n}") for n in range(40))))
    assert engine.ask(SEGMENT_SIZE, spec, scope).result.people == 0
