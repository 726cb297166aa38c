"""`{% collector_trouble %}`: the banner that says why events are being refused, on every page that shows what arrives."""

from __future__ import annotations

from typing import Any

from django import template

from bihuan.collect.health import in_words, trouble
from bihuan.collect.said import in_words as in_words_of
from bihuan.engine.config import Config

register = template.Library()

register.filter("in_words", in_words_of)


@register.inclusion_tag("collect/trouble.html", takes_context=True)
def collector_trouble(context: Any) -> dict[str, str]:
    """Nothing while events are taken."""
    found = trouble(Config.from_env())
    return {"text": in_words(found, context["member"].project.timezone) if found is not None else ""}
