"""The navigation: the five stages and their pages, and where the reader is in it."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


@dataclass(frozen=True)
class Place:
    """A page that the navigation leads to; `path` is under the project's address, `right` what it takes to be shown it."""

    title: str | Promise
    path: str
    icon: str
    right: str = "view"


@dataclass(frozen=True)
class Stage:
    title: str | Promise
    places: tuple[Place, ...]


STAGES = (
    Stage(
        _("Collect"),
        (
            Place(_("Live"), "live/", "activity"),
            Place(_("Sources"), "sources/", "plug-connected"),
            Place(_("Imports"), "imports/", "file-import"),
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
    paths = sorted((place.path for stage in STAGES for place in stage.places), key=len, reverse=True)
    return next((each for each in paths if rest.startswith(each)), "")
