"""What kinds of mistakes are called."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

KIND_WORDS = {
    "undeclared_event": _("Event not in the plan"),
    "undeclared_property": _("Property not in the plan"),
    "missing": _("Missing"),
    "wrong_type": _("Wrong type"),
    "not_allowed": _("Value not allowed"),
    "bad_pattern": _("Not like the pattern"),
    "out_of_range": _("Out of range"),
}
