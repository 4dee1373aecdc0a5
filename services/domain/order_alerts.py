"""What is told of single orders, once each (domain.md 4.5). Pure.

* ``deadline_near``: the order is open and will be overdue ``hours`` hours from then, if nothing
  happens. Of orders whose whole term is no longer than that nothing is told.
* ``reopened_often``: it was reopened for the ``times``-th time.
* ``transferred_often``: its lead unit changed for the ``times``-th time.

Each has the instant at which it came to be so. What came to be so long before anyone looked is found
later, like a change of places (docs/decisions/0009-alerts.md).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from schemas.instants import HOUR, Instant, format_instant
from schemas.policy.alerts import AlertRule
from schemas.records import Event, LoggedEvent
from services.domain.alerting import FOUND_LATER, Withheld
from services.domain.corrections import in_order

_HOURS: Final = 24
_TIMES: Final = 3
_NAMED: Final = 200
"""So many orders an alert names: whoever is told has to find them."""


class Occurrence(NamedTuple):
    """An order of which something is told.

    ``at``: since when it is so. ``due``: when it will be overdue, or 0 if that is not told of.
    """

    subject: str
    unit: str
    at: Instant
    due: Instant = 0

    def key(self, rule: str) -> str:
        """By which it is known that it was told: another deadline is told again."""
        return told_key(rule, self.due, self.subject)


class OrderTurn(NamedTuple):
    """An alert to be given: on whom, and its orders."""

    unit: str
    withheld: Withheld
    evidence: Mapping[str, Any]


def told_key(rule: str, due: Instant | str, subject: str) -> str:
    """How it is stored that something was told of an order."""
    return f"{rule} {due} {subject}"


def hours_of(rule: AlertRule) -> int:
    """How long before a deadline is told of it."""
    return rule.hours or _HOURS


def times_of(rule: AlertRule) -> int:
    """How often something has to happen."""
    return rule.times or _TIMES


def transfers(logged: Iterable[LoggedEvent]) -> list[Instant]:
    """When the lead unit of an order changed, its first unit left out.

    An order that comes back to the unit that returned it has not been transferred.

    Args:
        logged: All events of one order in the order of the log.
    """
    first: dict[tuple[str, str], Event] = {}
    for each in logged:
        first.setdefault((each.event.source, each.event.id), each.event)
    found: list[Instant] = []
    lead = ""
    for event in in_order(first.values()):
        unit = event.data.get("unit", "") if event.type == "dispatched" else ""
        if unit and unit != lead:
            found += [event.occurred_at] if lead else []
            lead = unit
    return found


def order_turns(
    rule: AlertRule, occurrences: Sequence[Occurrence], as_of: Instant, *, is_found_later: bool
) -> list[OrderTurn]:
    """One alert for each unit, and one for what is found later of it.

    Args:
        rule: What was asked.
        occurrences: Those that were not told before.
        as_of: Of this evaluation.
        is_found_later: All of it is: the rule, or the ruleset, was not asked before.
    """
    oldest_news = as_of - rule.news_within_hours * HOUR
    by_unit: dict[tuple[str, Withheld], list[Occurrence]] = {}
    for each in occurrences:
        late = is_found_later or each.at < oldest_news
        withheld: Withheld = FOUND_LATER if late else ""
        by_unit.setdefault((each.unit, withheld), []).append(each)
    return [
        OrderTurn(unit, withheld, order_evidence(rule, own))
        for (unit, withheld), own in sorted(by_unit.items())
    ]


def order_evidence(rule: AlertRule, occurrences: Sequence[Occurrence]) -> dict[str, Any]:
    """The orders by number, some of them by name, and what is told of them."""
    subjects = sorted(each.subject for each in occurrences)
    found: dict[str, Any] = {}
    if rule.rule == "deadline_near":
        found["hours"] = hours_of(rule)
        found["due"] = format_instant(min(each.due for each in occurrences))
    else:
        found["times"] = times_of(rule)
    found["orders"] = subjects[:_NAMED]
    found["more_orders"] = len(subjects) - len(found["orders"])
    return found
