"""Whoever ranks after someone else did ranks from what the store holds now, not from what he knew."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from schemas.instants import DAY
from schemas.records import Event
from services.scoring.context import ScoringContext
from services.storage import evaluations
from services.storage.evaluations import Series
from tests.integration.api.city import CYCLE_BEGINS, STREETS, City, open_city
from tests.integration.scoring.rankers import Ranker, rankers, subjects
from tests.support.orders import rated_order

FIRST, SECOND = (street.code for street in STREETS[:2])


@pytest.fixture
def city(tmp_path: Path) -> Iterator[City]:
    with open_city(tmp_path / "engine") as found:
        yield found


@pytest.fixture
def context(city: City) -> Iterator[ScoringContext]:
    with rankers(city) as found:
        yield found


def orders(unit: str, shard: int, name: str, *, solved: int, unsolved: int) -> list[Event]:
    """Closed orders of a unit that lie in one shard."""
    return [
        event
        for n, subject in enumerate(subjects(shard, solved + unsolved, name))
        for event in rated_order(
            unit, CYCLE_BEGINS + DAY, subject=subject, solved="yes" if n < solved else "no"
        )
    ]


def beginning(city: City) -> None:
    """The first street leads; its orders lie in shard 0, those of the second in shard 1."""
    city.store(
        [
            *orders(FIRST, 0, "甲", solved=10, unsolved=2),
            *orders(SECOND, 1, "乙", solved=6, unsolved=6),
        ]
    )


def overtaking(city: City) -> None:
    """The second street passes the first, by events of shard 1 alone."""
    city.store(orders(SECOND, 1, "丙", solved=40, unsolved=0))


def lists(city: City) -> list[list[str]]:
    """What was stored, the first evaluation first."""
    series = Series(city.ruleset, "lead", "street", "", "cycle", "2026-11")
    found = evaluations.listing(city.database, series)
    return [[line.unit for line in each.ranked] for each in reversed(found)]


async def test_who_gets_the_feed_back_begins_again_from_the_store(
    city: City, context: ScoringContext
) -> None:
    mine, other = Ranker(city, context), Ranker(city, context)
    beginning(city)
    await mine.hears(0)
    await mine.ranks()
    assert lists(city) == [[FIRST, SECOND]]

    # The feed goes to another one, who dies before he ranks: what shard 1 told is lost.
    overtaking(city)
    await other.hears(1)

    mine.agent.begin_again()
    await mine.ranks()  # an evaluation that was due writes nothing before the store is read
    assert lists(city) == [[FIRST, SECOND]]
    await mine.hears(0)
    await mine.ranks()
    assert lists(city) == [[FIRST, SECOND], [SECOND, FIRST]]


async def test_who_finds_the_evaluation_of_another_writes_no_list_of_old_counters(
    city: City, context: ScoringContext
) -> None:
    mine, other = Ranker(city, context), Ranker(city, context)
    beginning(city)
    await mine.hears(0)
    await mine.ranks()

    overtaking(city)
    await other.hears(1)
    await other.ranks()
    assert lists(city) == [[FIRST, SECOND], [SECOND, FIRST]]

    # The first one wakes and knows of nothing: he holds shard 1 as it was, and hears of shard 0.
    city.store(orders(FIRST, 0, "戊", solved=1, unsolved=0))
    await mine.hears(0)
    await mine.ranks()
    assert lists(city) == [[FIRST, SECOND], [SECOND, FIRST]]
    for _ in range(2):
        await mine.hears(0)
        await mine.ranks()
    assert lists(city)[2:] == [[SECOND, FIRST]]

    # From then on he ranks as if he had always been there.
    city.store(orders(FIRST, 0, "丁", solved=200, unsolved=0))
    await mine.hears(0)
    await mine.ranks()
    assert lists(city)[3:] == [[FIRST, SECOND]]
