"""The words of identity: kinds of rows, rules and types of ids, for readers."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

KINDS = {
    "link": (_("Linked"), "azure"),
    "merge": (_("Merged"), "purple"),
    "unbind": (_("Id taken from its person"), "orange"),
    "undo": (_("Undone"), "secondary"),
    "redo": (_("Done again"), "secondary"),
    "allow": (_("May link again"), "secondary"),
    "propose": (_("Merge proposed"), "yellow"),
    "dismiss": (_("Proposal dismissed"), "secondary"),
    "keep": (_("Kept apart"), "secondary"),
    "shared": (_("Shared device"), "orange"),
    "many": (_("Many devices"), "orange"),
    "full": (_("Too many devices"), "red"),
}
STATES = {
    "holds": _("holds"),
    "apart": _("holds"),
    "undone": _("undone"),
    "open": _("to be decided"),
    "confirmed": _("confirmed"),
    "dismissed": _("dismissed"),
}
WHY = {
    "identify": _("came with this user id"),
    "alias": _("a client called it an earlier id"),
    "ids": _("came together in one event"),
    "both_identified": _("a client called them one person, but both are identified"),
    "first_person": _("the device belongs to the person who was first to log in on it"),
    "shared_after": _("it has met more people than a device may"),
    "many_devices": _("it has more devices than usual"),
    "unbind": _("a client took it from its person"),
}
TYPES = {
    "user": _("user id"),
    "anonymous": _("anonymous id"),
    "cookie": _("cookie"),
    "device": _("device"),
    "email": _("e-mail"),
    "phone": _("phone"),
    "openid": "openid",
    "unionid": "unionid",
}
WHICH = (
    ("all", _("All entries")),
    ("links", _("Links")),
    ("merges", _("Merges")),
    ("undone", _("Undone and decided")),
    ("proposals", _("Proposals")),
    ("open", _("Open proposals")),
    ("shared", _("Shared devices")),
    ("devices", _("Many devices")),
    ("unbound", _("Taken from a person")),
)
