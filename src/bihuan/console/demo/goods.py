"""The words of the demo's tea shop: goods, cities, names, channels, in English and Chinese."""

from __future__ import annotations

from typing import Literal, NamedTuple

Language = Literal["en", "zh"]


class Product(NamedTuple):
    """Something the shop sells; `price` in yuan, `weight` how often it is looked at compared with the others."""

    code: str
    name: str
    category: str
    price: float
    weight: float


CATEGORIES = {
    "en": ("Green tea", "Black tea", "Oolong", "Pu'er", "Teaware", "Snacks", "Gift boxes"),
    "zh": ("绿茶", "红茶", "乌龙茶", "普洱", "茶具", "茶点", "礼盒"),
}

# (category, English, Chinese, price, weight)
_GOODS = (
    (0, "West Lake Longjing", "西湖龙井", 168.0, 9.0),
    (0, "Biluochun", "洞庭碧螺春", 139.0, 6.0),
    (0, "Huangshan Maofeng", "黄山毛峰", 98.0, 5.0),
    (0, "Anji white tea", "安吉白茶", 158.0, 4.0),
    (0, "Jasmine pearls", "茉莉龙珠", 79.0, 7.0),
    (1, "Lapsang souchong", "正山小种", 118.0, 6.0),
    (1, "Jin Jun Mei", "金骏眉", 228.0, 4.0),
    (1, "Keemun", "祁门红茶", 88.0, 5.0),
    (1, "Yunnan gold", "滇红金芽", 108.0, 4.0),
    (2, "Tieguanyin", "安溪铁观音", 128.0, 8.0),
    (2, "Da Hong Pao", "武夷大红袍", 198.0, 6.0),
    (2, "Phoenix dancong", "凤凰单丛", 148.0, 4.0),
    (2, "Oriental beauty", "东方美人", 188.0, 2.0),
    (3, "Aged pu'er cake 2016", "陈年普洱饼 2016", 268.0, 4.0),
    (3, "Ripe pu'er, loose", "熟普散茶", 69.0, 4.0),
    (3, "Tangerine pu'er", "小青柑", 89.0, 6.0),
    (4, "Travel tea set", "旅行茶具套装", 159.0, 7.0),
    (4, "Gaiwan, white porcelain", "白瓷盖碗", 59.0, 5.0),
    (4, "Yixing teapot", "宜兴紫砂壶", 399.0, 3.0),
    (4, "Glass tumbler", "耐热玻璃杯", 45.0, 8.0),
    (4, "Bamboo tea tray", "竹制茶盘", 129.0, 2.0),
    (5, "Mung bean cakes", "绿豆糕", 32.0, 9.0),
    (5, "Osmanthus cake", "桂花糕", 36.0, 8.0),
    (5, "Pineapple cakes", "凤梨酥", 48.0, 8.0),
    (5, "Roasted walnuts", "椒盐核桃", 42.0, 5.0),
    (5, "Matcha cookies", "抹茶曲奇", 38.0, 7.0),
    (6, "Mid-autumn gift box", "中秋礼盒", 298.0, 3.0),
    (6, "Three greens gift box", "三绿臻选礼盒", 358.0, 3.0),
    (6, "Starter box", "新手品鉴盒", 99.0, 10.0),
    (6, "Director's choice", "馆长典藏礼盒", 588.0, 1.0),
)

CITIES = {
    "en": (
        ("Shanghai", "China", 18.0),
        ("Beijing", "China", 15.0),
        ("Shenzhen", "China", 11.0),
        ("Guangzhou", "China", 10.0),
        ("Hangzhou", "China", 9.0),
        ("Chengdu", "China", 8.0),
        ("Wuhan", "China", 5.0),
        ("Nanjing", "China", 5.0),
        ("Xi'an", "China", 4.0),
        ("Singapore", "Singapore", 5.0),
        ("London", "United Kingdom", 5.0),
        ("San Francisco", "United States", 5.0),
    ),
    "zh": (
        ("上海", "中国", 18.0),
        ("北京", "中国", 15.0),
        ("深圳", "中国", 11.0),
        ("广州", "中国", 10.0),
        ("杭州", "中国", 9.0),
        ("成都", "中国", 8.0),
        ("武汉", "中国", 5.0),
        ("南京", "中国", 5.0),
        ("西安", "中国", 4.0),
        ("新加坡", "新加坡", 5.0),
        ("伦敦", "英国", 5.0),
        ("旧金山", "美国", 5.0),
    ),
}

FAMILY = (
    *(("Wang", "王"), ("Li", "李"), ("Zhang", "张"), ("Liu", "刘"), ("Chen", "陈"), ("Yang", "杨"), ("Zhao", "赵"), ("Huang", "黄")),
    *(("Zhou", "周"), ("Wu", "吴"), ("Xu", "徐"), ("Sun", "孙"), ("Ma", "马"), ("Zhu", "朱"), ("Hu", "胡"), ("Lin", "林")),
    *(("Guo", "郭"), ("He", "何"), ("Gao", "高"), ("Luo", "罗"), ("Zheng", "郑"), ("Liang", "梁"), ("Song", "宋"), ("Tang", "唐")),
)
GIVEN = (
    *(("Wei", "伟"), ("Fang", "芳"), ("Na", "娜"), ("Min", "敏"), ("Jing", "静"), ("Lei", "磊"), ("Yang", "洋"), ("Yong", "勇")),
    *(("Yan", "艳"), ("Jie", "杰"), ("Juan", "娟"), ("Tao", "涛"), ("Ming", "明"), ("Chao", "超"), ("Xia", "霞"), ("Ping", "平")),
    *(
        ("Yuhan", "雨涵"),
        ("Zihan", "子涵"),
        ("Xinyi", "欣怡"),
        ("Haoran", "浩然"),
        ("Yichen", "奕辰"),
        ("Siqi", "思琪"),
        ("Jiahui", "佳慧"),
    ),
    *(
        ("Mingze", "铭泽"),
        ("Ruoxi", "若曦"),
        ("Tianyu", "天宇"),
        ("Xiaoyu", "晓雨"),
        ("Wenjing", "文静"),
        ("Zhiyuan", "志远"),
        ("Meiling", "美玲"),
    ),
)

BOUNCES = 97  # one mailbox in so many does not exist any more
LEVELS = ("bronze", "silver", "gold")
FAILURES = ("timeout", "insufficient_funds", "gateway_error")
COUPONS = ("", "WELCOME10", "TEA20", "WECHAT15")
COUPON_SHARES = (0.0, 0.10, 0.20, 0.15)


def products(language: Language) -> tuple[Product, ...]:
    """What the shop sells."""
    return tuple(
        Product(f"T{number:03}", zh if language == "zh" else en, CATEGORIES[language][category], price, weight)
        for number, (category, en, zh, price, weight) in enumerate(_GOODS, 1)
    )


def person_name(number: int, language: Language) -> str:
    """What person `number` is called."""
    family, given = FAMILY[number * 7 % len(FAMILY)], GIVEN[(number // len(FAMILY) + number * 11) % len(GIVEN)]
    return f"{family[1]}{given[1]}" if language == "zh" else f"{given[0]} {family[0]}"


def person_email(number: int) -> str:
    """Where person `number` gets mail; the number is the end of the name, so that the demo's mailbox knows who it is for."""
    family, given = FAMILY[number * 7 % len(FAMILY)], GIVEN[(number // len(FAMILY) + number * 11) % len(GIVEN)]
    host = "bounce.example" if number % BOUNCES == 0 else "example.com"
    return f"{given[0]}.{family[0]}.{number}@{host}".lower()


def person_of_email(address: str) -> int | None:
    """Whose address it is."""
    number = address.partition("@")[0].rpartition(".")[2]
    return int(number) if number.isdecimal() else None
