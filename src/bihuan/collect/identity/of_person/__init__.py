"""The question *person's ids*: who somebody is, id by id."""

from __future__ import annotations

from bihuan.collect.identity.of_person.result import OfPerson, headlines_of_person, shape_of_person, table_of_person
from bihuan.collect.identity.of_person.spec import OfPersonSpec
from bihuan.collect.identity.of_person.sql import compile_of_person, reads_of_person
from bihuan.engine.question import Question, no_chart

__all__ = ["PERSON_IDS", "OfPerson", "OfPersonSpec"]

PERSON_IDS: Question[OfPersonSpec, OfPerson] = Question(
    name="person_ids",
    title="Ids of a person",
    purpose="Who somebody is, id by id, with what they did.",
    icon="id",
    group="see",
    spec=OfPersonSpec,
    reads=reads_of_person,
    compile=compile_of_person,
    shape=shape_of_person,
    table=table_of_person,
    chart=no_chart,
    headlines=headlines_of_person,
    example=OfPersonSpec,
    listed=False,
)
