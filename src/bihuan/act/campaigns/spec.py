"""The document of a campaign: to whom, what, what for, and how many are held out."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from bihuan.act.campaigns.addresses import usable
from bihuan.act.campaigns.template import mistakes
from bihuan.act.lift.spec import Goal
from bihuan.engine.filters import EVERYTHING, All, Filter, InSegment

# What the form says, in the reader's language.
NOT_AN_ADDRESS = "This is not an e-mail address."
NOT_A_PLACE = 'Something between {{ and }} is not understood. Write {{ name }} or {{ name|default:"friend" }}.'
NO_GOAL = "A campaign needs a goal: an event, or a metric."
NO_ZONE = "The time of sending needs its time zone."


class Message(BaseModel):
    """An e-mail with places for person properties (`campaigns.template`). An empty `text` is made from `html`."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    from_name: Annotated[str, Field(max_length=100)] = ""
    from_address: Annotated[str, Field(min_length=3, max_length=254)]
    reply_to: Annotated[str, Field(max_length=254)] = ""
    subject: Annotated[str, Field(min_length=1, max_length=300)]
    html: Annotated[str, Field(min_length=1, max_length=200_000)]
    text: Annotated[str, Field(max_length=200_000)] = ""

    @field_validator("from_address", "reply_to")
    @classmethod
    def _is_an_address(cls, value: str) -> str:
        address = usable(value) if value.strip() else ""
        if address is None:
            raise ValueError(NOT_AN_ADDRESS)
        return address

    @field_validator("subject", "html", "text")
    @classmethod
    def _is_understood(cls, value: str) -> str:
        if mistakes(value):
            raise ValueError(NOT_A_PLACE)
        return value


class CampaignSpec(BaseModel):
    """One message to the people of `segment` of whom `filter` is true, measured by `goal` (or `metric`) within `window` days.

    `holdout` is the share of reachable people who get nothing; `send_at` (aware) is when it starts, at once when None; `address` the
    person property with the e-mail address; `language` that of the words that Bihuan adds to the message.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", serialize_by_alias=True)
    segment: Annotated[str, Field(min_length=1, max_length=100)] | None = None
    filter: Filter = EVERYTHING
    message: Message
    goal: Goal | None = None
    metric: Annotated[str, Field(min_length=1, max_length=100)] | None = None
    window: Annotated[int, Field(ge=1, le=365)] = 14
    holdout: Annotated[float, Field(ge=0, le=0.9)] = 0.10
    send_at: datetime | None = None
    address: Annotated[str, Field(min_length=1, max_length=200)] = "email"
    language: Literal["en", "zh-hans"] = "en"

    @model_validator(mode="after")
    def _has_one_goal(self) -> CampaignSpec:
        if (self.goal is None) == (self.metric is None):
            raise ValueError(NO_GOAL)
        if self.send_at is not None and self.send_at.tzinfo is None:
            raise ValueError(NO_ZONE)
        return self

    @property
    def audience(self) -> Filter:
        """Everybody it is for, as one condition."""
        return All(all=(InSegment(segment=self.segment), self.filter)) if self.segment else self.filter
