"""Which lists are ranked again and again, and what each is made of. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from schemas.instants import QUARTER_HOUR, Instant
from schemas.policy.alerts import EACH_GROUP, AlertRule
from services.domain.policy import Policy
from services.domain.registry import Registry
from services.domain.windows import ROLLING, Window, window

_ALWAYS: Final = ("street", "", "cycle")
"""Ranked whatever the rules say: the stream tells it."""


class RankedList(NamedTuple):
    """Units of one kind (and group, or "") in one kind of window, with the rules about them."""

    kind: str
    group: str
    window_kind: str
    alerts: tuple[AlertRule, ...]


def lists_of(rules: Sequence[AlertRule], registry: Registry) -> list[RankedList]:
    """The lists that alert rules are about, and the standing ranking of the streets."""
    found: dict[tuple[str, str, str], list[AlertRule]] = {_ALWAYS: []}
    for rule in rules:
        kind = rule.unit_kind
        groups = registry.groups(kind) if rule.group == EACH_GROUP else (rule.group or "",)
        for group in groups:
            found.setdefault((kind, group, rule.window), []).append(rule)
    return [RankedList(*key, tuple(alerts)) for key, alerts in found.items()]


def window_of(policy: Policy, kind: str, as_of: Instant) -> Window:
    """The window of a kind at an instant.

    Counters are kept by quarter hours, so a rolling one ends with the quarter hour that ``as_of``
    lies in. It moves on under one name, and what is known of a unit stays known.
    """
    if kind not in ROLLING:
        return window(policy, kind, None, as_of)
    ends_at = as_of - as_of % QUARTER_HOUR + QUARTER_HOUR
    return Window(kind, kind, ends_at - ROLLING[kind], ends_at)
