"""The question *people*: who was here, or who has this id, name or e-mail."""

from __future__ import annotations

from bihuan.engine.question import Question, no_chart
from bihuan.see.people.result import PeopleResult, headlines_people, shape_people, table_people
from bihuan.see.people.spec import PeopleSpec
from bihuan.see.people.sql import compile_people, reads_people

PEOPLE: Question[PeopleSpec, PeopleResult] = Question(
    name="people",
    title="People",
    purpose="Who was here lately, or who has this id, name or e-mail.",
    icon="users",
    group="see",
    spec=PeopleSpec,
    reads=reads_people,
    compile=compile_people,
    shape=shape_people,
    table=table_people,
    chart=no_chart,
    headlines=headlines_people,
    example=PeopleSpec,
    listed=False,
)
