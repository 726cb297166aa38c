"""Which channel brought somebody: an ordered table of rules over referrer and utm parameters, the first that fits names the channel.

Direct visits, search, social media, mail, advertising and links elsewhere; Chinese and international sources. A page that was reached
from the site itself is no arrival and has no channel ('').
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

TITLES: Mapping[str, str] = {
    "direct": "Direct",
    "paid_search": "Paid search",
    "paid_social": "Paid social",
    "paid_other": "Other advertising",
    "organic_search": "Organic search",
    "social": "Social media",
    "video": "Video platforms",
    "email": "By mail",
    "message": "Messages and push",
    "affiliate": "Affiliates",
    "referral": "Links elsewhere",
    "campaign": "Other campaigns",
}

# Hosts are those of the referrer, without "www."; a source is what utm_source says. Both are regular expressions of the whole text.
SEARCH_HOSTS = (
    r"(.*\.)?(baidu\.com|sogou\.com|sm\.cn|so\.com|haosou\.com|chinaso\.com|"
    r"bing\.com|duckduckgo\.com|ecosia\.org|startpage\.com|search\.brave\.com|qwant\.com|yep\.com|naver\.com|daum\.net|seznam\.cz|"
    r"google\.[a-z.]+|yahoo\.[a-z.]+|yandex\.[a-z.]+|ask\.com|kagi\.com)"
)
SEARCH_SOURCES = r"baidu|百度|sogou|搜狗|shenma|sm|神马|360|haosou|so|google|bing|yahoo|yandex|duckduckgo|naver|ecosia"
SOCIAL_HOSTS = (
    r"(.*\.)?(weixin\.qq\.com|weixin110\.qq\.com|servicewechat\.com|wx\.qq\.com|work\.weixin\.qq\.com|qzone\.qq\.com|t\.qq\.com|weibo\.com|"
    r"weibo\.cn|t\.cn|xiaohongshu\.com|xhslink\.com|zhihu\.com|douban\.com|tieba\.baidu\.com|jike\.city|okjike\.com|maimai\.cn|"
    r"facebook\.com|fb\.com|fb\.me|instagram\.com|twitter\.com|x\.com|t\.co|linkedin\.com|lnkd\.in|pinterest\.[a-z.]+|reddit\.com|threads\.net|threads\.com|"
    r"tumblr\.com|vk\.com|ok\.ru|snapchat\.com|quora\.com|discord\.com|telegram\.org|t\.me|line\.me|news\.ycombinator\.com|bsky\.app|mastodon\.social)"
)
SOCIAL_SOURCES = (
    r"wechat|weixin|微信|wx|gzh|公众号|moments|朋友圈|wecom|qywx|企业微信|weibo|微博|xiaohongshu|xhs|redbook|rednote|小红书|zhihu|知乎|douban|豆瓣|tieba|贴吧|qzone|qq|"
    r"facebook|fb|instagram|ig|twitter|x|linkedin|pinterest|reddit|threads|snapchat|telegram|whatsapp|line"
)
VIDEO_HOSTS = (
    r"(.*\.)?(douyin\.com|iesdouyin\.com|bilibili\.com|b23\.tv|kuaishou\.com|gifshow\.com|chenzhongtech\.com|ixigua\.com|huoshan\.com|channels\.weixin\.qq\.com|youku\.com|"
    r"iqiyi\.com|v\.qq\.com|acfun\.cn|youtube\.com|youtu\.be|tiktok\.com|vimeo\.com|twitch\.tv)"
)
VIDEO_SOURCES = r"douyin|抖音|dy|bilibili|b站|bili|kuaishou|快手|ks|xigua|西瓜视频|shipinhao|视频号|youku|iqiyi|youtube|tiktok|vimeo|twitch"
MAIL_HOSTS = (
    r"(.*\.)?(mail\.qq\.com|mail\.163\.com|mail\.126\.com|mail\.sina\.com\.cn|exmail\.qq\.com|mail\.aliyun\.com|mail\.google\.com|"
    r"outlook\.live\.com|outlook\.office\.com|outlook\.office365\.com|mail\.yahoo\.com|mail\.yandex\.ru)"
)
PAID = (
    r"(.*[-_ ])?(cpc|ppc|cpm|cpv|cpa|cps|cpd|ocpc|ocpm|ocpx|paid.*|ads?|sem|display|banner|retargeting|"
    r"信息流|竞价|付费|投放|广告)([-_ ].*)?"
)
MAIL = r"e[-_ ]?mail|newsletter|edm|mail|邮件"
MESSAGE = r"sms|短信|push|app[-_ ]?push|notification|web[-_ ]?push|推送|mms|rcs|模板消息|服务通知|template[-_ ]?message"
AFFILIATE = r"affiliates?|partner|联盟|分销|返利|达人|kol|koc|influencer"
SOCIAL_MEDIUM = r"social|social[-_ ]?(media|network)|sns|社交|community|社群|朋友圈|公众号|sm"
VIDEO_MEDIUM = r"(.*[-_ ])?(video|短视频|直播|live)([-_ ].*)?"
SEARCH_MEDIUM = r"organic|seo|搜索|自然搜索|organic[-_ ]?search"


@dataclass(frozen=True)
class Rule:
    """What arrived is of `channel` if its medium, its source and its referrer's host match whole, where the rule has a pattern for
    them (case is ignored). `source_or_host`: one of these two is enough."""

    channel: str
    medium: str = ""
    source: str = ""
    host: str = ""
    source_or_host: bool = False


RULES = (
    Rule("email", medium=MAIL),
    Rule("email", source=MAIL),
    Rule("message", medium=MESSAGE),
    Rule("message", source=MESSAGE),
    Rule("affiliate", medium=AFFILIATE),
    Rule("paid_search", medium=PAID, source=SEARCH_SOURCES, host=SEARCH_HOSTS, source_or_host=True),
    Rule(
        "paid_social",
        medium=PAID,
        source=f"{SOCIAL_SOURCES}|{VIDEO_SOURCES}",
        host=f"({SOCIAL_HOSTS})|({VIDEO_HOSTS})",
        source_or_host=True,
    ),
    Rule("paid_other", medium=PAID),
    Rule("organic_search", medium=SEARCH_MEDIUM),
    Rule("video", medium=VIDEO_MEDIUM),
    Rule("video", source=VIDEO_SOURCES),
    Rule("social", medium=SOCIAL_MEDIUM),
    Rule("social", source=SOCIAL_SOURCES),
    Rule("organic_search", source=SEARCH_SOURCES),
    Rule("email", host=MAIL_HOSTS),
    Rule("video", host=VIDEO_HOSTS),
    Rule("social", host=SOCIAL_HOSTS),
    Rule("organic_search", host=SEARCH_HOSTS),
)


def channel(*, referrer: str = "", host: str = "", path: str = "", source: str = "", medium: str = "", campaign: str = "") -> str:
    """The channel of one event, '' when it is no arrival: it came from the site itself (`host`), or says nothing of where it came from.

    What utm says goes before the referrer. A utm that no rule knows is "campaign", another site's link "referral"; a page without
    either is "direct".
    """
    came_from = referrer_host(referrer)
    elsewhere = came_from if came_from != site(host) else ""
    if source or medium or campaign or elsewhere:
        for rule in RULES:
            if _fits(rule, medium, source, elsewhere):
                return rule.channel
        return "campaign" if source or medium or campaign else "referral"
    return "" if came_from or not (path or host) else "direct"


def referrer_host(referrer: str) -> str:
    """The host that a referrer names, without "www."; a text without a scheme is a host already."""
    return site(re.sub(r"^[a-z][a-z0-9+.-]*://", "", referrer.lower()).partition("/")[0].partition("?")[0].partition("#")[0])


def site(host: str) -> str:
    """A host without its port and "www."."""
    return re.sub(r"^www\.", "", re.sub(r":\d+$", "", host.lower()))


def _fits(rule: Rule, medium: str, source: str, host: str) -> bool:
    if rule.medium and not _matches(rule.medium, medium):
        return False
    tests = [_matches(pattern, text) for pattern, text in ((rule.source, source), (rule.host, host)) if pattern]
    return (any if rule.source_or_host else all)(tests) if tests else True


def _matches(pattern: str, text: str) -> bool:
    return re.fullmatch(f"(?i:{pattern})", text) is not None


COLUMNS = ("referrer", "host", "path", "utm_source", "utm_medium", "utm_campaign")


def channel_sql(columns: str, rows: str) -> str:
    """A SELECT of `columns` and `channel` from `rows` (a FROM clause, perhaps with WHERE) that has the `COLUMNS`. Step by step, so that
    each text is made once: the rules are many."""

    def site_sql(host: str) -> str:
        return f"replaceRegexpOne(replaceRegexpOne({host}, ':[0-9]+$', ''), '^www\\\\.', '')"

    came_from = site_sql("extract(lower(referrer), '^(?:[a-z][a-z0-9+.-]*://)?([^/?#]*)')")
    texts = {"medium": "utm_medium", "source": "utm_source", "host": "elsewhere"}
    branches = "".join(f"\n    {_rule_sql(rule, texts)}, '{rule.channel}'," for rule in RULES)
    utm = "(utm_source != '' OR utm_medium != '' OR utm_campaign != '')"
    return f"""SELECT {columns}, if({utm} OR elsewhere != '', multiIf({branches}
    {utm}, 'campaign', 'referral'), if(came_from != '' OR (path = '' AND host = ''), '', 'direct')) AS channel
  FROM (
    SELECT *, if(came_from != {site_sql("lower(host)")}, came_from, '') AS elsewhere
    FROM (SELECT {columns}, {", ".join(COLUMNS)}, {came_from} AS came_from FROM {rows})
  )"""


def _rule_sql(rule: Rule, texts: Mapping[str, str]) -> str:
    def matches(name: str) -> str:
        pattern = getattr(rule, name).replace("\\", "\\\\").replace("'", "\\'")
        return f"match({texts[name]}, '^(?i:{pattern})$')"

    among = [matches(name) for name in ("source", "host") if getattr(rule, name)]
    tests = [matches("medium")] if rule.medium else []
    if among:
        tests.append(f"({(' OR ' if rule.source_or_host else ' AND ').join(among)})")
    return " AND ".join(tests)
