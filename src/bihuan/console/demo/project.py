"""The demo's project as its people would have set it up: accounts, a write key, segments, metrics and boards."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.db import transaction

from bihuan.catalog.definitions import save_definition
from bihuan.catalog.kinds import MetricSpec, SegmentSpec
from bihuan.console.demo.__main__ import ACCOUNTS, PASSWORD
from bihuan.console.demo.boards import BOARDS, board_spec
from bihuan.console.demo.plan import save_plan
from bihuan.console.demo.shop import ZONE
from bihuan.console.demo.state import PROJECT, State
from bihuan.engine.filters import All, Did, EventProperty, Filter, Not, PersonProperty
from bihuan.govern.door import Member, membership
from bihuan.govern.keys import create_write_key
from bihuan.govern.models import Project
from bihuan.govern.projects import add_member, change_project, create_project, create_user

NAMES = {"en": "Morning Tea", "zh": "晨间茶铺"}
LAPSED = "lapsed"

# key, English name, Chinese name, condition
SEGMENTS: tuple[tuple[str, str, str, Filter], ...] = (
    (
        LAPSED,
        "Signed up, nothing ordered for 14 days",
        "已注册、近 14 天未下单",
        All(all=(PersonProperty(person="email", op="set"), Not(negated=Did(did="Order Completed", days=14)))),
    ),
    ("loyal", "Ordered three times in 90 days", "近 90 天下单 3 次及以上", Did(did="Order Completed", times=3, days=90)),
    (
        "carts",
        "Put into the cart this week, not ordered",
        "本周加购未下单",
        All(all=(Did(did="Product Added", days=7), Not(negated=Did(did="Order Completed", days=7)))),
    ),
    ("gold", "Gold members", "金卡会员", PersonProperty(person="level", values=("gold",))),
    (
        "mobile",
        "Visited by mobile this month",
        "近 30 天用手机访问",
        Did(did="Page Viewed", days=30, where=EventProperty(property="device", values=("mobile",))),
    ),
)

# key, English name, Chinese name, document
METRICS: tuple[tuple[str, str, str, MetricSpec], ...] = (
    ("revenue", "Revenue", "销售额", MetricSpec(event="Order Completed", measure="sum", property="revenue", kind="money")),
    ("orders", "Orders", "订单数", MetricSpec(event="Order Completed")),
    ("buyers", "Buyers", "下单用户数", MetricSpec(event="Order Completed", measure="people")),
    (
        "order-value",
        "Average order value",
        "客单价",
        MetricSpec(event="Order Completed", measure="average", property="revenue", kind="money"),
    ),
    ("visitors", "Visitors", "访问用户数", MetricSpec(event="Page Viewed", measure="people")),
    ("sign-ups", "Sign-ups", "注册用户数", MetricSpec(event="Signed Up", measure="people")),
    ("failures", "Failed payments", "支付失败次数", MetricSpec(event="Payment Failed", good="down")),
)


def ensure_project(state: State) -> tuple[Member, str]:
    """The owner in the demo's project, and the write key's secret if it was made now ('' otherwise). All of it is made, or nothing."""
    language = "zh" if state.language == "zh" else "en"
    from bihuan.console.demo.campaign import save_draft

    with transaction.atomic():
        existing = Project.objects.filter(key=PROJECT).first()
        if existing is not None and state.write_key:
            return membership(User.objects.get(username=ACCOUNTS[0]), PROJECT), ""
        owner = _owner()
        if existing is None:
            create_project(key=PROJECT, name=NAMES[language], timezone=ZONE, currency="CNY", owner=owner)
        member = membership(owner, PROJECT)
        if existing is None:
            _people_and_words(member, language)
            save_draft(member, state.shop)
        _, secret = create_write_key(member=member, name="Website 网站")
    return member, secret


def _owner() -> User:
    known = User.objects.filter(username=ACCOUNTS[0]).first()
    return known or create_user(username=ACCOUNTS[0], password=PASSWORD, email=f"{ACCOUNTS[0]}@example.com")


def _people_and_words(member: Member, language: str) -> None:
    change_project(member=member, name=member.project.name, currency="CNY", private_properties=["email"])
    for name in ACCOUNTS[1:]:
        create_user(username=name, password=PASSWORD, email=f"{name}@example.com")
        add_member(member=member, who=name, role=name)
    for key, english, chinese, condition in SEGMENTS:
        save_definition(member=member, kind="segment", key=key, name=_in(language, english, chinese), spec=SegmentSpec(filter=condition))
    for key, english, chinese, metric in METRICS:
        save_definition(member=member, kind="metric", key=key, name=_in(language, english, chinese), spec=metric)
    save_plan(member, language)
    for board in BOARDS:
        name = _in(language, board.english, board.chinese)
        save_definition(member=member, kind="board", key=board.key, name=name, spec=board_spec(board, language))


def _in(language: str, english: str, chinese: str) -> str:
    return chinese if language == "zh" else english
