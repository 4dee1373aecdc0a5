"""One evaluation of a standing ranking: the list, who is at the bottom, what changed. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from schemas.instants import Instant
from schemas.records import Position, Sums
from services.domain.adjustments import Adjustments
from services.domain.alerts import bottom_changes
from services.domain.policy import Policy, Rules
from services.domain.ranking import NO_ADJUSTMENTS, Ranking, rank_units
from services.domain.registry import Registry
from services.domain.windows import Window
from services.storage.evaluations import Alert, Evaluation, RankedLine, Series

KIND: Final = "street"
ENTERED: Final = "bottom_entered"
LEFT: Final = "bottom_left"


def evaluate_standing(
    *,
    series: Series,
    window: Window,
    registry: Registry,
    sums: Mapping[tuple[str, str], Sums],
    policy: Policy,
    as_of: Instant,
    positions: Mapping[int, Position],
    previous: Evaluation | None,
    rescored: bool = False,
    adjustments: Adjustments = NO_ADJUSTMENTS,
) -> Evaluation | None:
    """Rank the streets and compare with the previous evaluation of the same window.

    The version in force at the window's end scores it. ``adjustments`` are those in force.

    Returns None when the list is the one that ``previous`` has. Before the first evaluation of a
    cycle the bottom is empty, so everyone in it has entered. Not so if the streets of this window
    are only ranked by other rules now (``rescored``): then nothing happened that anyone is told.
    """
    rules = policy.at(window.ends_at - 1)
    ranking = rank_units(registry.of_kind(KIND), sums, rules, KIND, adjustments=adjustments)
    ranked = tuple(
        RankedLine(entry.unit.code, entry.rank, str(entry.score)) for entry in ranking.ranked
    )
    bottom = tuple(sorted(ranking.bottom()))
    if previous is not None and previous.ranked == ranked and previous.bottom == bottom:
        return None
    number = 1 if previous is None else previous.number + 1
    return Evaluation(
        series=series,
        window_from=window.begins_at,
        window_to=window.ends_at,
        number=number,
        as_of=as_of,
        positions=positions,
        ranked=ranked,
        bottom=bottom,
        alerts=() if rescored else _alerts(ranking, previous, series, number, rules),
    )


def _alerts(
    ranking: Ranking, previous: Evaluation | None, series: Series, number: int, rules: Rules
) -> tuple[Alert, ...]:
    """What the version's alert rules tell of the changes at the bottom of the list."""
    before = frozenset(previous.bottom if previous is not None else ())
    changes = bottom_changes(before, ranking.bottom())
    units_of = {ENTERED: changes.entered, LEFT: changes.left}
    return tuple(
        Alert(alert_id(rule, series, unit, number), rule, unit)
        for rule in (ENTERED, LEFT)
        if rule in {alert.rule for alert in rules.document.alerts}
        for unit in units_of[rule]
    )


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
