"""Which lists are ranked again and again, and what each is made of. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from schemas.instants import QUARTER_HOUR, Instant
from schemas.policy.alerts import EACH_GROUP, AlertRule
from schemas.records import ZERO, Sums, Unit
from services.domain.policy import Policy
from services.domain.registry import Registry
from services.domain.windows import ROLLING, Window, window

DISTRICT: Final = "district"

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


def parts_of(unit: Unit, registry: Registry) -> list[str]:
    """The codes whose orders are a unit's: its own, and those of a district's other units."""
    if unit.kind != DISTRICT:
        return [unit.code]
    return [unit.code, *(each.code for each in registry if each.parent == unit.code)]


def pooled_by_district(
    sums: Mapping[tuple[str, str], Sums], registry: Registry
) -> dict[tuple[str, str], Sums]:
    """The sums of every district: its own and its units' numerators and denominators, added."""
    found: dict[tuple[str, str], Sums] = {}
    for (code, indicator), own in sums.items():
        unit = registry.get(code)
        district = None if unit is None else _district_of(unit, registry)
        if district is not None:
            total = found.get((district, indicator), ZERO)
            found[district, indicator] = Sums(
                total.denominator + own.denominator, total.numerator + own.numerator
            )
    return found


def _district_of(unit: Unit, registry: Registry) -> str | None:
    if unit.kind == DISTRICT:
        return unit.code
    parent = registry.get(unit.parent)
    return parent.code if parent is not None and parent.kind == DISTRICT else None
