"""Forms and addresses as specs: `steps.0.event=Order&period.last=30` is the nested document of a pydantic model, and back."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from django.http import QueryDict
from django.utils.translation import gettext
from pydantic import BaseModel, ValidationError

M = TypeVar("M", bound=BaseModel)

DEEPEST = 40
LONGEST_PLACE = 9  # digits
DEEPEST_MISTAKE = 120  # steps of a mistake's place; a filter's level takes two
MOST_MISTAKES = 300
NEVER_SPEC = frozenset({"csrfmiddlewaretoken"})


def parse_dotted(data: QueryDict | Iterable[tuple[str, str]], *, ignore: Collection[str] = ()) -> dict[str, Any]:
    """The nested document that dotted names stand for. Empty values are dropped; whole numbers are places in a list, whose gaps
    close; a name that ends in `[]`, or comes twice, is a list. A name deeper than any spec is left out."""
    pairs = [(name, value) for name, values in data.lists() for value in values] if isinstance(data, QueryDict) else list(data)
    tree: dict[str, Any] = {}
    for name, value in pairs:
        head = name.partition(".")[0]
        if value == "" or head in NEVER_SPEC or head in ignore or name.count(".") > DEEPEST:
            continue
        _put(tree, name.removesuffix("[]").split("."), value, many=name.endswith("[]"))
    return {name: _lists(part) for name, part in tree.items()}


def whole(text: str) -> int | None:
    """The number that an address gives, None when it is none or too long to be one of ours."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= LONGEST_PLACE else None


def to_dotted(spec: BaseModel | Mapping[str, Any], *, defaults: bool = False) -> list[tuple[str, str]]:
    """The dotted names and values of a spec, in order; fields that have their default are left out unless `defaults`."""
    if isinstance(spec, BaseModel):
        full = spec.model_dump(mode="json", by_alias=True, exclude_none=True)
        spec = (
            full if defaults else _with_items(spec.model_dump(mode="json", by_alias=True, exclude_defaults=True, exclude_none=True), full)
        )
    return list(_flat(spec, ""))


def _with_items(sparse: Any, full: Any) -> Any:
    """`sparse` (without defaults), but an item of a list that is nothing but defaults is written in full: it would not be there at all."""
    if isinstance(sparse, dict):
        return {name: _with_items(value, full[name]) for name, value in sparse.items()}
    if isinstance(sparse, list):
        return [_with_items(one, whole) if one != {} else whole for one, whole in zip(sparse, full, strict=True)]
    return sparse


def validated(model: type[M], document: Mapping[str, Any]) -> tuple[M | None, dict[str, str]]:
    """The spec that `document` stands for, or what is wrong with it: a sentence for each dotted place ('' for the whole)."""
    try:
        return model.model_validate(document), {}
    except ValidationError as error:
        return None, errors_by_place(error, document)


def errors_by_place(error: ValidationError, document: Mapping[str, Any]) -> dict[str, str]:
    """Each mistake as a sentence in the reader's language, at the dotted place of the document where it is."""
    return likeliest_by_place(error.errors(include_url=False), document)


def likeliest_by_place(errors: Iterable[Any], document: Any) -> dict[str, str]:
    """The same for mistakes as pydantic lists them. Of a union's choices, only the one that fits best is told of."""
    listed = list(errors)
    if any(len(one["loc"]) > DEEPEST_MISTAKE for one in listed):  # to compare so many choices would take minutes
        return {"": gettext("This is nested too deep.")}
    found: dict[str, str] = {}
    for one in _likeliest(_first_hand(listed[:MOST_MISTAKES]), document):
        found.setdefault(place(one["loc"], document), explain(one))
    return found


def _first_hand(errors: Sequence[Any]) -> list[Any]:
    """Without lists that are too short only because what is in them is wrong."""
    inside = {tuple(one["loc"][:length]) for one in errors for length in range(len(one["loc"]))}
    return [one for one in errors if one["type"] != "too_short" or tuple(one["loc"]) not in inside]


def place(loc: Sequence[int | str], document: Any) -> str:
    """The dotted place of a pydantic location. What is in the location but not in the document names a choice of a union: left out."""
    parts: list[str] = []
    here = document
    for index, part in enumerate(loc):
        if isinstance(here, Mapping) and part in here:
            here = here[str(part)]
        elif isinstance(here, Sequence) and not isinstance(here, str) and isinstance(part, int) and part < len(here):
            here = here[part]
        elif index < len(loc) - 1 or not isinstance(here, Mapping) or str(part)[:1].isupper() or not str(part).isidentifier():
            continue
        parts.append(str(part))
    return ".".join(parts)


def explain(error: Any) -> str:
    """One mistake that pydantic found, as a sentence."""
    values = dict(error.get("ctx", {}))
    match error["type"]:
        case "missing":
            return gettext("This is needed.")
        case "extra_forbidden":
            return gettext("There is no such field here.")
        case "literal_error" | "enum":
            return gettext("Choose one of: {choices}.").format(choices=values["expected"])
        case "int_parsing" | "int_type" | "int_from_float":
            return gettext("This must be a whole number.")
        case "float_parsing" | "float_type" | "finite_number":
            return gettext("This must be a number.")
        case "bool_parsing" | "bool_type":
            return gettext("This must be yes or no.")
        case "date_from_datetime_parsing" | "date_parsing" | "date_type":
            return gettext("This must be a day, like 2026-11-21.")
        case "greater_than_equal":
            return gettext("This must be at least {limit}.").format(limit=values["ge"])
        case "greater_than":
            return gettext("This must be more than {limit}.").format(limit=values["gt"])
        case "less_than_equal":
            return gettext("This must be at most {limit}.").format(limit=values["le"])
        case "less_than":
            return gettext("This must be less than {limit}.").format(limit=values["lt"])
        case "string_too_short":
            return gettext("This must not be empty.")
        case "string_too_long":
            return gettext("This may have at most {limit} characters.").format(limit=values["max_length"])
        case "too_short":
            return gettext("There must be at least {limit}.").format(limit=values["min_length"])
        case "too_long":
            return gettext("There may be at most {limit}.").format(limit=values["max_length"])
        case "value_error":
            return gettext(str(values["error"]))
        case _:
            return str(error["msg"])


def _put(tree: dict[str, Any], path: list[str], value: str, *, many: bool) -> None:
    here = tree
    for part in path[:-1]:
        below = here.setdefault(part, {})
        if not isinstance(below, dict):
            return  # a plain value stands where a branch would be: the plain one is judged by the spec
        here = below
    last = path[-1]
    if isinstance(here.get(last), dict):
        return
    if many or last in here:
        before = here.get(last, [])
        here[last] = [*(before if isinstance(before, list) else [before]), value]
    else:
        here[last] = value


def _lists(part: Any) -> Any:
    if not isinstance(part, dict):
        return part
    inner = {name: _lists(value) for name, value in part.items()}
    if inner and all(whole(name) is not None for name in inner):
        return [inner[name] for name in sorted(inner, key=int)]
    return inner


def _flat(part: Any, path: str) -> Iterable[tuple[str, str]]:
    if isinstance(part, Mapping):
        for name, value in part.items():
            yield from _flat(value, f"{path}.{name}" if path else str(name))
    elif isinstance(part, list | tuple):
        for number, value in enumerate(part):
            yield from _flat(value, f"{path}.{number}")
    elif part is not None:
        yield path, "true" if part is True else "false" if part is False else _plain(part)


def _plain(value: Any) -> str:
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _likeliest(errors: list[Any], document: Any, level: int = 0) -> list[Any]:
    """Of a union, pydantic reports the mistakes of every choice. Keep those of the choice that fits best, from the outermost union in."""
    best: dict[str, list[Any]] = {}
    for (at, choice), group in _by_choice(errors, document, level).items():
        kept = _likeliest(group, document, level + 1) if choice else group
        if at not in best or _misfit(kept) < _misfit(best[at]):
            best[at] = kept
    return [one for group in best.values() for one in group]


def _by_choice(errors: list[Any], document: Any, level: int) -> dict[tuple[str, str], list[Any]]:
    """Mistakes by where their union number `level` is and which choice of it they are about; without one, each stands for itself."""
    groups: dict[tuple[str, str], list[Any]] = {}
    for number, one in enumerate(errors):
        choices = _choices(one["loc"], document)
        key = choices[level] if level < len(choices) else (f"#{number}", "")
        groups.setdefault(key, []).append(one)
    return groups


def _choices(loc: Sequence[int | str], document: Any) -> list[tuple[str, str]]:
    """The unions on the way of a location: where each is, and which choice the location takes."""
    here, path, found = document, "", []
    for part in loc:
        if isinstance(here, Mapping) and part in here:
            here = here[str(part)]
        elif isinstance(here, Sequence) and not isinstance(here, str) and isinstance(part, int) and part < len(here):
            here = here[part]
        elif str(part)[:1].isupper() or not str(part).isidentifier():
            found.append((path, str(part)))
            continue
        path = f"{path}.{part}"
    return found


def _misfit(group: list[Any]) -> tuple[int, int]:
    weight = {"missing": 1, "extra_forbidden": 2, "model_type": 2, "dict_type": 2}
    return sum(weight.get(one["type"], 0) for one in group), len(group)
