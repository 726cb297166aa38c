"""What the columns of a file or table mean: one model for each kind of data that can be brought in."""

from __future__ import annotations

import re
from collections.abc import Iterable
from io import StringIO
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from bihuan.collect.events import ID_TYPE, MAX_NAME
from bihuan.collect.imports.expressions import Expression, parse
from bihuan.collect.imports.times import Unit

NESTED = re.compile(r"^(properties|props|event_properties|params)\.")


def _zone(name: str) -> str:
    if name:
        try:
            ZoneInfo(name)
        except (KeyError, ValueError, OSError) as error:
            raise ValueError(f"There is no time zone “{name}”; write it like Asia/Shanghai.") from error
    return name


Name = Annotated[str, Field(min_length=1, max_length=MAX_NAME)]


class Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Property(Part):
    """Where a property's value comes from: a column, or an expression of columns. `type` text keeps 0042, number reads 42 and ¥1,234.50,
    boolean reads yes, no, 是 and 否, time becomes an instant in UTC."""

    value: Name
    type: Literal["auto", "text", "number", "boolean", "time"] = "auto"


class Trait(Property):
    """A property of a person. With `once` it holds only where nothing was set before."""

    once: bool = False


class Time(Part):
    """Where the time comes from. `format` is a strptime pattern such as %d/%m/%Y %H:%M, `unit` that of a number since 1970, or excel for
    days since 1900."""

    column: Name
    format: str = ""
    unit: Unit = "auto"


class AnyMapping(Part):
    """What all kinds have: how times without an offset (`zone`, the project's when left out) and a text file are to be read."""

    kind: str
    zone: Annotated[str, AfterValidator(_zone)] = ""
    encoding: str = ""
    delimiter: Annotated[str, Field(max_length=1)] = ""

    def columns(self) -> dict[str, str]:
        """What is a column and nothing else: which, by what it means; an empty text where it is not given."""
        raise NotImplementedError

    def values(self) -> dict[str, str]:
        """What may be a column or an expression of columns, by what it means."""
        raise NotImplementedError

    def used(self) -> set[str]:
        """The columns that mean something by themselves; all others may be properties or dimensions."""
        return {name for name in self.columns().values() if name}

    def given(self) -> dict[str, Any]:
        """The mapping as a person would write it down."""
        data = self.model_dump(mode="json", exclude_defaults=True)
        time = data.get("time")
        if isinstance(time, dict) and set(time) == {"column"}:
            data["time"] = time["column"]
        return data if self.kind == "events" else {"kind": self.kind, **data}

    def yaml(self) -> str:
        """The same as a YAML file."""
        from ruamel.yaml import YAML

        data = self.given()
        for name in ("properties", "traits", "dimensions"):
            if isinstance(data.get(name), dict):
                data[name] = {
                    key: one["value"] if isinstance(one, dict) and set(one) == {"value"} else one for key, one in data[name].items()
                }
        out = StringIO()
        writer = YAML()
        writer.width = 1000
        writer.dump(data, out)
        return out.getvalue()

    @model_validator(mode="before")
    @classmethod
    def _short_forms(cls, data: Any) -> Any:
        """A plain text is enough for `time` and for each property, trait and dimension; a list names columns that keep their names."""
        if not isinstance(data, dict):
            return data
        data = dict(data)
        if isinstance(data.get("time"), str):
            data["time"] = {"column": data["time"]} if data["time"] else None
        for place in ("properties", "traits", "dimensions"):
            given = data.get(place)
            if isinstance(given, dict):
                data[place] = {str(name): {"value": value} if isinstance(value, str) else value for name, value in given.items()}
            elif isinstance(given, list | tuple):
                data[place] = {str(name): {"value": str(name)} for name in given}
        return data


class Mapping(AnyMapping):
    """Events. `event` names all alike, `event_column` each by its column. `person` is the id of who did it, `anonymous` the id of a device
    or browser; neither: nobody. `id` is the event's own id. `properties` are all columns that mean nothing else when it is left out.
    `dataset` tells files apart whose equal lines are different events."""

    kind: Literal["events"] = "events"
    event: Annotated[str, Field(max_length=MAX_NAME)] = ""
    event_column: str = ""
    time: Time
    person: str = ""
    anonymous: str = ""
    id: str = ""
    revenue: str = ""
    properties: dict[Name, Property] | None = None
    dataset: str = ""

    @model_validator(mode="after")
    def _one_name(self) -> Mapping:
        if bool(self.event) == bool(self.event_column):
            raise ValueError("Give either event (one name for all) or event_column (the column that names each).")
        return self

    def columns(self) -> dict[str, str]:
        named = {"event_column": self.event_column, "time": self.time.column, "person": self.person, "anonymous": self.anonymous}
        return named | {"id": self.id}

    def values(self) -> dict[str, str]:
        found = {f"properties.{name}": one.value for name, one in (self.properties or {}).items()}
        return found | ({"revenue": self.revenue} if self.revenue else {})

    def used(self) -> set[str]:
        return super().used() | ({self.revenue} - {""})


class PersonsMapping(AnyMapping):
    """Properties of persons. `person` is the login id, `anonymous` the id of a device or browser, `ids` further ids by their type (email,
    phone, openid, unionid … or a name of your own): all ids of a row belong to one person. `time` says from when on the values hold, the
    newest wins; without it, the time of the import. `traits` are all columns that mean nothing else when it is left out."""

    kind: Literal["persons"] = "persons"
    person: str = ""
    anonymous: str = ""
    ids: dict[Annotated[str, Field(pattern=f"^{ID_TYPE.pattern}$")], Name] = {}
    time: Time | None = None
    traits: dict[Name, Trait] | None = None

    @model_validator(mode="after")
    def _somebody(self) -> PersonsMapping:
        if not (self.person or self.anonymous or self.ids):
            raise ValueError("Say which column holds the id of the person (person, anonymous or ids).")
        return self

    def columns(self) -> dict[str, str]:
        named = {"person": self.person, "anonymous": self.anonymous, "time": self.time.column if self.time else ""}
        return named | {f"ids.{kind}": column for kind, column in self.ids.items()}

    def values(self) -> dict[str, str]:
        return {f"traits.{name}": one.value for name, one in (self.traits or {}).items()}


class MetricsMapping(AnyMapping):
    """Numbers that are measured elsewhere. `series` names all alike, `series_column` each by its column; `time` is of its day or hour
    (`grain`), `value` the number, a column or an expression. `dimensions` say what the number is about: all columns that mean nothing else
    when it is left out. A later number for the same series, time and dimensions replaces the earlier one."""

    kind: Literal["metrics"] = "metrics"
    series: Annotated[str, Field(max_length=MAX_NAME)] = ""
    series_column: str = ""
    time: Time
    grain: Literal["day", "hour"] = "day"
    value: Name
    dimensions: dict[Name, Property] | None = None

    @model_validator(mode="after")
    def _one_name(self) -> MetricsMapping:
        if bool(self.series) == bool(self.series_column):
            raise ValueError("Give either series (one name for all numbers) or series_column (the column that names each).")
        return self

    def columns(self) -> dict[str, str]:
        return {"series_column": self.series_column, "time": self.time.column}

    def values(self) -> dict[str, str]:
        return {"value": self.value} | {f"dimensions.{name}": one.value for name, one in (self.dimensions or {}).items()}

    def used(self) -> set[str]:
        return super().used() | {self.value}


class CostsMapping(AnyMapping):
    """What channels cost, a row for each day and campaign: the series `cost`, `impressions` and `clicks` with the dimensions channel,
    source, medium, campaign and currency, as far as the columns are there. `currency` is that of all rows (the project's when left out),
    `currency_column` that of each."""

    kind: Literal["costs"] = "costs"
    time: Time
    cost: str = ""
    impressions: str = ""
    clicks: str = ""
    channel: str = ""
    source: str = ""
    medium: str = ""
    campaign: str = ""
    currency: Annotated[str, Field(pattern="^([A-Z]{3})?$")] = ""
    currency_column: str = ""

    @model_validator(mode="after")
    def _something(self) -> CostsMapping:
        if not (self.cost or self.impressions or self.clicks):
            raise ValueError("Say which column holds the cost, the impressions or the clicks.")
        if self.currency and self.currency_column:
            raise ValueError("Give either currency (of all rows) or currency_column (the column that names each).")
        return self

    def columns(self) -> dict[str, str]:
        return {"time": self.time.column, "currency_column": self.currency_column} | {name: getattr(self, name) for name in ABOUT}

    def values(self) -> dict[str, str]:
        return {name: found for name in SPENT if (found := getattr(self, name))}


SPENT = ("cost", "impressions", "clicks")
ABOUT = ("channel", "source", "medium", "campaign")
KINDS: dict[str, type[AnyMapping]] = {"events": Mapping, "persons": PersonsMapping, "metrics": MetricsMapping, "costs": CostsMapping}


def property_name(column: str) -> str:
    """What a column is called as a property when nobody says: its name, without the object that only holds properties."""
    return NESTED.sub("", column)[:MAX_NAME]


def source_of(text: str, columns: Iterable[str]) -> str | Expression:
    """A column's own name wins; anything else is an expression."""
    return text if text in columns else parse(text)
