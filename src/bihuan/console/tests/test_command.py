"""What is shown to be copied."""

from __future__ import annotations

from django.template.loader import render_to_string


def test_a_key_to_copy_has_no_white_space_around_it_and_stays_escaped() -> None:
    shown = render_to_string("govern/secret.html", {"secret": "bw_<1>", "title": "Key", "what": ""})
    assert "<code>bw_&lt;1&gt;</code>" in shown
