"""Which lists are ranked again and again, and what each is made of. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal, NamedTuple

from schemas.instants import QUARTER_HOUR, Instant
from schemas.policy.alerts import EACH_GROUP, ORDER_RULES, ORDER_SIGNS, AlertRule
from services.domain.policy import Policy
from services.domain.registry import Registry
from services.domain.windows import ROLLING, Window, window

Part = Literal["", "signs", "orders"]
"""What is evaluated of a list: the ranking, or what only the orders themselves tell of its units.

The store is asked for the latter, so that is not done every second (docs/alerts.md).
"""

SIGNS: Final[Part] = "signs"
ORDERS: Final[Part] = "orders"

_BEFORE_PART: Final = "-"

_ALWAYS: Final[tuple[str, str, str, Part]] = ("street", "", "cycle", "")
"""Ranked whatever the rules say: the stream tells it."""


class RankedList(NamedTuple):
    """Units of one kind (and group, or "") in one kind of window, with the rules about them.

    All rules of a list are of one part.
    """

    kind: str
    group: str
    window_kind: str
    alerts: tuple[AlertRule, ...]
    part: Part = ""


def lists_of(rules: Sequence[AlertRule], registry: Registry) -> list[RankedList]:
    """The lists that alert rules are about, and the standing ranking of the streets.

    Rankings come first, so that they do not wait for what takes longer.
    """
    found: dict[tuple[str, str, str, Part], list[AlertRule]] = {_ALWAYS: []}
    for rule in rules:
        kind, part = rule.unit_kind, part_of(rule)
        groups = registry.groups(kind) if rule.group == EACH_GROUP else (rule.group or "",)
        for group in groups:
            found.setdefault((kind, group, rule.window, part), []).append(rule)
    lists = [
        RankedList(kind, group, window_kind, tuple(alerts), part)
        for (kind, group, window_kind, part), alerts in found.items()
    ]
    return sorted(lists, key=lambda listed: listed.part != "")


def part_of(rule: AlertRule) -> Part:
    """Where a rule is evaluated."""
    if rule.rule in ORDER_RULES:
        return ORDERS
    return SIGNS if rule.rule in ORDER_SIGNS else ""


def series_ranking(ranking: str, part: Part) -> str:
    """The name under which evaluations of a part are stored, apart from the ranking's own."""
    return f"{ranking}{_BEFORE_PART}{part}" if part else ranking


def ranking_of(series_ranking: str) -> str:
    """The ranking that a name of `series_ranking` is of."""
    return series_ranking.partition(_BEFORE_PART)[0]


def window_of(policy: Policy, kind: str, as_of: Instant) -> Window:
    """The window of a kind at an instant.

    Counters are kept by quarter hours, so a rolling one ends with the quarter hour that ``as_of``
    lies in. It moves on under one name, and what is known of a unit stays known.
    """
    if kind not in ROLLING:
        return window(policy, kind, None, as_of)
    ends_at = as_of - as_of % QUARTER_HOUR + QUARTER_HOUR
    return Window(kind, kind, ends_at - ROLLING[kind], ends_at)
