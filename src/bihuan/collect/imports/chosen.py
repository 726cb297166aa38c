"""Which mapping a file gets: what a person said by options or YAML, completed by what the names of its columns make obvious."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping as Dictionary
from collections.abc import Sequence
from typing import Any

from pydantic import ValidationError

from bihuan.collect.imports.errors import ImportProblem
from bihuan.collect.imports.expressions import parse
from bihuan.collect.imports.mapping import KINDS, AnyMapping

TIMES = (
    *(
        "timestamp",
        "time",
        "eventtime",
        "eventtimestamp",
        "datetime",
        "occurredat",
        "createdat",
        "paidat",
        "orderedat",
        "ordertime",
        "ts",
        "date",
    ),
    *("时间", "事件时间", "发生时间", "下单时间", "支付时间", "付款时间", "成交时间", "创建时间", "日期", "操作时间"),
)
DAYS = ("date", "day", "time", "timestamp", "datetime", "日期", "时间", "天", "统计日期")
PERSONS = (
    *("userid", "customerid", "personid", "memberid", "uid", "distinctid", "openid", "user", "login", "loginid"),
    *("用户id", "用户", "会员id", "会员号", "客户id", "客户编号", "用户编号", "账号", "登录id"),
)
DEVICES = ("anonymousid", "visitorid", "deviceid", "cookieid", "clientid", "设备id", "访客id", "匿名id")
MONEY = ("revenue", "收入", "金额", "订单金额", "支付金额", "实付金额", "成交金额")
GUESSES: dict[str, dict[str, tuple[str, ...]]] = {
    "events": {
        "event_column": ("event", "eventname", "eventtype", "eventaction", "action", "事件", "事件名", "事件名称", "行为", "行为类型"),
        "time": TIMES,
        "person": PERSONS,
        "anonymous": DEVICES,
        "id": ("messageid", "eventid", "insertid", "eventuuid", "uuid", "事件id"),
        "revenue": MONEY,
    },
    "persons": {
        "person": (*PERSONS, "id"),
        "anonymous": DEVICES,
        "time": ("updatedat", "modifiedat", "lastmodified", "updatetime", "更新时间", "修改时间"),
        "ids.email": ("email", "mail", "emailaddress", "邮箱", "电子邮箱"),
        "ids.phone": ("phone", "mobile", "phonenumber", "mobilephone", "手机", "手机号", "电话"),
        "ids.unionid": ("unionid",),
    },
    "metrics": {
        "series_column": ("series", "metric", "metricname", "kpi", "指标", "指标名", "指标名称"),
        "time": DAYS,
        "value": ("value", "amount", "number", "total", "revenue", "数值", "值", "金额", "数量"),
    },
    "costs": {
        "time": DAYS,
        "cost": ("cost", "spend", "spent", "costs", "amountspent", "花费", "消耗", "费用", "成本", "消费"),
        "impressions": ("impressions", "impr", "views", "展现", "展现量", "曝光", "曝光量", "展示", "展示量"),
        "clicks": ("clicks", "click", "点击", "点击量", "点击数"),
        "channel": ("channel", "platform", "渠道", "投放渠道", "平台"),
        "source": ("source", "utmsource", "来源", "广告来源"),
        "medium": ("medium", "utmmedium", "媒介"),
        "campaign": ("campaign", "utmcampaign", "campaignname", "计划", "推广计划", "广告计划", "活动", "活动名称"),
        "currency_column": ("currency", "币种", "货币"),
    },
}


def read_mapping(text: str) -> dict[str, Any]:
    """What a YAML mapping file says, not yet checked. Raises ImportProblem with the line that is wrong."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        data = YAML(typ="safe", pure=True).load(text)
    except YAMLError as error:
        raise ImportProblem("The mapping is not YAML: {why}", why=error) from error
    if not isinstance(data, dict):
        raise ImportProblem("The mapping must be a YAML list of `what: column`, such as `time: created_at`.")
    return data


def make_mapping(given: Dictionary[str, Any], columns: Sequence[str], *, guess: bool) -> tuple[AnyMapping, dict[str, str]]:
    """The mapping for a source with these columns, and which of it was guessed. Raises ImportProblem that says what is missing or wrong."""
    data = {name: value for name, value in given.items() if value not in (None, "")}
    kind = str(data.setdefault("kind", "events"))
    if kind not in KINDS:
        raise ImportProblem("There is no kind of data called “{kind}”: choose one of {kinds}.", kind=kind, kinds=", ".join(KINDS))
    guessed = _guesses(kind, data, columns) if guess else {}
    for what, column in guessed.items():
        _put(data, what, column)
    _complain(kind, data, columns)
    try:
        mapping = KINDS[kind].model_validate(data)
    except ValidationError as error:
        raise ImportProblem("The mapping is wrong: {why}", why=_why(error)) from error
    check(mapping, columns)
    return mapping, guessed


def with_guesses(given: Dictionary[str, Any], columns: Sequence[str]) -> dict[str, Any]:
    """What was given with what can be guessed besides, where that is not yet a whole mapping: to start from."""
    data = {name: value for name, value in given.items() if value not in (None, "")}
    for what, column in _guesses(str(data.setdefault("kind", "events")), data, columns).items():
        _put(data, what, column)
    return data


def check(mapping: AnyMapping, columns: Sequence[str]) -> None:
    """Raises ImportProblem when the mapping names a column that is not there."""
    known = set(columns)
    named = [(what, name) for what, name in mapping.columns().items() if name]
    for what, text in mapping.values().items():
        named += [(what, name) for name in ((text,) if text in known else parse(text).names)]
    for what, name in named:
        if name not in known:
            raise ImportProblem(
                "The mapping's {what} is “{name}”, but the file has no such column. The file has: {columns}.",
                what=what,
                name=name,
                columns=_names(columns),
            )


def plain(column: str) -> str:
    """A column's name as it is compared with the usual ones: small letters and digits only, full-width ones as usual ones."""
    return re.sub(r"[\W_]", "", unicodedata.normalize("NFKC", column)).lower()


def _complain(kind: str, data: Dictionary[str, Any], columns: Sequence[str]) -> None:
    """About what is most often missing, in words of its own."""
    if kind == "events" and not data.get("event") and not data.get("event_column"):
        raise ImportProblem(
            "Which events are these? Name them all (event), or name the column that does (event_column). The file has: {columns}.",
            columns=_names(columns),
        )
    if kind == "metrics" and not data.get("series") and not data.get("series_column"):
        raise ImportProblem(
            "Which numbers are these? Name them all (series), or name the column that does (series_column). The file has: {columns}.",
            columns=_names(columns),
        )
    if kind == "persons" and not any(data.get(name) for name in ("person", "anonymous", "ids")):
        raise ImportProblem("Which column holds the id of the person (person)? The file has: {columns}.", columns=_names(columns))
    if kind == "metrics" and not data.get("value"):
        raise ImportProblem("Which column holds the number (value)? The file has: {columns}.", columns=_names(columns))
    if kind == "costs" and not any(data.get(name) for name in ("cost", "impressions", "clicks")):
        raise ImportProblem("Which column holds the cost (cost)? The file has: {columns}.", columns=_names(columns))
    if kind != "persons" and not data.get("time"):
        raise ImportProblem("Which column says when it happened (time)? The file has: {columns}.", columns=_names(columns))


def _guesses(kind: str, data: Dictionary[str, Any], columns: Sequence[str]) -> dict[str, str]:
    usual: dict[str, str] = {}
    for column in columns:
        usual.setdefault(plain(column), column)
    taken = {str(value) for value in data.values() if isinstance(value, str)}
    named_alike = {"event_column": "event", "series_column": "series", "currency_column": "currency"}
    guessed: dict[str, str] = {}
    for what, names in GUESSES[kind].items():
        if what.partition(".")[0] in data or named_alike.get(what) in data:
            continue
        found = next((usual[name] for name in names if name in usual and usual[name] not in taken), None)
        if found is not None:
            guessed[what] = found
            taken.add(found)
    if kind == "persons" and "person" in guessed:  # then a mail address is a property like any other, unless somebody says otherwise
        guessed = {what: column for what, column in guessed.items() if not what.startswith("ids.")}
    return guessed


def _put(data: dict[str, Any], what: str, column: str) -> None:
    head, _, rest = what.partition(".")
    if rest:
        data[head] = {**data.get(head, {}), rest: column}
    else:
        data[head] = column


def _names(columns: Sequence[str]) -> str:
    return ", ".join([*columns[:30], *(["…"] if len(columns) > 30 else [])])


def _why(error: ValidationError) -> str:
    found = error.errors()[0]
    place = ".".join(str(part) for part in found["loc"])
    message = str(found["msg"]).removeprefix("Value error, ")
    return f"{place}: {message}" if place else message
