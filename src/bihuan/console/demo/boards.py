"""The boards of the demo's project: the shop's week for the director, the way to the till for operators, where people come from."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

from bihuan.console.questions import by_name
from bihuan.see.boards.spec import BoardSpec, Tile

Spec = dict[str, Any]
Width = Literal["3", "4", "6", "8", "12"]


class DemoTile(NamedTuple):
    """A tile with its title in English and Chinese."""

    english: str
    chinese: str
    question: str
    spec: Spec
    width: Width = "6"


class DemoBoard(NamedTuple):
    """A board with its name in English and Chinese."""

    key: str
    english: str
    chinese: str
    tiles: tuple[DemoTile, ...]


def _series(event: str, measure: str = "events", property: str | None = None, **more: Any) -> Spec:
    return {"event": event, "measure": measure, **({"property": property} if property else {}), **more}


def _trend(*series: Spec, days: int = 30, **more: Any) -> Spec:
    return {"series": list(series), "period": {"last": days, "complete": True}, **more}


def _funnel(**more: Any) -> Spec:
    steps = [{"event": name} for name in ("Product Viewed", "Product Added", "Checkout Started", "Order Completed")]
    return {"steps": steps, "window": {"n": 7, "unit": "day"}, "period": {"last": 30}, **more}


_REVENUE = _series("Order Completed", "sum", "revenue")
_VALUE = _series("Order Completed", "average", "revenue")
_FAILED, _VISITORS, _ORDER = _series("Payment Failed"), _series("Page Viewed", "people"), {"event": "Order Completed"}
_BACK = {"start": {"event": "Signed Up"}, "return": {"event": "Page Viewed"}, "unit": "week", "periods": 8, "period": {"last": 70}}
_AGAIN = {
    "start": {"event": "Order Completed"},
    "return": {"event": "Order Completed"},
    "unit": "week",
    "periods": 8,
    "period": {"last": 70},
}

BOARDS = (
    DemoBoard(
        "shop",
        "The shop's weeks",
        "店铺周报",
        (
            DemoTile("Revenue, and the 30 days before", "销售额（对比前 30 天）", "trend", _trend(_REVENUE, compare="previous"), "8"),
            DemoTile("Average order", "客单价", "trend", _trend(_VALUE, unit="week", days=90), "4"),
            DemoTile(
                "Visitors by device",
                "访问用户（按设备）",
                "trend",
                _trend(_VISITORS, breakdown={"property": "device"}),
            ),
            DemoTile("Sign-ups a week", "每周新注册用户", "trend", _trend(_series("Signed Up", "people"), days=90, unit="week")),
            DemoTile(
                "Revenue by category",
                "销售额（按品类）",
                "trend",
                _trend(_REVENUE, breakdown={"property": "category"}, days=90, unit="week"),
                "12",
            ),
        ),
    ),
    DemoBoard(
        "till",
        "The way to the till",
        "下单转化",
        (
            DemoTile("From looking to ordering", "从浏览到下单", "funnel", _funnel(), "6"),
            DemoTile("The same by device", "按设备细分", "funnel", _funnel(breakdown={"property": "device"}), "6"),
            DemoTile(
                "Failed payments by device",
                "支付失败（按设备）",
                "trend",
                _trend(_FAILED, breakdown={"property": "device"}, days=90),
                "12",
            ),
            DemoTile(
                "Why payments fail",
                "支付失败原因",
                "trend",
                _trend(_FAILED, breakdown={"property": "reason"}, days=90, unit="week"),
                "12",
            ),
        ),
    ),
    DemoBoard(
        "members",
        "Do they come back?",
        "用户留存",
        (
            DemoTile("New members who visit again", "新会员回访留存", "retention", _BACK, "12"),
            DemoTile("Buyers who buy again", "复购留存", "retention", _AGAIN, "12"),
            DemoTile(
                "Visitors by channel",
                "访问用户（按渠道）",
                "trend",
                _trend(_VISITORS, breakdown={"person": "channel"}),
                "12",
            ),
        ),
    ),
)


def board_spec(board: DemoBoard, language: str) -> BoardSpec:
    """The board's document; each tile's question must be understood as it is saved."""
    return BoardSpec(
        tiles=tuple(
            Tile(
                question=tile.question,
                spec=by_name(tile.question).spec.model_validate(tile.spec).model_dump(mode="json", by_alias=True, exclude_defaults=True),
                title=tile.chinese if language == "zh" else tile.english,
                width=tile.width,
            )
            for tile in board.tiles
        )
    )
