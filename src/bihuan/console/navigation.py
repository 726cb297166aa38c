"""The navigation: the five stages and their pages, and where the reader is in it."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


@dataclass(frozen=True)
class Place:
    """A page that the navigation leads to; `path` is under the project's address, `right` what it takes to be shown it;
    `also` are further pages that belong to it without an entry of their own."""

    title: str | Promise
    path: str
    icon: str
    right: str = "view"
    also: tuple[str, ...] = ()


@dataclass(frozen=True)
class Stage:
    title: str | Promise
    places: tuple[Place, ...]


STAGES = (
    Stage(
        _("Collect"),
        (
            Place(_("Sources"), "sources/", "plug-connected", also=("webhooks/",)),
            Place(_("Imports"), "imports/", "file-import"),
            Place(_("Live"), "live/", "activity", also=("why/",)),
            Place(_("Tracking plan"), "plan/", "clipboard-check"),
            Place(_("Data quality"), "quality/", "gauge"),
            Place(_("Quarantine"), "quarantine/", "shield-lock"),
            Place(_("Identity"), "identity/", "id"),
        ),
    ),
    Stage(
        _("See"),
        (
            Place(_("Boards"), "boards/", "layout-dashboard"),
            Place(_("Trends"), "ask/trend/", "chart-line"),
            Place(_("People"), "people/", "users"),
        ),
    ),
    Stage(
        _("Analyse"),
        (
            Place(_("Funnels"), "ask/funnel/", "filter"),
            Place(_("Retention"), "ask/retention/", "repeat"),
            Place(_("All questions"), "ask/", "zoom-question"),
        ),
    ),
    Stage(
        _("Act"),
        (
            Place(_("Segments"), "segments/", "users-group"),
            Place(_("Campaigns"), "campaigns/", "mail-fast"),
        ),
    ),
    Stage(
        _("Govern"),
        (
            Place(_("Catalog"), "catalog/", "book"),
            Place(_("Metrics"), "metrics/", "target-arrow"),
            Place(_("Settings"), "settings/", "settings"),
        ),
    ),
)


def current(path: str, root: str) -> str:
    """The `path` of the place that a page's address belongs to: the longest that it begins with; "" at home."""
    if not path.startswith(root):
        return ""
    rest = path[len(root) :]
    pages = [(each, place.path) for stage in STAGES for place in stage.places for each in (place.path, *place.also)]
    return next((path for each, path in sorted(pages, key=lambda one: -len(one[0])) if rest.startswith(each)), "")
