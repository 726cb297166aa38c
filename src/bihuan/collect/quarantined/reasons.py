"""What the reasons of the quarantine are called, and what to do about each."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

# Each reason with what it means and what to do; a reason that is not here is shown as it is.
REASONS: dict[str, tuple[str | Promise, str | Promise]] = {
    "bad_time": (
        _("Impossible time"),
        _("The time is before 2000, more than a day ahead, or not a time. Check the sender's clock and units."),
    ),
    "bad_name": (_("Missing or bad name"), _("An event needs a name of at most 200 characters that does not begin with $.")),
    "bad_type": (_("Unknown kind of call"), _("Calls are track, identify, page, screen, group and alias.")),
    "bad_event": (_("Not an event"), _("A part of it is of the wrong kind; the detail says which.")),
    "bad_id": (_("Bad id"), _("An id is a text or a number of at most 500 characters.")),
    "no_id": (_("Missing id"), _("This call says something about a person and must name them: send userId or anonymousId.")),
    "bad_property": (_("Bad property"), _("A property's name may have at most 200 characters.")),
    "too_many_properties": (_("Too many properties"), _("An event may have 1,000 properties, a person 200 at once.")),
    "too_large": (_("Too large"), _("An event's properties may take at most 256 KB.")),
    "too_deep": (_("Nested too deep"), _("Properties may be nested 20 deep.")),
    "plan": (_("Not as planned"), _("The tracking plan keeps it out: mend the client, mend it here, or change the plan.")),
    "merge_refused": (_("Merge refused"), _("Two identified people are never made one by what a client sends.")),
}
