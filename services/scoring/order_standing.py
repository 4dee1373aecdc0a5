"""One evaluation of what is told of single orders: no list, only alerts, in one insert with them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from schemas.policy.alerts import AlertRule
from schemas.records import Position
from services.domain import alerting
from services.domain.alerting import Tracks
from services.domain.order_alerts import Occurrence, OrderTurn, order_turns
from services.scoring.standing import Picture, alert_id
from services.storage.evaluations import Alert, Evaluation

Asker = Callable[[AlertRule, Mapping[int, Position]], Sequence[Occurrence]]
"""Gives what was never told, of orders with events since positions; `services.storage.order_watch`."""


def evaluate_orders(
    picture: Picture, previous: Evaluation | None, untold: Asker, *, rescored: bool = False
) -> Evaluation:
    """Ask every rule about the orders.

    Args:
        picture: Of whom, in which window, when, and the rules, all of them about orders.
        previous: The evaluation before, of the same window; None before the first. If the orders
            are only judged by other rules now (``rescored``): the last one under the earlier rules.
            Then all that comes to light is found later, as it is under a rule that is new.
        untold: See `Asker`.
        rescored: See ``previous``.
    """
    number = 1 if previous is None or rescored else previous.number + 1
    asked: Mapping[str, Tracks] = {}
    if previous is not None and previous.state is not None and not rescored:
        asked = previous.state
    alerts: list[Alert] = []
    told: list[str] = []
    for rule in picture.alerts:
        goes_on = previous is not None and rule.called in asked
        since = previous.positions if previous is not None and goes_on else {}
        found = untold(rule, since)
        turns = order_turns(
            rule, found, picture.as_of, is_found_later=previous is not None and not goes_on
        )
        alerts += [_alert(picture, rule, turn, number) for turn in turns]
        told += sorted(each.key(rule.called) for each in found)
    return Evaluation(
        series=picture.series,
        window_from=picture.window.begins_at,
        window_to=picture.window.ends_at,
        number=number,
        as_of=picture.as_of,
        positions=picture.positions,
        ranked=(),
        bottom=(),
        alerts=tuple(alerts),
        state={rule.called: {} for rule in picture.alerts},
        told=tuple(told),
    )


def _alert(picture: Picture, rule: AlertRule, turn: OrderTurn, number: int) -> Alert:
    # A unit may have both in one evaluation: what is news, and what is found later.
    whose = f"{turn.unit}:{turn.withheld}" if turn.withheld else turn.unit
    return Alert(
        id=alert_id(rule.called, picture.series, whose, number),
        kind=rule.rule,
        unit=turn.unit,
        name=rule.called,
        withheld=turn.withheld,
        not_before=alerting.not_before(rule.quiet, picture.as_of, picture.zone),
        recipients=tuple(rule.recipients),
        evidence=turn.evidence,
    )
