"""Finds templates: each app's `templates` folder, the components, and the pages that live in a question's folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from django.template import Origin
from django_cotton.cotton_loader import Loader as CottonLoader

PACKAGE = Path(__file__).resolve().parent.parent


class Loader(CottonLoader):  # type: ignore[misc]
    """Templates are `.html` (and mails' and errors' `.txt`) only, so that no name, however made, can show a file of code.

    `analyse/funnel/form.html` is the file of that path in the package, unless an app has it in its `templates` folder.
    """

    def get_template_sources(self, template_name: str) -> Iterator[Origin]:
        if not template_name.endswith((".html", ".txt")):
            return
        yield from super().get_template_sources(template_name)
        if ".." not in template_name and template_name.endswith(".html"):
            yield Origin(name=str(PACKAGE / template_name), template_name=template_name, loader=self)
