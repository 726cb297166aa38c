"""Browser, system and device out of real User-Agents."""

from __future__ import annotations

import pytest

from bihuan.collect.agents import agent

AGENTS = (
    (
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0 Safari/537.36 Edg/130.0",
        ("Edge", "Windows", "desktop"),
    ),
    (
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.0 Safari/605.1.15",
        ("Safari", "macOS", "desktop"),
    ),
    ("Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0", ("Firefox", "Linux", "desktop")),
    ("Mozilla/5.0 (iPad; CPU OS 17_0 like Mac OS X) AppleWebKit/605.1.15 Version/17.0 Safari/604.1", ("Safari", "iOS", "tablet")),
    (
        "Mozilla/5.0 (Linux; Android 14; V2309A) AppleWebKit/537.36 Chrome/116.0 Mobile MicroMessenger/8.0.49 miniProgram/wx1",
        ("WeChat Mini Program", "Android", "mobile"),
    ),
    (
        "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148 wxwork/4.1.20 MicroMessenger/7.0.1",
        ("WeCom", "iOS", "mobile"),
    ),
    (
        "Mozilla/5.0 (Phone; OpenHarmony 5.0) AppleWebKit/537.36 Chrome/114.0 Safari/537.36 ArkWeb/4.1 Mobile HuaweiBrowser/5.0",
        ("Huawei Browser", "HarmonyOS", "mobile"),
    ),
    (
        "Mozilla/5.0 (Linux; U; Android 13; zh-CN) AppleWebKit/537.36 Chrome/100.0 Mobile Safari/537.36 AlipayClient/10.5",
        ("Alipay", "Android", "mobile"),
    ),
    ("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", ("", "", "bot")),
    ("", ("", "", "")),
    ("something else", ("", "", "")),
)


@pytest.mark.parametrize(("text", "said"), AGENTS)
def test_an_agent_is_told_by_what_it_embeds_last(text: str, said: tuple[str, str, str]) -> None:
    assert agent(text) == said
