"""Pieces of a sentence: places filled, lists, answers, lengths of time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from schemas.instants import DAY, HOUR, MINUTE, SECOND
from schemas.policy.deadlines import Duration
from services.domain import words
from services.domain.words import Text

_PARTS: Final = 2  # units that a length of time is written with


def fill(template: Text, **values: object) -> Text:
    """Put values into their places; those that are texts in their own language."""
    zh = {name: v.zh if isinstance(v, Text) else v for name, v in values.items()}
    en = {name: v.en if isinstance(v, Text) else v for name, v in values.items()}
    return Text(template.zh.format(**zh), template.en.format(**en))


def joined(*parts: Text) -> Text:
    """One text after the other."""
    return Text("".join(part.zh for part in parts), "".join(part.en for part in parts))


def listed(texts: Iterable[Text]) -> Text:
    """With a comma between two of them."""
    found = list(texts)
    return Text("、".join(text.zh for text in found), ", ".join(text.en for text in found))


def answered(answers: Mapping[str, str]) -> Text:
    """The answers of a callback, by question; none if there is none."""
    known = [
        named.get(answers[question], Text(answers[question], answers[question]))
        for question, named in words.ANSWERS.items()
        if question in answers
    ]
    return joined(Text("（", "("), listed(known), Text("）", ")")) if known else words.NONE


def percent_of(thousandths: int) -> str:
    """Thousandths in percent: 900 are ``90``, 905 are ``90.5``."""
    whole, tenths = divmod(thousandths, 10)
    return f"{whole}.{tenths}" if tenths else str(whole)


def decimal_of(value: int) -> str:
    """Thousandths as a decimal: 900 are ``0.9``."""
    whole, rest = divmod(value, 1000)
    return f"{whole}.{rest:03d}".rstrip("0").rstrip(".")


def lasting(microseconds: int) -> Text:
    """A length of time by its two greatest units."""
    units = (
        (DAY, " 天", " d"),
        (HOUR, " 小时", " h"),
        (MINUTE, " 分钟", " min"),
        (SECOND, " 秒", " s"),
    )
    zh: list[str] = []
    en: list[str] = []
    for size, name_zh, name_en in units:
        count, microseconds = divmod(microseconds, size)
        if count and len(zh) < _PARTS:
            zh.append(f" {count}{name_zh}")
            en.append(f"{count}{name_en}")
    return Text("".join(zh), " ".join(en)) if zh else Text("不到 1 秒", "less than 1 s")


def length_of(duration: Duration | None) -> Text:
    """How long a unit has."""
    if duration is None:
        return words.NONE
    if duration.working_days is not None:
        days = duration.working_days
        return Text(f"{days} 个工作日", f"{days} working day{'s' if days > 1 else ''}")
    parts = (
        (duration.days, "天", "days"),
        (duration.hours, "小时", "hours"),
        (duration.minutes, "分钟", "minutes"),
    )
    return Text(
        " ".join(f"{count} {zh}" for count, zh, _ in parts if count),
        " ".join(f"{count} {en}" for count, _, en in parts if count),
    )
