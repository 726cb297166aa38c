"""The question *person*: who somebody is and what they did, one by one."""

from __future__ import annotations

from bihuan.engine.question import Question, no_chart
from bihuan.see.person.result import PersonResult, headlines_person, shape_person, table_person
from bihuan.see.person.spec import PersonSpec
from bihuan.see.person.sql import compile_person, reads_person

PERSON: Question[PersonSpec, PersonResult] = Question(
    name="person",
    title="Person",
    purpose="Who somebody is, and what they did, one by one.",
    icon="user",
    group="see",
    spec=PersonSpec,
    reads=reads_person,
    compile=compile_person,
    shape=shape_person,
    table=table_person,
    chart=no_chart,
    headlines=headlines_person,
    example=lambda: PersonSpec(person=1),
    listed=False,
)
