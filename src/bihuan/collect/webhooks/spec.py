"""What a webhook's definition holds: how its sender proves who it is, and which event becomes of what it posts. Never a secret."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from bihuan.collect.events import ID_TYPE, MAX_NAME
from bihuan.collect.webhooks.expressions import LONGEST, parsed

_HEADER = r"^[A-Za-z0-9-]{1,100}$"
_SIGNED = re.compile(r"(?:[^{}]|\{(?:body|timestamp|id)\})*")


def _readable(text: str) -> str:
    parsed(text)  # raises BadExpression, a ValueError
    return text


def _type(text: str) -> str:
    if not ID_TYPE.fullmatch(text):
        raise ValueError("A type of id has small letters, digits and _ only.")
    return text


Expr = Annotated[str, Field(min_length=1, max_length=LONGEST), AfterValidator(_readable)]
MaybeExpr = Annotated[str, Field(max_length=LONGEST), AfterValidator(lambda text: _readable(text) if text else text)]
Name = Annotated[str, Field(min_length=1, max_length=MAX_NAME)]
Header = Annotated[str, Field(pattern=_HEADER)]
MaybeHeader = Annotated[str, Field(pattern=rf"{_HEADER}|^$")]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", serialize_by_alias=True, populate_by_name=True)


class Signature(_Part):
    """How the sender proves that it is the one.

    `hmac`: the header `header` holds the HMAC of `signed` with the secret, after `prefix`; `list` is a header such as
    `t=1773000000,v1=…`, whose time is `timestamp`. `token`: the header holds the secret itself. `address`: the address holds it.
    A `timestamp` (of the header `timestamp_header`) may differ by at most `tolerance` seconds from the time now.
    """

    method: Literal["hmac", "token", "address"] = "hmac"
    header: MaybeHeader = "X-Signature"
    prefix: Annotated[str, Field(max_length=50)] = ""
    hash: Literal["sha256", "sha1", "sha512"] = "sha256"
    encoding: Literal["hex", "base64"] = "hex"
    form: Literal["plain", "list"] = "plain"
    signed: Annotated[str, Field(min_length=1, max_length=100)] = "{body}"
    key: Literal["text", "base64"] = "text"
    timestamp_header: MaybeHeader = ""
    tolerance: Annotated[int, Field(ge=10, le=86_400)] = 300

    @model_validator(mode="after")
    def _whole(self) -> Signature:
        if self.method != "address" and not self.header:
            raise ValueError("Say which header holds it.")
        if self.method == "hmac":
            if not _SIGNED.fullmatch(self.signed) or "{body}" not in self.signed:
                raise ValueError("What is signed must have {body} in it, and may have {timestamp} and {id}.")
            if "{timestamp}" in self.signed and self.form == "plain" and not self.timestamp_header:
                raise ValueError("Say which header holds the time that is signed.")
        return self


class Condition(_Part):
    """True when what `from` finds `is` one of `values` (`is_not` none of them), or is there at all (`exists`, `missing`)."""

    from_: Annotated[Expr, Field(alias="from")]
    op: Literal["is", "is_not", "exists", "missing"] = "is"
    values: Annotated[tuple[Annotated[str, Field(max_length=500)], ...], Field(max_length=100)] = ()

    @model_validator(mode="after")
    def _compares(self) -> Condition:
        if self.op in ("is", "is_not") and not self.values:
            raise ValueError("Say with what to compare.")
        return self


class Named(_Part):
    """A property of this name is what `from` finds; without anything found, there is none."""

    name: Name
    from_: Annotated[Expr, Field(alias="from")]


class TypedId(_Part):
    """An id of the person, of this type."""

    type: Annotated[str, AfterValidator(_type)]
    from_: Annotated[Expr, Field(alias="from")]


class WebhookSpec(_Part):
    """What becomes of a delivery: an event for each item of the list `for_each` (without it: one) of which all of `only_when` is true.

    `id` is the event's key: the same counts once. Without it, the header `delivery_header` is, or else the content. `all_of` is an object
    all of whose members become properties, which `properties` add to.
    """

    signature: Signature = Signature()
    delivery_header: MaybeHeader = ""
    for_each: MaybeExpr = ""
    only_when: Annotated[tuple[Condition, ...], Field(max_length=20)] = ()
    event: Expr
    id: MaybeExpr = ""
    time: MaybeExpr = ""
    user: MaybeExpr = ""
    anonymous: MaybeExpr = ""
    ids: Annotated[tuple[TypedId, ...], Field(max_length=20)] = ()
    all_of: MaybeExpr = ""
    properties: Annotated[tuple[Named, ...], Field(max_length=200)] = ()
    person: Annotated[tuple[Named, ...], Field(max_length=100)] = ()
