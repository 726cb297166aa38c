"""Shapes spare work and change nothing: rows made with them are the rows made without."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from bihuan.collect.events import Event, canonical, canonical_props
from bihuan.collect.properties import spans
from bihuan.collect.rows import ROW, money, row
from bihuan.collect.shapes import shape_of
from bihuan.engine.schema import COLUMNS

NAMES = st.sampled_from([*COLUMNS, "revenue", "a", "Z", "price", "中", "x\ud800", "n" * 200]) | st.text(max_size=3)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**65), 2**65)
    | st.floats()
    | st.sampled_from([1.0, -0.0, 1e16, 2.0**53, "中\ud800"])
    | st.text(),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=2), inner, max_size=2),
    max_leaves=4,
)
AT = 1_767_196_800_000


@given(st.dictionaries(NAMES, VALUES, max_size=6))
def test_a_row_holds_what_a_look_at_each_property_finds(props: dict[str, Any]) -> None:
    found = dict(zip(ROW, row(Event(project_id=1, key="k", source="s", at=AT, name="Seen", props=props), AT), strict=True))
    revenue = money(props.get("revenue"))
    others = {name: value for name, value in props.items() if name not in COLUMNS and (name != "revenue" or revenue is None)}
    assert found["props"] == canonical_props(others)
    assert found["revenue"] == revenue
    for name in COLUMNS:
        value = props.get(name)
        if value is None:
            assert found[name] == ""
        elif not isinstance(value, str):
            assert found[name] == canonical(value)[:1_000]


def test_shapes_tell_names_and_types_apart_and_nothing_else() -> None:
    one, same, other = shape_of(1, "Seen", {"a": 1}), shape_of(1, "Seen", {"a": 2}), shape_of(1, "Seen", {"a": "1"})
    assert one is same
    assert one is not other
    assert spans([one, other, same], [5, 6, 4]) == {one: (4, 5), other: (6, 6)}
