"""What the columns of a file mean: given by options or a small YAML file, or guessed where their names are obvious."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from collections.abc import Mapping as Dictionary
from io import StringIO
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from bihuan.collect.events import MAX_NAME
from bihuan.collect.imports.errors import ImportProblem
from bihuan.collect.imports.expressions import Expression, parse
from bihuan.collect.imports.times import Unit

GUESSES: dict[str, tuple[str, ...]] = {
    "event_column": ("event", "eventname", "eventtype", "eventaction", "action", "事件", "事件名", "事件名称"),
    "time": (
        "timestamp",
        "time",
        "eventtime",
        "eventtimestamp",
        "datetime",
        "occurredat",
        "createdat",
        "ts",
        "date",
        "时间",
        "事件时间",
        "日期",
    ),
    "person": ("userid", "customerid", "personid", "memberid", "uid", "distinctid", "openid", "user", "用户id", "用户", "会员id"),
    "anonymous": ("anonymousid", "visitorid", "deviceid", "cookieid", "clientid", "设备id", "访客id"),
    "id": ("messageid", "eventid", "insertid", "eventuuid", "uuid", "事件id"),
    "revenue": ("revenue", "收入"),
}
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
    """Where a property's value comes from: a column, or an expression of columns. `type` text keeps 0042, number reads 42."""

    value: Name
    type: Literal["auto", "text", "number"] = "auto"


class Time(Part):
    """Where the time comes from. `format` is a strptime pattern such as %d/%m/%Y %H:%M, `unit` that of a number since 1970."""

    column: Name
    format: str = ""
    unit: Unit = "auto"


class Mapping(Part):
    """What the columns of a file mean.

    `event` names all events alike, `event_column` each by its column. `person` is the id of who did it, `anonymous` the id of a device or
    browser; neither: nobody. `id` is the event's own id. `properties` are all columns that mean nothing else when it is left out.
    `zone` is that of times without an offset (the project's when left out). `dataset` tells files apart whose equal lines are different
    events. A plain text is enough for `time` and for each of `properties`.
    """

    event: Annotated[str, Field(max_length=MAX_NAME)] = ""
    event_column: str = ""
    time: Time
    person: str = ""
    anonymous: str = ""
    id: str = ""
    revenue: str = ""
    properties: dict[Name, Property] | None = None
    zone: Annotated[str, AfterValidator(_zone)] = ""
    encoding: str = ""
    delimiter: Annotated[str, Field(max_length=1)] = ""
    dataset: str = ""

    @model_validator(mode="before")
    @classmethod
    def _short_forms(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        data = dict(data)
        if isinstance(data.get("time"), str):
            data["time"] = {"column": data["time"]}
        given = data.get("properties")
        if isinstance(given, dict):
            data["properties"] = {str(name): {"value": value} if isinstance(value, str) else value for name, value in given.items()}
        elif isinstance(given, list):
            data["properties"] = {str(name): {"value": str(name)} for name in given}
        return data

    @model_validator(mode="after")
    def _one_name(self) -> Mapping:
        if bool(self.event) == bool(self.event_column):
            raise ValueError("Give either event (one name for all) or event_column (the column that names each).")
        return self

    def used(self) -> set[str]:
        """The columns that mean something besides properties."""
        named = {self.event_column, self.time.column, self.person, self.anonymous, self.id, self.revenue}
        return {name for name in named if name}

    def yaml(self) -> str:
        """The mapping as the YAML file that would give it."""
        from ruamel.yaml import YAML

        data = self.model_dump(exclude_defaults=True)
        if set(data["time"]) == {"column"}:
            data["time"] = data["time"]["column"]
        if self.properties is not None:
            data["properties"] = {
                name: found.value if found.type == "auto" else found.model_dump() for name, found in self.properties.items()
            }
        out = StringIO()
        writer = YAML()
        writer.width = 1000
        writer.dump(data, out)
        return out.getvalue()


def read_mapping(text: str) -> dict[str, Any]:
    """What a YAML mapping file says, not yet checked. Raises ImportProblem with the line that is wrong."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        data = YAML(typ="safe", pure=True).load(text)
    except YAMLError as error:
        raise ImportProblem("The mapping is not YAML: {why}", why=error) from error
    if not isinstance(data, dict):
        raise ImportProblem("The mapping must be a YAML list of `what: column`, such as `time: created_at`.")
    return data


def make_mapping(given: Dictionary[str, Any], columns: Sequence[str], *, guess: bool) -> tuple[Mapping, dict[str, str]]:
    """The mapping for a file with these columns, and which of it was guessed. Raises ImportProblem that says what is missing or wrong."""
    data = {name: value for name, value in given.items() if value not in (None, "")}
    guessed = _guesses(data, columns) if guess else {}
    data |= guessed
    if not data.get("event") and not data.get("event_column"):
        raise ImportProblem(
            "Which events are these? Name them all (event), or name the column that does (event_column). The file has: {columns}.",
            columns=_names(columns),
        )
    if not data.get("time"):
        raise ImportProblem("Which column says when it happened (time)? The file has: {columns}.", columns=_names(columns))
    try:
        mapping = Mapping.model_validate(data)
    except ValidationError as error:
        raise ImportProblem("The mapping is wrong: {why}", why=_why(error)) from error
    check(mapping, columns)
    return mapping, guessed


def check(mapping: Mapping, columns: Sequence[str]) -> None:
    """Raises ImportProblem when the mapping names a column that the file does not have."""
    known = set(columns)
    plain = {"event_column": mapping.event_column, "time": mapping.time.column, "person": mapping.person, "anonymous": mapping.anonymous}
    plain["id"] = mapping.id
    for what, name in plain.items():
        if name and name not in known:
            raise ImportProblem(
                "The mapping's {what} is “{name}”, but the file has no such column. The file has: {columns}.",
                what=what,
                name=name,
                columns=_names(columns),
            )
    values = {f"properties.{name}": found.value for name, found in (mapping.properties or {}).items()}
    if mapping.revenue:
        values["revenue"] = mapping.revenue
    for what, text in values.items():
        for name in (text,) if text in known else parse(text).names:
            if name not in known:
                raise ImportProblem(
                    "The mapping's {what} is “{name}”, but the file has no such column. The file has: {columns}.",
                    what=what,
                    name=name,
                    columns=_names(columns),
                )


def source_of(text: str, columns: Iterable[str]) -> str | Expression:
    """A column's own name wins; anything else is an expression."""
    return text if text in columns else parse(text)


def property_name(column: str) -> str:
    """What a column is called as a property when nobody says: its name, without the object that only holds properties."""
    return NESTED.sub("", column)[:MAX_NAME]


def _guesses(data: Dictionary[str, Any], columns: Sequence[str]) -> dict[str, str]:
    plain: dict[str, str] = {}
    for column in columns:
        plain.setdefault(re.sub(r"[\W_]", "", column).lower(), column)
    taken = {str(value) for value in data.values() if isinstance(value, str)}
    guessed = {}
    for what, names in GUESSES.items():
        if what in data or (what == "event_column" and "event" in data):
            continue
        found = next((plain[name] for name in names if name in plain and plain[name] not in taken), None)
        if found is not None:
            guessed[what] = found
            taken.add(found)
    return guessed


def _names(columns: Sequence[str]) -> str:
    return ", ".join([*columns[:30], *(["…"] if len(columns) > 30 else [])])


def _why(error: ValidationError) -> str:
    found = error.errors()[0]
    place = ".".join(str(part) for part in found["loc"])
    message = str(found["msg"]).removeprefix("Value error, ")
    return f"{place}: {message}" if place else message
