"""Evaluations of a standing ranking, as the ranking agent stores them."""

from __future__ import annotations

from schemas.records import Position
from services.storage import evaluations
from services.storage.evaluations import Alert, Evaluation, RankedLine, Series
from tests.integration.api.city import CYCLE_BEGINS, City
from tests.support.orders import local

CYCLE_ENDS = local("2026-11-19 00:00")
UNIT = "110101001"
OTHER = "110101002"
SAFE = "110101003"


def series_of(city: City) -> Series:
    return Series(city.ruleset, "lead", "street", "", "cycle", "2026-11")


def evaluate(city: City, number: int, *alerts: Alert) -> Evaluation:
    """Store one evaluation, with these alerts."""
    evaluation = Evaluation(
        series=series_of(city),
        window_from=CYCLE_BEGINS,
        window_to=CYCLE_ENDS,
        number=number,
        as_of=city.now + number,
        positions={0: Position(1, number)},
        ranked=(
            RankedLine(SAFE, 1, "95.00"),
            RankedLine(OTHER, 2, "88.15"),
            RankedLine(UNIT, 3, "88.12"),
        ),
        bottom=(UNIT, OTHER),
        alerts=alerts,
    )
    evaluations.write(city.database, evaluation)
    return evaluation


def entered(unit: str, number: int) -> Alert:
    """The alert of a unit that came into the bottom."""
    return Alert(
        f"bottom_entered:1:lead:street::cycle:2026-11:{unit}:{number}", "bottom_entered", unit
    )


def left(unit: str, number: int) -> Alert:
    """The alert of a unit that left the bottom."""
    return Alert(f"bottom_left:1:lead:street::cycle:2026-11:{unit}:{number}", "bottom_left", unit)
