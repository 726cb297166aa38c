"""The shop's tracking plan, as its team keeps it in a file, and the mistakes of a new version of its app that the plan finds."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from bihuan.govern.door import Member

if TYPE_CHECKING:
    from bihuan.collect.events import Event

NEW_VERSION = "3.2.0"
BROKEN_ORDERS, MISSPELT, WRONG_DISCOUNTS = 38, 24, 17

PLAN = """
undeclared_events: warn
events:
  Page Viewed:
    description: {page}
    owner: web
  Product Viewed:
    description: {product}
    owner: web
    properties:
      product_id: {{type: string, required: true}}
      product: {{type: string, required: true}}
      category: {{type: string, required: true}}
      price: {{type: number, least: 0}}
  Product Added:
    description: {added}
    owner: web
    properties:
      product_id: {{type: string, required: true}}
      price: {{type: number, least: 0}}
      quantity: {{type: integer, required: true, least: 1, example: "2"}}
  Checkout Started:
    owner: checkout
    properties:
      items: {{type: integer, least: 1}}
      value: {{type: number, required: true, least: 0}}
  Payment Failed:
    owner: checkout
    properties:
      reason: {{type: string, required: true}}
      value: {{type: number, required: true, least: 0}}
  Order Completed:
    description: {order}
    policy: quarantine
    owner: checkout
    properties:
      order_id: {{type: string, required: true, pattern: "T\\\\d{{10}}", example: T0000012345}}
      product: {{type: string, required: true}}
      revenue: {{type: number, required: true, least: 0}}
      coupon: {{type: string}}
  Signed Up:
    owner: growth
    properties:
      method: {{type: string, required: true, allowed: [wechat, phone, email]}}
  Coupon Opened:
    owner: growth
    properties:
      coupon: {{type: string, required: true}}
      discount: {{type: number, required: true, least: 0, most: 100}}
  Newsletter Read:
    description: {letter}
    owner: growth
"""
WORDS = {
    "en": {
        "page": "Somebody sees a page.",
        "product": "Somebody looks at one of our teas.",
        "added": "A tea goes into the cart.",
        "order": "The payment is confirmed.",
        "letter": "To come with version 3.3.",
    },
    "zh": {
        "page": "用户浏览任意页面时触发。",
        "product": "用户查看商品详情时触发。",
        "added": "用户将商品加入购物车时触发。",
        "order": "支付成功后由服务端触发。",
        "letter": "计划随 3.3 版本上线。",
    },
}


def save_plan(member: Member, language: str) -> None:
    """Apply the file."""
    from bihuan.collect.plan.document import apply, from_yaml

    apply(member=member, read=from_yaml(PLAN.format(**WORDS[language])))


def mistakes(project_id: int) -> Iterator[Event]:
    """What a new version of the app sends wrongly: orders without what the plan asks for, a misspelt name, a discount as text. None of it
    is anybody's, and no order of it is taken: the shop's own numbers stay as they are."""
    from bihuan.collect.events import Event

    now = int(time.time() * 1000)

    def made(kind: str, number: int, name: str, props: dict[str, object]) -> Event:
        key = f"mistake-{kind}-{number}"
        return Event(
            project_id=project_id,
            key=key,
            source="segment",
            at=now - number * 1_500,
            name=name,
            props={**props, "app_version": NEW_VERSION},
        )

    for number in range(BROKEN_ORDERS):
        yield made("order", number, "Order Completed", {"order_id": 9_000_000_000 + number, "product": "Oolong", "revenue": "68.00"})
    for number in range(MISSPELT):
        yield made("name", number, "Product Veiwed", {"product_id": f"P{number % 7}"})
    for number in range(WRONG_DISCOUNTS):
        yield made("discount", number, "Coupon Opened", {"coupon": "SPRING", "discount": "15%"})
