"""One evaluation of a standing ranking: the list, what the alert rules say of it, what is told."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from schemas.instants import MINUTE, Instant
from schemas.policy.alerts import AlertRule
from schemas.records import Position, Sums, Unit
from services.domain import alerting
from services.domain.adjustments import Adjustments
from services.domain.alerting import Moved, Track, Tracks, Turn
from services.domain.alerting_conditions import Evidence, Standing, met
from services.domain.alerting_signs import NO_SIGNS, UnitSigns
from services.domain.ranking import NO_ADJUSTMENTS, RankedUnit, Ranking, rank
from services.domain.scorings import Scoring
from services.domain.windows import Window
from services.storage.evaluations import Alert, Evaluation, RankedLine, Series

ENTERED: Final = "bottom_entered"
LEFT: Final = "bottom_left"

CHECKED_EVERY: Final = 15 * MINUTE
"""An evaluation is stored at least so often, changed or not.

Whether events came late is asked of those between two evaluations, which may not lie apart for as
long as an alert rule takes an event for news (an hour at least).
"""

Reader = Callable[[Collection[str], Mapping[int, Position]], Mapping[str, Moved]]
"""Gives the orders that moved units since positions; see `services.storage.movers`."""


class Picture(NamedTuple):
    """What is evaluated: one list at one instant, under one version and its alert rules."""

    series: Series
    window: Window
    units: Sequence[Unit]
    sums: Mapping[tuple[str, str], Sums]
    scoring: Scoring
    alerts: Sequence[AlertRule]
    zone: ZoneInfo
    as_of: Instant
    positions: Mapping[int, Position]
    adjustments: Adjustments = NO_ADJUSTMENTS
    governed: frozenset[str] = frozenset()
    signs: UnitSigns = NO_SIGNS


def evaluate_standing(
    picture: Picture,
    previous: Evaluation | None,
    moved: Reader,
    *,
    rescored: bool = False,
) -> Evaluation | None:
    """Rank the units, and compare with the previous evaluation of the same list.

    Args:
        picture: What is evaluated.
        previous: The evaluation before, of the same window; None before the first, when nothing
            holds of anybody. If the list is only scored by other rules now (``rescored``): the last
            one under the earlier rules. Then whatever changed is found later.
        moved: Asked only when something changed that a rule is about.
        rescored: See ``previous``.

    Returns:
        None if nothing changed and the last evaluation is not `CHECKED_EVERY` old.
    """
    standing = Standing(
        rank(picture.units, picture.sums, picture.scoring, picture.adjustments),
        picture.scoring,
        picture.governed,
        picture.signs,
    )
    ranking = standing.ranking
    ranked = tuple(
        RankedLine(entry.unit.code, entry.rank, str(entry.score)) for entry in ranking.ranked
    )
    bottom = tuple(sorted(ranking.bottom()))
    number = 1 if previous is None or rescored else previous.number + 1
    told = _told(picture, standing, previous, moved, number, rescored=rescored)
    if previous is not None and not rescored:
        same = previous.ranked == ranked and previous.bottom == bottom
        fresh = picture.as_of - previous.as_of < CHECKED_EVERY
        if same and fresh and not told.alerts and told.state == previous.state:
            return None
    return Evaluation(
        series=picture.series,
        window_from=picture.window.begins_at,
        window_to=picture.window.ends_at,
        number=number,
        as_of=picture.as_of,
        positions=picture.positions,
        ranked=ranked,
        bottom=bottom,
        alerts=told.alerts,
        state=told.state,
    )


class _Told(NamedTuple):
    state: dict[str, Tracks]
    alerts: tuple[Alert, ...]


def _told(
    picture: Picture,
    standing: Standing,
    previous: Evaluation | None,
    moved: Reader,
    number: int,
    *,
    rescored: bool,
) -> _Told:
    """What the alert rules say of the list."""
    before = {} if previous is None else _state(previous)
    found = {rule.called: met(rule, standing) for rule in picture.alerts}
    turning = {
        rule.called: alerting.turning(found[rule.called], before.get(rule.called, {}))
        for rule in picture.alerts
    }
    behind = {
        unit: _behind(unit, standing.ranking, previous)
        for units in turning.values()
        for unit in units
    }
    asked = {unit for units in behind.values() for unit in units}
    since = {} if previous is None or rescored else previous.positions
    orders = moved(asked, since) if asked and not rescored else {}
    state: dict[str, Tracks] = {}
    alerts: list[Alert] = []
    for rule in picture.alerts:
        late = {
            unit
            for unit in turning[rule.called]
            if rescored
            or (previous is not None and rule.called not in before)  # the rule is new
            or alerting.is_late(
                rule,
                [orders[each] for each in behind[unit] if each in orders],
                picture.as_of,
                None if previous is None else previous.as_of,
            )
        }
        tracks, turns = alerting.advance(
            rule,
            found[rule.called],
            before.get(rule.called, {}),
            picture.as_of,
            late=late,
            moved=orders,
        )
        state[rule.called] = tracks
        alerts += [
            Alert(
                id=alert_id(rule.called, picture.series, turn.unit, number),
                kind=rule.rule,
                unit=turn.unit,
                name=rule.called,
                withheld=turn.withheld,
                not_before=alerting.not_before(rule.quiet, picture.as_of, picture.zone),
                recipients=tuple(rule.recipients),
                evidence=evidence(
                    turn, standing.ranking, previous, found[rule.called].get(turn.unit, {})
                ),
            )
            for turn in turns
        ]
    return _Told(state, tuple(alerts))


def _state(previous: Evaluation) -> Mapping[str, Tracks]:
    """What the rules know; of evaluations stored before rules had a state, the bottom is it."""
    if previous.state is not None:
        return previous.state
    inside = {unit: Track(holds=True) for unit in previous.bottom}
    return {ENTERED: inside, LEFT: inside}


def _behind(unit: str, ranking: Ranking, previous: Evaluation | None) -> frozenset[str]:
    """Whose orders may have moved a unit: its own, and those of the units that it changed places with.

    If it fell, those that passed it, and if it rose, those that it passed. Where there was no
    bottom before, also those of units that are ranked for the first time.
    """
    before = [] if previous is None else [line.unit for line in previous.ranked]
    now = [entry.unit.code for entry in ranking.ranked]
    arrived = frozenset(now) - frozenset(before)
    behind = frozenset({unit})
    if previous is None or not previous.bottom:
        behind |= arrived
    if unit in before and unit in now:
        followed = frozenset(before[before.index(unit) + 1 :])
        follows = frozenset(now[now.index(unit) + 1 :]) - arrived
        passed, fell = followed - follows, follows - followed
        behind |= passed if len(passed) >= len(fell) else fell
    return behind


def evidence(
    turn: Turn, ranking: Ranking, previous: Evaluation | None, shown: Evidence
) -> dict[str, Any]:
    """The numbers of an alert: rank and score now and before, the distance to the line, orders.

    The margin is that to the nearest score on the other side of the line, negative at the bottom.
    """
    found: dict[str, Any] = {}
    own = next((entry for entry in ranking.ranked if entry.unit.code == turn.unit), None)
    if own is not None:
        found |= {"rank": own.rank, "score": str(own.score)}
        margin = _margin(own, ranking)
        if margin is not None:
            found["margin"] = f"{margin:f}"
    before = None if previous is None else _line_of(previous, turn.unit)
    if before is not None:
        found |= {"previous_rank": before.rank, "previous_score": before.score}
    found |= shown
    if turn.total:
        found["orders"] = list(turn.orders)
        found["more_orders"] = turn.total - len(turn.orders)
    return found


def _margin(own: RankedUnit, ranking: Ranking) -> Decimal | None:
    across = [entry.score for entry in ranking.ranked if entry.bottom != own.bottom]
    if not across:
        return None
    return own.score - (min(across) if own.bottom else max(across))


def _line_of(previous: Evaluation, unit: str) -> RankedLine | None:
    return next((line for line in previous.ranked if line.unit == unit), None)


def alert_id(rule: str, series: Series, unit: str, number: int) -> str:
    """The same for the same alert, however often it is sent."""
    parts = (
        rule,
        str(series.ruleset),
        series.ranking,
        series.kind,
        series.group,
        series.window_kind,
        series.window_name,
        unit,
        str(number),
    )
    return ":".join(parts)
