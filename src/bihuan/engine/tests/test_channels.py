"""Which channel brought somebody: the table of rules, in Python and in SQL alike."""

from __future__ import annotations

import pytest

from bihuan.engine.channels import COLUMNS, RULES, TITLES, channel, channel_sql, referrer_host
from bihuan.engine.store import Store

CASES = [
    ({"path": "/"}, "direct"),
    ({}, ""),
    ({"path": "/cart", "host": "shop.example", "referrer": "https://shop.example/"}, ""),
    ({"path": "/cart", "host": "www.shop.example:8000", "referrer": "https://shop.example/"}, ""),
    ({"path": "/", "referrer": "https://www.baidu.com/link?url=x"}, "organic_search"),
    ({"path": "/", "referrer": "https://m.sogou.com/"}, "organic_search"),
    ({"path": "/", "referrer": "https://m.sm.cn/s?q=x"}, "organic_search"),
    ({"path": "/", "referrer": "https://www.google.com.hk/"}, "organic_search"),
    ({"path": "/", "referrer": "https://tieba.baidu.com/p/1"}, "social"),
    ({"path": "/", "referrer": "https://mp.weixin.qq.com/s/abc"}, "social"),
    ({"path": "/", "referrer": "https://weibo.com/1"}, "social"),
    ({"path": "/", "referrer": "https://www.xiaohongshu.com/explore"}, "social"),
    ({"path": "/", "referrer": "https://www.douyin.com/video/1"}, "video"),
    ({"path": "/", "referrer": "https://b23.tv/x"}, "video"),
    ({"path": "/", "referrer": "https://www.bilibili.com/"}, "video"),
    ({"path": "/", "referrer": "https://mail.qq.com/"}, "email"),
    ({"path": "/", "referrer": "https://netflix.com/"}, "referral"),  # not x.com
    ({"path": "/", "referrer": "android-app://com.tencent.mm"}, "referral"),
    ({"path": "/", "source": "baidu", "medium": "cpc"}, "paid_search"),
    ({"path": "/", "referrer": "https://www.baidu.com/", "medium": "ocpc"}, "paid_search"),
    ({"path": "/", "source": "douyin", "medium": "信息流"}, "paid_social"),
    ({"path": "/", "source": "小红书", "medium": "feed_ads"}, "paid_social"),
    ({"path": "/", "source": "gdt", "medium": "banner"}, "paid_other"),
    ({"path": "/", "source": "WeChat"}, "social"),
    ({"path": "/", "source": "公众号", "medium": "article"}, "social"),
    ({"path": "/", "source": "newsletter"}, "email"),
    ({"path": "/", "source": "june", "medium": "EDM"}, "email"),
    ({"path": "/", "medium": "短信"}, "message"),
    ({"path": "/", "medium": "kol", "source": "小红书"}, "affiliate"),
    ({"path": "/", "source": "bing"}, "organic_search"),
    ({"path": "/", "campaign": "spring"}, "campaign"),
    ({"path": "/", "source": "partner.example", "medium": "widget"}, "campaign"),
]


@pytest.mark.parametrize(("arrival", "expected"), CASES)
def test_an_arrival_has_the_channel_of_the_first_rule_that_fits(arrival: dict[str, str], expected: str) -> None:
    assert channel(**arrival) == expected


def test_the_store_finds_the_same_channels(store: Store) -> None:
    rows = [[arrival.get(name.removeprefix("utm_"), "") for name in COLUMNS] for arrival, _ in CASES]
    named = ", ".join(f"row[{place}] AS {name}" for place, name in enumerate(COLUMNS, 2))
    numbered = [[str(place), *row] for place, row in enumerate(rows)]
    arrivals = f"(SELECT toUInt32(row[1]) AS place, {named} FROM (SELECT arrayJoin({{rows:Array(Array(String))}}) AS row))"
    found = store.fetch(f"SELECT * FROM ({channel_sql('place', arrivals)}) ORDER BY place", {"rows": numbered})
    assert [row["channel"] for row in found.rows] == [expected for _, expected in CASES]


def test_every_channel_has_a_title() -> None:
    assert {rule.channel for rule in RULES} | {"direct", "referral", "campaign"} == set(TITLES)


@pytest.mark.parametrize(
    ("referrer", "host"),
    [("https://www.Baidu.com:443/s?x", "baidu.com"), ("weibo.com", "weibo.com"), ("", ""), ("https://a.b/#c", "a.b"), ("http://x?y", "x")],
)
def test_the_host_of_a_referrer(referrer: str, host: str) -> None:
    assert referrer_host(referrer) == host
