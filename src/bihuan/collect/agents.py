"""Browser, system and kind of device out of a User-Agent: coarse, for breakdowns; knows the apps that people in China browse with."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple


class Agent(NamedTuple):
    """What a User-Agent says; '' where it says nothing known. `device` is mobile, tablet, desktop or bot."""

    browser: str = ""
    os: str = ""
    device: str = ""


# The first that is found holds: an app before the engine that it embeds, and a browser before the one it pretends to be.
_BROWSERS = (
    ("WeCom", r"wxwork/"),
    ("WeChat Mini Program", r"miniprogram"),
    ("WeChat", r"MicroMessenger/"),
    ("DingTalk", r"DingTalk/"),
    ("Lark", r"\b(?:Lark|Feishu)/"),
    ("Alipay", r"AlipayClient/"),
    ("Taobao", r"AliApp\(TB/"),
    ("Douyin", r"\b(?:aweme|Bytedance|musical_ly|trill)[/_]"),
    ("Xiaohongshu", r"\bxhs/|discover/\d"),
    ("Weibo", r"Weibo"),
    ("QQ", r"\bQQ/"),
    ("QQ Browser", r"M?QQBrowser/"),
    ("Baidu", r"baiduboxapp|BIDUBrowser"),
    ("UC Browser", r"UC ?Browser/|UCWEB"),
    ("Quark", r"Quark/"),
    ("Mi Browser", r"MiuiBrowser/"),
    ("Huawei Browser", r"HuaweiBrowser/"),
    ("360", r"QIHU|360SE|360EE"),
    ("Sogou", r"MetaSr|SogouMobileBrowser/"),
    ("Samsung Internet", r"SamsungBrowser/"),
    ("Edge", r"Edg(?:e|A|iOS)?/"),
    ("Opera", r"OPR/|Opera"),
    ("Yandex", r"YaBrowser/"),
    ("Firefox", r"Firefox/|FxiOS/"),
    ("Internet Explorer", r"MSIE |Trident/"),
    ("Chrome", r"Chrome/|CriOS/|Chromium/"),
    ("Safari", r"Version/[\d.]+.*Safari/"),
)
_SYSTEMS = (
    ("HarmonyOS", r"HarmonyOS|OpenHarmony"),
    ("Windows", r"Windows"),
    ("iOS", r"iPhone|iPad|iPod"),
    ("Android", r"Android"),
    ("macOS", r"Macintosh|Mac OS X"),
    ("ChromeOS", r"\bCrOS\b"),
    ("Linux", r"Linux|X11"),
)
_BOT = re.compile(r"bot\b|bot/|spider|crawl|slurp|headless|lighthouse|python-|curl/|wget/|okhttp|go-http", re.IGNORECASE)
_TABLET = re.compile(r"iPad|Tablet|Android(?!.*Mobile)|PlayBook|Kindle|Silk/")
_MOBILE = re.compile(r"Mobi|iPhone|iPod|Android|HarmonyOS|OpenHarmony|Phone")
_BROWSER_RULES = tuple((name, re.compile(rule, re.IGNORECASE)) for name, rule in _BROWSERS)
_SYSTEM_RULES = tuple((name, re.compile(rule)) for name, rule in _SYSTEMS)


@lru_cache(maxsize=10_000)
def agent(text: str) -> Agent:
    """What this User-Agent says."""
    if not text:
        return Agent()
    browser = next((name for name, rule in _BROWSER_RULES if rule.search(text)), "")
    system = next((name for name, rule in _SYSTEM_RULES if rule.search(text)), "")
    if _BOT.search(text):
        return Agent(browser, system, "bot")
    if _TABLET.search(text):
        return Agent(browser, system, "tablet")
    if _MOBILE.search(text):
        return Agent(browser, system, "mobile")
    return Agent(browser, system, "desktop" if system else "")
