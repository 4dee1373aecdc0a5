"""A load makes the store agree with itself, whatever its predecessor left behind."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from schemas.instants import DAY, HOUR
from schemas.records import ZERO, CounterKey, DeadLetter, Fence, FlushMark, Position, Sums
from schemas.topics import partition_of
from services.domain.policy import Policy, load_policy, preset
from services.scoring.context import no_step
from services.scoring.lease import Lease
from services.scoring.load import (
    EpochError,
    Loaded,
    PartitionsError,
    check_partitions,
    load_shard,
)
from services.scoring.shard import Changes
from services.scoring.totals import CycleTotals
from services.storage.database import Database
from services.storage.migrate import migrate
from services.storage.shard_store import ShardStore
from tests.support import usage
from tests.unit.scoring.support import POLICY, START, Memory, event, expected, logged

LETTERS: list[DeadLetter] = []
NOW = START + 3 * HOUR
EVENTS = [
    logged(event("a", "1", "received", 0), 0),
    logged(event("a", "2", "dispatched", 1), 1),
    logged(event("a", "3", "resolved", HOUR), 2),
    logged(event("a", "4", "callback", 2 * HOUR), 3),
    logged(event("b", "1", "received", HOUR), 4),
]


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = Database.open(f"chdb://{tmp_path}/engine")
    usage.note("chDB")
    migrate(opened)
    yield opened
    opened.close()


def take_over(
    database: Database,
    fence: Fence,
    *,
    ruleset: int = 1,
    policy: Policy = POLICY,
) -> tuple[ShardStore, Loaded]:
    store = ShardStore(database, 0, ruleset)
    assert store.claim(fence, NOW)
    loaded = load_shard(
        store,
        partition=0,
        partitions=1,
        policy=policy,
        fence=fence,
        now=NOW,
        lease=Lease(),
        on_step=no_step,
        publish=LETTERS.extend,
    )
    return store, loaded


def changes_of_all_events() -> Changes:
    memory = Memory()
    return memory.cycle(memory.shard(NOW, 100), NOW, EVENTS)


def write(store: ShardStore, mark: FlushMark, changes: Changes, steps: int) -> None:
    """Take the first steps of a flush."""
    flush: list[Callable[[], None]] = [
        lambda: store.write_events(mark.fence, changes.events),
        lambda: store.write_orders(mark, changes.orders),
        lambda: store.write_counters(mark, changes.counters),
        lambda: store.write_flush(mark),
    ]
    for step in flush[:steps]:
        step()


@pytest.mark.parametrize("steps", range(5))
def test_after_any_step_of_a_flush_the_counters_are_the_sums(
    database: Database, steps: int
) -> None:
    store, _ = take_over(database, Fence(0, 1))
    mark = FlushMark(Fence(0, 1), 2, EVENTS[-1].position, NOW)
    write(store, mark, changes_of_all_events(), steps)
    later, loaded = take_over(database, Fence(0, 2))
    known = EVENTS if steps else []
    assert loaded.lane.shard.counters == later.counters() == expected(known, NOW)
    assert later.contribution_sums(NOW) == later.counters()
    assert later.totals() == CycleTotals(POLICY, later.counters()).sums  # which nobody had written
    # Only a flush row moves the position: the log is read again from there.
    assert loaded.lane.shard.position.offset == (EVENTS[-1].position.offset if steps == 4 else -1)
    assert bool(loaded.corrected) == (steps in {1, 2})


def test_a_wrong_counter_is_set_right_and_one_too_many_becomes_zero(database: Database) -> None:
    store, _ = take_over(database, Fence(0, 1))
    changes = changes_of_all_events()
    mark = FlushMark(Fence(0, 1), 2, EVENTS[-1].position, NOW)
    write(store, mark, changes, 4)
    ghost = CounterKey("lead", "110109999", "volume", START)
    wrong = next(iter(changes.counters))
    later = mark._replace(flush=3)
    store.write_counters(later, {ghost: Sums(5, 0), wrong: Sums(77, 0)})
    _, loaded = take_over(database, Fence(0, 2))
    assert loaded.corrected == {ghost: ZERO, wrong: changes.counters[wrong]}
    assert store.counters() == expected(EVENTS, NOW)
    assert store.totals() == CycleTotals(POLICY, store.counters()).sums != {}


def test_a_new_ruleset_is_built_from_the_whole_archive_beside_the_old(database: Database) -> None:
    store, _ = take_over(database, Fence(0, 1))
    mark = FlushMark(Fence(0, 1), 2, EVENTS[-1].position, NOW)
    write(store, mark, changes_of_all_events(), 4)
    other = load_policy(preset("on-time"))
    built, loaded = take_over(database, Fence(0, 2), ruleset=2, policy=other)
    assert built.counters() == expected(EVENTS, NOW, other) != expected(EVENTS, NOW)
    assert loaded.lane.shard.position == EVENTS[-1].position
    assert store.counters() == expected(EVENTS, NOW)


def test_what_cannot_be_evaluated_at_a_load_is_a_dead_letter_of_its_last_event(
    database: Database,
) -> None:
    """The working days of 1990 are not known."""
    store, _ = take_over(database, Fence(0, 1))
    ancient = [
        logged(event("old", f"{n}", kind, n - 36 * 365 * DAY), n)
        for n, kind in enumerate(("received", "dispatched"), start=7)
    ]
    store.write_events(Fence(0, 1), [*EVENTS, *ancient])
    LETTERS.clear()
    working_days = load_policy(preset("shandong"))
    _, loaded = take_over(database, Fence(0, 2), policy=working_days)
    assert [(e.reason, e.subject, e.id, e.position.offset) for e in LETTERS] == [
        ("not_evaluable", "old", "8", 8)
    ]
    assert loaded.lane.shard.counters == expected(EVENTS, NOW, working_days)


def test_a_new_epoch_goes_on_at_the_beginning_of_its_log(database: Database) -> None:
    store, _ = take_over(database, Fence(0, 9))
    mark = FlushMark(Fence(0, 9), 2, EVENTS[-1].position, NOW)
    write(store, mark, changes_of_all_events(), 4)
    _, loaded = take_over(database, Fence(1, 0))
    assert loaded.lane.shard.position == Position(1, -1)
    assert loaded.lane.shard.counters == expected(EVENTS, NOW)


def test_an_older_epoch_than_the_stored_one_is_refused(database: Database) -> None:
    store, _ = take_over(database, Fence(2, 0))
    with pytest.raises(EpochError, match="epoch 2"):
        load_shard(
            store,
            partition=0,
            partitions=1,
            policy=POLICY,
            fence=Fence(1, 5),
            now=NOW,
            lease=Lease(),
            on_step=no_step,
            publish=LETTERS.extend,
        )


def test_another_number_of_partitions_than_the_stored_one_is_refused(database: Database) -> None:
    check_partitions(database, 7)
    for shard in range(2):
        store = ShardStore(database, shard, 1)
        assert store.claim(Fence(1, 0), NOW)
    check_partitions(database, 4)  # nothing is stored yet
    with pytest.raises(PartitionsError, match="than 1;"):
        check_partitions(database, 1)
    subjects = [f"热线-{n}" for n in range(20)]
    store.write_events(
        Fence(1, 0),
        [
            logged(event(subject, "1", "received", 0), n)
            for n, subject in enumerate(subjects)
            if partition_of(subject, 2) == 1
        ],
    )
    check_partitions(database, 2)
    for other in (3, 4, 6):
        with pytest.raises(PartitionsError, match="HOTLINE_PARTITIONS"):
            check_partitions(database, other)


def test_the_clock_goes_on_where_the_last_flush_left_it(database: Database) -> None:
    store, _ = take_over(database, Fence(0, 1))
    mark = FlushMark(Fence(0, 1), 2, EVENTS[-1].position, NOW + DAY)
    write(store, mark, changes_of_all_events(), 4)
    _, loaded = take_over(database, Fence(0, 2))
    assert loaded.lane.shard.clock == NOW + DAY
    assert loaded.lane.shard.counters == expected(EVENTS, NOW + DAY)
