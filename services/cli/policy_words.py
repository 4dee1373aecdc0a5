"""The words of a policy as people read them, in Chinese and English."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from decimal import Decimal
from typing import Any, Final

from pydantic import BaseModel

from schemas.policy.deadlines import Deadline, Duration
from schemas.policy.document import Cycle, Rules
from schemas.policy.indicators import Indicator
from schemas.policy.scores import RankingRules, Score

_DENOMINATORS: Final = {
    "valid_callbacks": "有效回访 valid callbacks",
    "settled": "已完成或已到期 done or due",
    "closed": "已办结 closed",
    "assessed": "全部参评 all assessed",
}
_ATTRIBUTIONS: Final = {
    "created": "受理时 received",
    "due": "到期时 due",
    "closed": "办结时 closed",
    "callback": "回访时 callback",
}
_SOURCES: Final = {
    "contacted": "是否联系 contacted?",
    "solved": "是否解决 solved?",
    "satisfaction": "是否满意 satisfied?",
    "effect": "办理效果 effect",
    "attitude": "工作态度 attitude",
    "sign_time": "签收时限 signed in time",
    "contact_time": "联系时限 contacted in time",
    "resolve_time": "办结时限 resolved in time",
    "evidence": "影像证明 evidence",
}
_FULL: Final = 1000


def cycle_text(cycle: Cycle) -> str:
    """How business time is cut."""
    if cycle.kind == "quarter":
        first = "季度 quarters"
    elif cycle.start_day == 1:
        first = "自然月 calendar months"
    else:
        first = f"每月 {cycle.start_day} 日起 months from day {cycle.start_day}"
    return (
        f"{first}, {cycle.start_hour}:00; 日 {cycle.day_cut}:00 切分 days cut at {cycle.day_cut}:00; 周 weeks from "
        f"{cycle.week_starts}; 考核年 year from month {cycle.year_starts}"
    )


def period_text(first: date | None, last: date | None) -> str:
    """[from, to)."""
    begins = "起始 the beginning" if first is None else f"{first:%Y-%m-%d}"
    return f"{begins} – " + ("至今 on" if last is None else f"{last:%Y-%m-%d}")


def source_text(indicator: Indicator) -> str:
    """Who is in the denominator, or what the indicator is made of."""
    if indicator.parts is not None:
        return "由 made of " + _listed(f"{code} {n}" for code, n in indicator.parts.items())
    if indicator.all_of is not None:
        return "同时满足 all of " + ", ".join(indicator.all_of)
    return _DENOMINATORS.get(indicator.denominator or "", "")


def numerator_text(indicator: Indicator) -> str:
    """What is asked, and what the answers are worth that are worth something."""
    numerator = indicator.numerator
    if numerator is None:
        return ""
    grades = [
        grade if worth == _FULL else f"{grade} {_number(Decimal(worth) / _FULL)}"
        for grade, worth in numerator.grades.items()
        if worth
    ]
    return f"{_SOURCES[numerator.source]}: {_listed(grades)}"


def attribution_text(indicator: Indicator) -> str:
    """When it is booked."""
    return _ATTRIBUTIONS.get(indicator.attribution or "", "")


def notes_text(indicator: Indicator) -> str:
    """Filter and floor."""
    notes = [_pairs(indicator.filter)] if _pairs(indicator.filter) else []
    if indicator.floor is not None:
        notes.append(f"底线 floor {_number(indicator.floor)} %")
    return "; ".join(notes)


def worth_text(code: str, score: Score) -> str:
    """The weight of an indicator, or its points."""
    if score.weights is not None:
        return _number(score.weights[code]) if code in score.weights else ""
    points = (score.points or {}).get(code)
    if points is None:
        return ""
    return (
        f"{_number(points.maximum)} 分 points, −{_number(points.per_point)} / % < "
        f"{_number(points.threshold)} %, ≥ {_number(points.minimum)}"
    )


def match_text(deadline: Deadline) -> str:
    """For which orders a deadline is."""
    return _pairs(deadline.match) or "其余 all others"


def duration_text(duration: Duration | None) -> str:
    """How long a unit has."""
    if duration is None:
        return ""
    if duration.working_days is not None:
        text = f"{duration.working_days} 个工作日 working days"
        if duration.starts == "same_day":
            text += " (当日起 the day itself counts)"
        return text + (" (同一时刻 same time of day)" if duration.ends == "same_time" else "")
    units = (
        (duration.days, "天 d"), (duration.hours, "小时 h"), (duration.minutes, "分钟 min"),
    )  # fmt: skip
    return " ".join(f"{count} {unit}" for count, unit in units if count)


def score_text(score: Score) -> str:
    """Where the score is rounded, and what is added to it."""
    places = [f"总分 total {_number(score.total)}", f"保留 {score.decimals} 位 decimals"]
    if score.rate_decimals is not None:
        places.append(f"率先取 {score.rate_decimals} 位 rates rounded first")
    if score.point_decimals is not None:
        places.append(f"各项分 {score.point_decimals} 位 points rounded")
    if (caps := score.adjustments) is not None:
        bonus, deduction = (
            "不限 no limit" if cap is None else _number(cap)
            for cap in (caps.bonus_cap, caps.deduction_cap)
        )
        places.append(f"加分 bonus ≤ {bonus}, 减分 deduction ≤ {deduction}")
    return "; ".join(places)


def ranking_text(ranking: RankingRules) -> str:
    """Ties, bottom and sample."""
    ties = "并列看工单量 by volume" if ranking.ties == "volume" else "并列同名次 shared"
    text = f"{ties}; 末位 bottom {ranking.bottom}; 最少样本 minimum sample {ranking.minimum_sample}"
    if ranking.listed_from is None:
        return text
    return (
        f"{text}; 至少 {ranking.listed_from} 个单位才列末位 bottom from {ranking.listed_from} units"
    )


def other_rules(rules: Rules) -> Iterator[tuple[str, str]]:
    """Everything else that a version says, by key."""
    types = rules.assessed_types
    yield "assessed_types 参评类型", "全部 all" if types == "all" else ", ".join(types)
    yield "callbacks 回访", _pairs(rules.callbacks)
    yield "extensions 延期", _pairs(rules.extensions)
    yield "returns 退单", _pairs(rules.returns)
    yield "suspensions 挂账", _pairs(rules.suspensions)
    yield "reopening 重办", _pairs(rules.reopening)
    grounds = "任何理由 any ground" if rules.exclusions is None else ""
    yield "exclusions 剔除", grounds or "; ".join(_pairs(entry) for entry in rules.exclusions or ())
    for entry in rules.rankings:
        yield f"rankings 排名: {entry.kind} {entry.group or ''}".strip(), _pairs(entry)
    for department in rules.line_departments:
        yield "line_departments 行业部门", _pairs(department)
    yield "classes 分类", _pairs(rules.classes)
    if rules.annual is not None:
        yield "annual 年度", _pairs(rules.annual)


def _pairs(part: BaseModel) -> str:
    return _value(part.model_dump(by_alias=True, exclude_none=True, exclude_defaults=False))


def _value(value: Any) -> str:
    if isinstance(value, Mapping):
        return "; ".join(f"{key} {_value(inner)}" for key, inner in value.items() if inner)
    if isinstance(value, list):
        return _listed(map(_value, value))
    return _number(value) if isinstance(value, Decimal) else str(value)


def _listed(words: Iterable[str]) -> str:
    return ", ".join(words)


def _number(value: Decimal) -> str:
    return f"{value.normalize():f}"
