"""Alerts in Chinese, for chat and mail. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

_RULES: Final = {
    "bottom_entered": "进入末位",
    "bottom_left": "退出末位",
    "at_risk": "有进入末位的风险",
    "last_district": "区排名末位",
    "last_department": "部门排名末位",
    "last_company": "企业排名末位",
    "top_volume": "诉求量居前且未列入治理",
    "rate_below": "指标低于阈值",
    "below_floor": "指标低于底线",
    "deadline_near": "工单临近办理期限",
    "reopened_often": "工单多次重办",
    "transferred_often": "工单多次转派",
    "excluded_apart": "剔除比例明显高于同组",
    "returned_apart": "退单比例明显高于同组",
    "suspended_apart": "挂账比例明显高于同组",
    "closed_unsolved": "已办结工单回访未联系或未解决比例高",
    "closed_last_hour": "期限前最后一小时集中办结",
    "ratings_apart": "不同来源的满意率相差悬殊",
}
_NUMBERS: Final = (
    ("rank", "名次"),
    ("score", "得分"),
    ("margin", "与末位线差距"),
    ("previous_rank", "上次名次"),
    ("volume", "工单量"),
    ("indicator", "指标"),
    ("rate", "率"),
    ("count", "件数"),
    ("of", "基数"),
    ("share", "占比"),
    ("peers", "其他单位占比"),
    ("highest", "最高"),
    ("lowest", "最低"),
    ("threshold", "阈值"),
    ("hours", "提前小时数"),
    ("due", "最早期限"),
    ("times", "次数"),
)


class AlertText(NamedTuple):
    """A title and what stands below it."""

    title: str
    text: str


def alert_text(
    rule: str, unit: str, window: str, evidence: Mapping[str, Any], at: str
) -> AlertText:
    """One alert; ``unit`` is its name, ``at`` local time. Numbers that are not known are left out."""
    happened = _RULES.get(rule, rule)
    numbers = [
        f"{label} {evidence[name]}"
        for name, label in _NUMBERS
        if isinstance(evidence.get(name), int | str)
    ]
    told = "，".join([f"{unit}在 {window} 中{happened}", *numbers])
    return AlertText(f"{unit}：{happened}", f"{told}。截至 {at}")
