"""Messages: what is filled in is data and never code, a header, or a template."""

from __future__ import annotations

import email
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import default

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from bihuan.act.campaigns.addresses import same_key, usable
from bihuan.act.campaigns.message import Tracking, compose, render_message
from bihuan.act.campaigns.spec import Message
from bihuan.act.campaigns.template import links, properties, render, render_html

TRACKING = Tracking("https://b.example", "7-mac")


def message(**changes: str) -> Message:
    values = {"from_name": "Shop", "from_address": "shop@shop.example", "subject": "Hi", "html": "<p>Hi</p>", **changes}
    return Message(**values)


def sent(of: Message, values: dict[str, str], to: str = "ada@mail.example", language: str = "en") -> EmailMessage:
    rendered = render_message(of, language, values, TRACKING)
    at = datetime(2026, 3, 15, tzinfo=UTC)
    raw = compose(of, rendered, to=to, message_id="<u1.7@b.example>", at=at, tracking=TRACKING, campaign="spring")
    assert raw.isascii()
    mail = email.message_from_bytes(raw, policy=default)
    assert isinstance(mail, EmailMessage)
    return mail


def part(mail: EmailMessage, kind: str) -> str:
    body = mail.get_body((kind,))
    assert body is not None
    return str(body.get_content()).replace("\r\n", "\n")


@pytest.mark.parametrize(
    ("text", "values", "reads"),
    [
        ("Hi {{ name }}!", {"name": "Ada"}, "Hi Ada!"),
        ('Hi {{name|default:"friend"}}!', {}, "Hi friend!"),
        ("Hi {{ name | default: 'friend' }}!", {"name": ""}, "Hi friend!"),
        ("Hi {{ name }}!", {}, "Hi !"),
        ("{{ 会员等级 }} {{ first name }}", {"会员等级": "金", "first name": "Ada"}, "金 Ada"),
        ("{{ a }}", {"a": "{{ b }}", "b": "secret"}, "{{ b }}"),
    ],
)
def test_places_are_filled_once_with_a_property_or_with_what_to_say_instead(text: str, values: dict[str, str], reads: str) -> None:
    assert render(text, values) == reads


def test_a_message_names_the_properties_it_needs() -> None:
    assert properties("{{ name }}", '{{ city|default:"x" }} {{ name }} {{ unsubscribe_url }}') == ("name", "city")


@pytest.mark.parametrize("text", ["{{ name|upper }}", "{% load x %}", "{{ name", "{{}}", '{{ name|default:"a }}'])
def test_what_looks_like_a_place_and_is_none_is_refused_when_written(text: str) -> None:
    with pytest.raises(ValidationError, match="is not understood"):
        message(subject=text)


def test_what_is_filled_into_html_is_escaped_and_links_lead_to_the_web_only() -> None:
    page = '<p title="{{ name }}">{{ name }}</p><a href="{{ site }}">x</a><a href="https://s.example/?u={{ name }}">y</a>'
    evil = {"name": '"><script>alert(1)</script>', "site": " JavaScript:alert(1)"}
    done = render_html(page, evil)
    assert "<script" not in done
    assert '"><' not in done.replace('"><a', "").replace('">x<', "").replace('">y<', "").replace('">&quot;', "")
    assert 'href="#"' in done
    assert 'href="https://s.example/?u=&quot;&gt;' in done


@given(st.text())
def test_no_property_can_open_a_tag(value: str) -> None:
    assert render_html("<p>{{ x }}</p>", {"x": value}).count("<") == 2


HEADERS = "From To Subject Date Message-ID List-Unsubscribe List-Unsubscribe-Post X-Campaign MIME-Version Content-Type".split()
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=50)


@given(TEXTS, TEXTS)
def test_no_name_and_no_subject_can_begin_a_header_of_its_own(name: str, sender: str) -> None:
    mail = sent(message(subject="{{ name }}", from_name=sender), {"name": name})
    assert sorted(mail.keys()) == sorted(HEADERS)
    assert mail["From"].addresses[0].addr_spec == "shop@shop.example"


def test_line_breaks_in_names_and_subjects_become_spaces() -> None:
    mail = sent(message(subject="Hi {{ name }}", from_name='A "B"\r\nBcc: all@x.example'), {"name": "Ada\r\nBcc: all@x.example\u2028Cc: b"})
    assert mail["Subject"] == "Hi Ada Bcc: all@x.example Cc: b"
    assert mail["Bcc"] is None
    assert mail["From"].addresses[0].display_name == 'A "B" Bcc: all@x.example'


def test_a_mail_has_two_bodies_and_says_how_to_unsubscribe_in_its_headers_and_at_its_end() -> None:
    mail = sent(
        message(subject="春天来了 🌸", html='<h1>你好</h1><p>看 <a href="https://s.example/a?x=1&amp;y=2">这里</a></p>'),
        {},
        language="zh-hans",
    )
    assert mail.get_content_type() == "multipart/alternative"
    assert mail["Subject"] == "春天来了 🌸"
    assert mail["List-Unsubscribe"] == "<https://b.example/m/u/7-mac>"
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert mail["Message-ID"] == "<u1.7@b.example>"
    page, text = part(mail, "html"), part(mail, "plain")
    assert 'href="https://b.example/m/c/7-mac/0"' in page
    assert 'src="https://b.example/m/o/7-mac.gif"' in page
    assert ">退订</a>" in page
    assert "你好\n\n看 这里 (https://s.example/a?x=1&y=2)" in text
    assert "退订: https://b.example/m/u/7-mac" in text


def test_a_message_with_its_own_unsubscribe_link_gets_no_second_one() -> None:
    mail = sent(message(html='<p>Bye: <a href="{{ unsubscribe_url }}">stop</a></p>'), {})
    assert part(mail, "html").count("/m/u/") == 1
    assert "because you are" not in part(mail, "html")


def test_only_constant_links_are_tracked_each_by_its_number() -> None:
    page = '<a href="https://a.example">1</a><a href=\'https://b.example\'>2</a><a href="https://a.example">3</a><a href="{{ u }}">4</a>'
    assert links(page) == ("https://a.example", "https://b.example")


@pytest.mark.parametrize(
    ("text", "address"),
    [
        (" Ada@Mail.Example ", "Ada@mail.example"),
        ("ada@例子.测试", "ada@xn--fsqu00a.xn--0zwm56d"),
        ("a.b+c@mail.example", "a.b+c@mail.example"),
        ("", None),
        ("ada", None),
        ("ada@mail", None),
        ("a..b@mail.example", None),
        ("艾达@mail.example", None),
        ("a@b.example,c@d.example", None),
        ("a@b.example\r\nBcc: x@y.example", None),
        ("<a@b.example>", None),
        ("a b@c.example", None),
        (f"{'a' * 65}@mail.example", None),
    ],
)
def test_which_texts_are_addresses(text: str, address: str | None) -> None:
    assert usable(text) == address


def test_how_an_address_is_written_does_not_make_it_another() -> None:
    assert same_key("Ada@mail.example") == same_key("ada@mail.example")
