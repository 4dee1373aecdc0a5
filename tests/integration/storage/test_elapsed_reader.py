"""Quantiles of the stored times: by nearest rank, at the clock of each shard."""

from __future__ import annotations

from random import Random

from schemas.instants import DAY, FOREVER, HOUR, Instant
from schemas.records import Elapsed
from services.storage.database import Database
from services.storage.elapsed_reader import ALL, Took, UnitElapsed, elapsed_quantiles
from services.storage.movers import Range
from services.storage.shard_store import ShardStore
from tests.integration.storage.made import START, flush, mark, order, owned, span

UNIT, OTHER = "110105001", "110105002"
WINDOW = Range(1, "lead", START - DAY, START + DAY)
NONE = Took(0, None, None)


def quantiles(
    db: Database, clock: Instant, held: dict[str, str] | None = None
) -> dict[str, UnitElapsed]:
    held = held or {UNIT: UNIT, OTHER: OTHER}
    return elapsed_quantiles(db, WINDOW, held, {0: clock}, START - DAY)


def took(number: int, *, known_at: Instant = START, until: Instant = FOREVER) -> Elapsed:
    return Elapsed(known_at, until, "sign", number)


def test_quantiles_are_times_of_orders_by_nearest_rank(db: Database) -> None:
    store = owned(ShardStore(db, 0, 1))
    random = Random(3)
    times: list[int] = []
    for number in range(1, 22):
        times.append(random.randrange(10**12))
        stored = order(f"a{number:02}", [span(UNIT)])._replace(elapsed=(took(times[-1]),))
        flush(store, mark(number), orders=[stored])
        ascending = sorted(times)
        fifty, ninety = -(-50 * number // 100), -(-90 * number // 100)
        expected = Took(number, ascending[fifty - 1], ascending[ninety - 1])
        found = quantiles(db, START)
        assert found[UNIT] == UnitElapsed(
            number, 0, {"sign": expected, "contact": NONE, "resolve": NONE}
        )
        assert found[ALL] == found[UNIT]
        assert OTHER not in found


def test_a_time_counts_while_it_is_known_and_for_the_unit_that_leads(db: Database) -> None:
    store = owned(ShardStore(db, 0, 1))
    spans = [span(UNIT, ends_at=START + 2 * HOUR), span(OTHER, begins_at=START + 3 * HOUR)]
    times = (
        took(60, known_at=START + HOUR, until=START + 2 * HOUR),
        took(70, known_at=START + 4 * HOUR),
    )
    flush(store, mark(), orders=[order("a", spans)._replace(elapsed=times)])

    def sign(hours: int) -> dict[str, Took]:
        return {
            code: each.steps["sign"] for code, each in quantiles(db, START + hours * HOUR).items()
        }

    assert sign(0) == {UNIT: NONE, ALL: NONE}
    assert sign(1) == {UNIT: Took(1, 60, 60), ALL: Took(1, 60, 60)}
    assert sign(2) == {}  # nobody leads it
    assert sign(3) == {OTHER: NONE, ALL: NONE}
    assert sign(4) == {OTHER: Took(1, 70, 70), ALL: Took(1, 70, 70)}


def test_units_are_pooled_and_others_left_out(db: Database) -> None:
    store = owned(ShardStore(db, 0, 1))
    orders = [
        order(subject, [span(unit, attributed_at=at)])._replace(elapsed=(took(number),))
        for subject, unit, at, number in (
            ("a", UNIT, START, 10),
            ("b", OTHER, START, 30),
            ("c", "nobody", START, 50),
            ("d", UNIT, START + DAY, 70),  # of the next window
            ("e", UNIT, START - DAY, 20),
        )
    ]
    flush(store, mark(), orders=orders)
    found = quantiles(db, START, {UNIT: "d1", OTHER: "d1"})
    assert found.keys() == {"d1", ALL}
    assert found["d1"].volume == 3
    assert found["d1"].steps["sign"] == Took(3, 20, 30)


def test_rows_of_before_are_told_as_untimed_until_they_are_written_again(db: Database) -> None:
    store = owned(ShardStore(db, 0, 1))
    flush(store, mark(1), orders=[order("a", [span(UNIT)]), order("b", [span(UNIT)])])
    assert quantiles(db, START)[UNIT] == UnitElapsed(
        2, 2, {"sign": NONE, "contact": NONE, "resolve": NONE}
    )
    flush(store, mark(2), orders=[order("a", [span(UNIT)])._replace(elapsed=())])
    assert quantiles(db, START)[UNIT].untimed == 1


def test_without_a_flush_or_a_unit_there_is_nothing(db: Database) -> None:
    assert elapsed_quantiles(db, WINDOW, {UNIT: UNIT}, {}, START) == {}
    assert elapsed_quantiles(db, WINDOW, {}, {0: START}, START) == {}
