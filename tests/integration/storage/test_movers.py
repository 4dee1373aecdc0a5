"""The orders that moved a unit between two positions of the log."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pytest

from schemas.instants import DAY, MINUTE, Instant
from schemas.records import Event, Position
from services.domain.alerting import ORDERS, Moved
from services.storage.movers import Range, movers
from tests.integration.api.city import CYCLE_BEGINS, NOW, STREETS, City, open_city
from tests.support.orders import event, local, rated

CYCLE_ENDS = local("2026-11-19 00:00")
UNIT, OTHER, THIRD = (street.code for street in STREETS[:3])


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    with open_city(tmp_path_factory.mktemp("movers") / "engine") as found:
        yield found


def order(subject: str, unit: str, at: Instant) -> list[Event]:
    return [
        event("received", at, subject=subject, demand_type="help"),
        event("dispatched", at + MINUTE, subject=subject, unit=unit),
        rated(at + 2 * MINUTE, "satisfied", subject=subject),
    ]


def positions(city: City) -> Mapping[int, Position]:
    marks = city.context().readers.flush_marks(city.ruleset)
    return {shard: mark.position for shard, mark in marks.items()}


def moved(city: City, since: Mapping[int, Position], *units: str) -> dict[str, Moved]:
    of = Range(city.ruleset, "lead", CYCLE_BEGINS, CYCLE_ENDS)
    return movers(city.database, of, units, since, positions(city))


def test_they_are_those_of_the_units_asked_for_in_the_window_and_between_the_positions(
    city: City,
) -> None:
    first = [f"早-{n}" for n in range(4)]
    city.store(each for subject in first for each in order(subject, UNIT, NOW - 3 * DAY))
    before = positions(city)
    second = [f"晚-{n:02d}" for n in range(30)]
    city.store(
        [
            *(each for subject in second for each in order(subject, UNIT, NOW - DAY)),
            *order("别-1", OTHER, NOW - 2 * DAY),
            *order("别-2", THIRD, NOW),
            *order("旧-1", UNIT, NOW - 300 * DAY),  # of another window
        ]
    )

    assert moved(city, before, UNIT, OTHER) == {
        UNIT: Moved(tuple(second[:ORDERS]), 30, NOW - DAY),
        OTHER: Moved(("别-1",), 1, NOW - 2 * DAY),
    }
    everything = moved(city, {}, UNIT)[UNIT]
    assert (everything.total, everything.oldest) == (34, NOW - 3 * DAY)
    assert moved(city, positions(city), UNIT, OTHER) == {}


def test_a_new_log_goes_on_after_the_old_one(city: City) -> None:
    city.store(order("新-1", THIRD, NOW - DAY))
    later = {shard: Position(at.epoch + 1, 3) for shard, at in positions(city).items()}
    assert moved(city, {shard: Position(0, 99) for shard in later}, THIRD)[THIRD].total == 2
    of = Range(city.ruleset, "lead", CYCLE_BEGINS, CYCLE_ENDS)
    assert movers(city.database, of, [THIRD], positions(city), later) == {}
