"""Why a message was not sent: the codes that are stored and reported as events, and what each says to people."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

NO_ADDRESS = "no_address"
INVALID_ADDRESS = "invalid_address"
UNSUBSCRIBED = "unsubscribed"
DUPLICATE_ADDRESS = "duplicate_address"
HOLDOUT = "holdout"
CANCELLED = "cancelled"
BOUNCED = "bounced"
GAVE_UP = "gave_up"
NO_MESSAGE = "no_message"
INTERRUPTED = "interrupted"

TITLES: dict[str, Promise] = {
    NO_ADDRESS: _("No e-mail address"),
    INVALID_ADDRESS: _("The address cannot be used"),
    UNSUBSCRIBED: _("Unsubscribed earlier"),
    DUPLICATE_ADDRESS: _("The address already gets it for another person"),
    HOLDOUT: _("Held out to measure the lift"),
    CANCELLED: _("The campaign was cancelled before"),
    BOUNCED: _("The mail server refused it for good"),
    GAVE_UP: _("Refused for now, again and again"),
    NO_MESSAGE: _("The message could not be written for this person"),
    INTERRUPTED: _("The connection or the worker ended before the server's answer"),
}
