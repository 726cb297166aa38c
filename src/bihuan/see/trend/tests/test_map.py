"""The map of a trend: what is which place, what is none, and what the page is told to draw."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from bihuan.engine.ask import Engine
from bihuan.engine.question import Scope
from bihuan.see.trend import TREND
from bihuan.see.trend.places import atlas_of, provinces, world
from bihuan.see.trend.spec import TrendSpec


class Plain:
    zone, currency = "UTC", ""

    def __init__(self, language: str = "en") -> None:
        self.language = language

    def say(self, msgid: str, **values: Any) -> str:
        return msgid.format(**values)

    def counted(self, one: str, several: str, count: int, **values: Any) -> str:
        return self.say(one if count == 1 else several, count=count, **values)

    def show(self, value: Any, kind: str) -> str:
        return f"{value} {kind}"


def by(measure: str = "events", **more: Any) -> TrendSpec:
    value = {
        "series": [{"event": "Order", "measure": measure}],
        "period": {"since": "2026-03-01", "until": "2026-03-10"},
        "breakdown": [{"property": "where"}],
        "look": "map",
    }
    return TrendSpec.model_validate(value | more)


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("cn", "中国"), ("CHN", "中国"), ("Mainland China", "中国"), ("中国", "中国"), ("u.s.a.", "美国"),
        ("United States", "美国"), ("Viet Nam", "越南"),
        ("Hong Kong", "中国香港"), ("香港", "中国香港"),
        ("TW", "中国台湾"), ("台湾", "中国台湾"), ("Singapore", "新加坡"), ("Kosovo", "科索沃"),
    ],
)  # fmt: skip
def test_a_country_is_known_by_its_names_and_codes(written, name):
    place = world().find(written)
    assert place
    assert place.chinese == name


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("广东省", "广东"), ("Guangdong Province", "广东"), ("GD", "广东"), ("CN-GD", "广东"), ("上海市", "上海"),
        ("广西壮族自治区", "广西"),
        ("Guangxi Zhuang Autonomous Region", "广西"), ("Xinjiang Uyghur Autonomous Region", "新疆"), ("内蒙古自治区", "内蒙古"),
        ("shaanxi", "陕西"),
        ("Shanxi", "山西"), ("香港特别行政区", "香港"), ("台湾省", "台湾"), ("Macau", "澳门"), ("Tibet", "西藏"), ("Xizang", "西藏"),
    ],
)  # fmt: skip
def test_a_province_is_known_with_and_without_what_it_is(written, name):
    place = provinces().find(written)
    assert place
    assert place.chinese == name


def test_every_province_level_unit_has_a_tile_of_its_own():
    assert len(provinces().places) == 34
    assert len({place.at for place in provinces().places.values()}) == 34
    assert {"台湾", "香港", "澳门"} <= {place.chinese for place in provinces().places.values()}


def test_every_country_has_a_shape_or_a_position_and_a_name_of_its_own():
    file = Path(__file__).resolve().parents[3] / "console" / "static" / "vendor" / "world-atlas-2.0.2" / "countries-110m.json"
    shapes = {one.get("id", one["properties"]["name"]) for one in json.loads(file.read_text())["objects"]["countries"]["geometries"]}
    assert {place.english for place in world().places.values() if (place.code in shapes) == (place.at is not None)} == set()
    for language in ("en", "zh-hans"):
        assert len({place.name(language) for place in world().places.values()}) == len(world().places)


def test_the_map_is_the_one_that_knows_more_of_the_values():
    assert atlas_of(["CN", "US", "台湾"]) is world()
    assert atlas_of(["广东", "Hong Kong", "atlantis"]) is provinces()
    assert atlas_of([]) is world()


def test_a_map_needs_one_breakdown():
    with pytest.raises(ValidationError, match="one breakdown"):
        by(breakdown=[])
    with pytest.raises(ValidationError, match="one breakdown"):
        by(breakdown=[{"property": "a"}, {"property": "b"}])


@pytest.fixture
def orders(write, first_person):
    write(
        (first_person + 0, "Order", "2026-03-01 09:00", {"where": "CN"}),
        (first_person + 0, "Order", "2026-03-02 09:00", {"where": "China"}),
        (first_person + 1, "Order", "2026-03-02 09:00", {"where": "CN"}),
        (first_person + 2, "Order", "2026-03-02 09:00", {"where": "Singapore"}),
        (first_person + 3, "Order", "2026-03-03 09:00", {"where": "Atlantis"}),
        (first_person + 4, "Order", "2026-03-03 09:00", {}),
    )


def drawn(engine: Engine, scope: Scope, spec: TrendSpec, language: str = "en") -> tuple[Any, dict[str, Any]]:
    answer = engine.ask(TREND, spec, scope)
    option = TREND.chart(answer.result, Plain(language))
    assert option
    return answer, option


def test_events_of_one_place_add_up_and_nothing_is_dropped_in_silence(engine, scope, orders):
    answer, option = drawn(engine, scope, by())
    data = {one["name"]: one for one in option["series"][0]["data"]}
    assert {name: one["value"] for name, one in data.items()} == {"China": 3, "Singapore": 1}
    assert data["Singapore"]["cell"] == {"series": 0, "part": "Singapore"}
    assert "cell" not in data["China"]  # of two values together nobody can be listed
    assert option["map"]["dots"] == {"Singapore": (103.8, 1.4)}
    assert option["map"]["names"]["156"] == "China"
    said = {msgid: values for msgid, values in answer.warnings if "map" in msgid}
    assert said == {
        "{count} values are no place on the map: {values}.": {"count": 1, "values": "Atlantis"},
        "What has no value of the breakdown is not on the map: {number}.": {"number": 1},
    }
    assert {row[0] for row in answer.table.rows} >= {"CN", "China", "Singapore", "Atlantis"}


def test_people_of_one_place_do_not_add_up(engine, scope, orders):
    answer, option = drawn(engine, scope, by("people"), "zh-hans")
    assert {one["name"]: one["value"] for one in option["series"][0]["data"]} == {"中国": 2, "新加坡": 1}
    assert any("say the same place" in msgid and values == {"values": "China"} for msgid, values in answer.warnings)


def test_a_map_asks_for_more_values_than_the_greatest(engine, scope, write, first_person):
    write(
        *(
            (first_person + number, "Order", "2026-03-02 09:00", {"where": place.english})
            for number, place in enumerate(provinces().places.values())
        )
    )
    _, option = drawn(engine, scope, by(top=3), "zh-hans")
    assert len([one for one in option["series"][0]["data"] if one["value"] == 1]) == 34
    assert option["map"]["tiles"]["台湾"] == (8.0, 6.0)
    assert option["series"][0]["data"][0]["label"] == {"show": True, "formatter": "新疆"}


def test_where_nothing_is_a_place_bars_are_shown(engine, scope, write, first_person):
    write((first_person + 0, "Order", "2026-03-02 09:00", {"where": "Atlantis"}))
    _, option = drawn(engine, scope, by())
    assert "map" not in option
