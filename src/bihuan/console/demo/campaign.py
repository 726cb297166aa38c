"""The demo's campaigns: one of three weeks ago, really sent and really answered, and a draft to try."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING, Literal, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np

from bihuan.act.campaigns.commands import deliver_all, launch, run_of
from bihuan.act.campaigns.draw import HOLDOUT
from bihuan.act.campaigns.ledger import collector, tell_touches
from bihuan.act.campaigns.smtp import Outlet
from bihuan.act.campaigns.spec import CampaignSpec, Message
from bihuan.act.campaigns.touches import note_clicked, note_opened, unsubscribe
from bihuan.act.lift.spec import Goal
from bihuan.act.models import Delivery, Run, Touch
from bihuan.catalog.definitions import save_definition
from bihuan.console.demo.goods import person_of_email
from bihuan.console.demo.mail import Mail, Mailbox, Sink, smtp_protocol
from bihuan.console.demo.project import LAPSED, NAMES
from bihuan.console.demo.shop import ZONE, Shop
from bihuan.console.demo.truth import Mailed
from bihuan.engine.config import Config
from bihuan.engine.here import engine

if TYPE_CHECKING:
    from bihuan.govern.door import Member

KEY, DRAFT = "autumn-tea", "cart-reminder"
AGO, WINDOW, HOLDOUT_SHARE = 21, 7, 0.2
PACE = timedelta(milliseconds=40)  # of the past campaign's clock, at each look
MOST_PEOPLE = 20_000  # in a larger shop the past campaign would send for hours

LANGUAGES: dict[str, Literal["en", "zh-hans"]] = {"en": "en", "zh": "zh-hans"}
_PAGE = """<html><body style="font-family:sans-serif;color:#1f2937;max-width:34rem;margin:auto;padding:1.5rem">
<p style="letter-spacing:.2em;color:#15803d">{shop}</p><h1 style="font-size:1.4rem">{title}</h1>{text}
<p><a href="https://tea.example.com/{page}" style="background:#15803d;color:#fff;padding:.7rem 1.4rem;border-radius:.4rem;\
text-decoration:none">{button}</a></p></body></html>"""


class Letter(NamedTuple):
    """What a campaign is called and says."""

    name: str
    subject: str
    title: str
    text: str
    page: str
    button: str


AUTUMN = {
    "en": Letter(
        "Autumn tea for those we miss",
        '{{ name|default:"Tea friend" }}, the autumn tea is here',
        "The autumn harvest is here",
        '<p>Dear {{ name|default:"tea friend" }},</p><p>the Tieguanyin of this autumn came in yesterday. For a week it ships to'
        ' {{ city|default:"you" }} free of charge.</p>',
        "autumn",
        "Taste it",
    ),
    "zh": Letter(
        "秋茶上新：唤回老朋友",
        '{{ name|default:"茶友" }}，今年的秋茶到了',
        "秋茶到店",
        '<p>{{ name|default:"茶友" }}，您好！</p><p>今年的秋茶铁观音昨天到店。一周之内，寄往{{ city|default:"您所在的城市" }}免运费。</p>',
        "autumn",
        "去尝尝",
    ),
}
CART = {
    "en": Letter(
        "Cart reminder",
        "Your tea is still in the cart",
        "You left something behind",
        '<p>Dear {{ name|default:"tea friend" }},</p><p>what you chose is still in your cart. We keep it for three days.</p>',
        "cart",
        "Back to the cart",
    ),
    "zh": Letter(
        "加购未下单提醒",
        "您选的茶还在购物车里",
        "您落下了点东西",
        '<p>{{ name|default:"茶友" }}，您好！</p><p>您选的茶还在购物车里，我们为您保留三天。</p>',
        "cart",
        "回到购物车",
    ),
}


def sent_at(shop: Shop) -> datetime | None:
    """When the past campaign was sent; None when the shop is too young or too large for one."""
    if shop.days < AGO + 7 or shop.people > MOST_PEOPLE:
        return None
    return datetime.combine(shop.until - timedelta(days=AGO), time(10), ZoneInfo(ZONE)).astimezone(UTC)


def save_draft(member: Member, shop: Shop) -> None:
    """A campaign that whoever tries the demo can launch."""
    letter = CART[shop.language]
    spec = CampaignSpec(
        segment="carts", message=_message(shop, letter), goal=Goal(event="Order Completed"), window=3, language=LANGUAGES[shop.language]
    )
    save_definition(member=member, kind="campaign", key=DRAFT, name=letter.name, spec=spec, state="draft")


def send_past_campaign(config: Config, member: Member, shop: Shop, smtp_port: int, sent: Callable[[], object]) -> Mailed:
    """Launch the campaign at its time, send it through the real mail server of the demo, and note what came back; `sent` after each mail.

    Safe to call again after a crash: nobody gets it twice.
    """
    at = sent_at(shop)
    assert at is not None
    run = run_of(member, KEY) or _launch(member, shop, at)
    tell = collector(config, patience=60.0)
    with _mail_server(config, smtp_port, at, sent):
        outlet = Outlet(f"smtp://127.0.0.1:{smtp_port}")
        ticks = itertools.count()
        run = deliver_all(run, clock=lambda: at + next(ticks) * PACE, engine=engine(), tell=tell, outlet=outlet, config=config)
        deliver_all(run, clock=lambda: datetime.now(UTC), engine=engine(), tell=tell, outlet=outlet, config=config)
    mailed = _mailed(run, shop, at)
    _note_reactions(run, mailed)
    tell_touches(tell)
    return mailed


def _launch(member: Member, shop: Shop, at: datetime) -> Run:
    letter = AUTUMN[shop.language]
    spec = CampaignSpec(
        segment=LAPSED,
        message=_message(shop, letter),
        goal=Goal(event="Order Completed"),
        window=WINDOW,
        holdout=HOLDOUT_SHARE,
        language=LANGUAGES[shop.language],
    )
    save_definition(member=member, kind="campaign", key=KEY, name=letter.name, spec=spec)
    run = launch(member=member, campaign_key=KEY, now=at, salt=f"tea-{shop.seed}", by_worker=False)
    Run.objects.filter(pk=run.pk).update(created_at=at)
    return run


def _message(shop: Shop, letter: Letter) -> Message:
    name = NAMES[shop.language]
    page = _PAGE.format(shop=name, title=letter.title, text=letter.text, page=letter.page, button=letter.button)
    return Message(from_name=name, from_address="hello@tea.example.com", subject=letter.subject, html=page)


@contextmanager
def _mail_server(config: Config, port: int, at: datetime, sent: Callable[[], object]) -> Iterator[None]:
    """The demo's mailbox, taking mails at the time `at` of the past."""
    from aiosmtpd.controller import Controller

    times = itertools.count()

    def arrived(mail: Mail) -> None:
        sent()

    sink = Sink(Mailbox(config.data / "mail.sqlite3"), lambda: at.timestamp() + next(times) * 0.2, arrived)
    server = Controller(sink, hostname="127.0.0.1", port=port)
    server.factory = lambda: smtp_protocol(sink)
    server.start()
    try:
        yield
    finally:
        server.stop()


def _mailed(run: Run, shop: Shop, at: datetime) -> Mailed:
    """Who was drawn into which arm, by the shop's numbers."""
    rows = Delivery.objects.filter(run=run).exclude(arm="").order_by("id").values_list("address", "arm", "state")
    numbered = [(person_of_email(address), arm, state) for address, arm, state in rows]
    audience = np.array([number for number, _, _ in numbered if number is not None], np.int64)
    got_it = np.array([number for number, arm, state in numbered if number is not None and arm != HOLDOUT and state == "sent"], np.int64)
    return Mailed(shop, KEY, at, WINDOW, audience, got_it)


def _note_reactions(run: Run, mailed: Mailed) -> None:
    """Note at their times who opened, clicked, and left the list."""
    if Touch.objects.filter(delivery__run=run).exists():
        return
    deliveries = {person_of_email(address): pk for pk, address in Delivery.objects.filter(run=run).values_list("pk", "address")}
    opens, clicks, _ = mailed.reactions()
    at = mailed.clicked_at()
    for place, number in enumerate(mailed.got_it.tolist()):
        when = datetime.fromtimestamp(at[place] / 1000, UTC)
        if opens[place]:
            note_opened(deliveries[number], at=when - timedelta(seconds=20))
        if clicks[place]:
            note_clicked(deliveries[number], 0, at=when - timedelta(seconds=2))
        elif opens[place] and number % 61 == 0:
            unsubscribe(deliveries[number], at=when)
