"""From a campaign's message and one person's properties to the e-mail that is sent: headers, text and HTML, tracked links."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from html.parser import HTMLParser

from bihuan.act.campaigns.spec import Message
from bihuan.act.campaigns.template import UNSUBSCRIBE, links, places, render, render_html
from bihuan.act.campaigns.words import FOOTER

_POLICY = SMTP.clone(cte_type="7bit")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")


@dataclass(frozen=True)
class Tracking:
    """The addresses of one message's own pages: its pixel, its unsubscribe page, and `click(n)` for its n-th link."""

    base: str
    token: str

    @property
    def pixel(self) -> str:
        return f"{self.base}/m/o/{self.token}.gif"

    @property
    def unsubscribe(self) -> str:
        return f"{self.base}/m/u/{self.token}"

    def click(self, number: int) -> str:
        return f"{self.base}/m/c/{self.token}/{number}"


@dataclass(frozen=True)
class Rendered:
    """What one person reads."""

    subject: str
    html: str
    text: str


def render_message(message: Message, language: str, values: Mapping[str, str], tracking: Tracking | None = None) -> Rendered:
    """The message for one person. Without `tracking` (a preview), links stay as they are and nothing is counted."""
    unsubscribe = tracking.unsubscribe if tracking else "#"
    known = {**values, UNSUBSCRIBE: unsubscribe}
    numbers = {address: number for number, address in enumerate(links(message.html))}

    def link(address: str) -> str:
        return tracking.click(numbers[address]) if tracking else address

    page = render_html(message.html, known, link)
    text = render(message.text, known) if message.text else as_text(render_html(message.html, known))
    why, word = FOOTER[language]
    if not _mentions(message.html):
        page = _before_end(page, f'<p style="color:#6b7280;font-size:12px">{why} <a href="{html.escape(unsubscribe)}">{word}</a></p>')
    if not _mentions(message.text or message.html):
        text = f"{text.rstrip()}\n\n--\n{why}\n{word}: {unsubscribe}\n"
    if tracking:
        page = _before_end(page, f'<img src="{html.escape(tracking.pixel)}" width="1" height="1" alt="">')
    return Rendered(one_line(render(message.subject, known)), page, text)


def compose(message: Message, rendered: Rendered, *, to: str, message_id: str, at: datetime, tracking: Tracking, campaign: str) -> bytes:
    """The e-mail as bytes for SMTP. Nothing that a person or an operator wrote can begin a header of its own."""
    mail = EmailMessage(_POLICY)
    mail["From"] = Address(one_line(message.from_name), addr_spec=message.from_address)
    mail["To"] = Address(addr_spec=to)
    if message.reply_to:
        mail["Reply-To"] = Address(addr_spec=message.reply_to)
    mail["Subject"] = rendered.subject
    mail["Date"] = format_datetime(at)
    mail["Message-ID"] = message_id
    mail["List-Unsubscribe"] = f"<{tracking.unsubscribe}>"
    mail["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    mail["X-Campaign"] = one_line(campaign)
    mail.set_content(rendered.text)
    mail.add_alternative(rendered.html, subtype="html")
    return mail.as_bytes()


def one_line(text: str) -> str:
    """The text without line breaks and control characters, as a header must be."""
    return " ".join(_CONTROL.sub(" ", text).split())[:500]


def as_text(page: str) -> str:
    """HTML as plain text: paragraphs apart, the addresses of links after their words."""
    reader = _Text()
    reader.feed(page)
    reader.close()
    lines = [" ".join(line.split()) for line in "".join(reader.parts).split("\n")]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip() + "\n"


class _Text(HTMLParser):
    BLOCKS = frozenset("p div br h1 h2 h3 h4 h5 h6 li tr table ul ol hr section article header footer blockquote".split())
    SILENT = frozenset("style script head title".split())

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._silent = 0
        self._href = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in self.BLOCKS:
            self.parts.append("\n")
        self._silent += tag in self.SILENT
        if tag == "a":
            self._href = dict(attrs).get("href") or ""

    def handle_endtag(self, tag: str) -> None:
        if tag in self.BLOCKS:
            self.parts.append("\n")
        self._silent -= tag in self.SILENT and self._silent > 0
        if tag == "a" and self._href.startswith("http"):
            self.parts.append(f" ({self._href})")
            self._href = ""

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.parts.append(re.sub(r"\s+", " ", data))


def _mentions(text: str) -> bool:
    return any(place.name == UNSUBSCRIBE for place in places(text))


def _before_end(page: str, addition: str) -> str:
    head, end, tail = page.rpartition("</body>")
    return f"{head}{addition}{end}{tail}" if end else f"{page}{addition}"
