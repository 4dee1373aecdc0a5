"""Which orders an indicator's filter lets in (docs/policies.md)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from schemas.policy.indicators import Filter

if TYPE_CHECKING:
    from services.domain.work_order import WorkOrder

Test = Callable[["WorkOrder"], bool]

_SINGLE: Final = ("demand_type", "channel", "urgency", "community")


def tests_of(wanted: Filter, unit_groups: Mapping[str, Sequence[str]]) -> list[Test]:
    """What an order must fit, a test for each key of the filter."""
    tests: list[Test] = []
    single = {name: getattr(wanted, name) for name in _SINGLE}
    tests += [_is_one(field, frozenset(words)) for field, words in single.items() if words]
    several = {"category": wanted.category, "tags": wanted.tag}
    tests += [_has_one(field, frozenset(words)) for field, words in several.items() if words]
    if wanted.unit or wanted.unit_group:
        groups = (unit_groups[name] for name in wanted.unit_group or ())
        members = frozenset().union(*groups)
        if wanted.unit:
            units = frozenset(wanted.unit)
            members = members & units if wanted.unit_group else units
        tests.append(lambda order: order.lead in members)
    return tests


def _is_one(field: str, words: frozenset[str]) -> Test:
    return lambda order: order.received.get(field) in words


def _has_one(field: str, words: frozenset[str]) -> Test:
    return lambda order: not words.isdisjoint(order.received.get(field, ()))
