"""A database filled from a second log: what is carried into it, and whether it holds the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

import pytest

from schemas.instants import DAY, HOUR
from schemas.records import DeadLetter, Fence, LoggedEvent, Position, Unit
from services.storage import dead_letters, rulesets, units
from services.storage.agreement import Store, compare
from services.storage.carry import MADE_FROM_THE_LOG, carry, tables
from services.storage.database import Database
from services.storage.migrate import migrate
from services.storage.shard_store import ShardStore
from tests.integration.storage.made import START, event, flush, mark, order, owned, span
from tests.support.engines import own_database

NAMES: Final = ("甲", "乙", "丙", "丁")
OLD, NEW = 1, 2  # partitions


@pytest.fixture
def other(stand_in: str) -> Iterator[Database]:
    """The database in use; the one that is filled is ``target``, on the same server."""
    with own_database(stand_in) as url:
        database = Database.open(url)
        try:
            migrate(database)
            yield database
        finally:
            database.close()


@pytest.fixture
def target(stand_in: str) -> Iterator[Database]:
    with own_database(stand_in) as url:
        database = Database.open(url)
        try:
            migrate(database)
            yield database
        finally:
            database.close()


def fill(
    database: Database,
    partitions: int,
    change: Callable[[str, LoggedEvent], LoggedEvent] = lambda _, logged: logged,
    unit: str = "110105001",
) -> None:
    """Store an order for each name, in the shards of one of the two logs."""
    epoch = partitions  # of the first log 1, of the second 2
    for shard in range(partitions):
        store = owned(ShardStore(database, shard, 1), Fence(epoch, 1))
        mine = [
            change(name, event(name, name, at=(epoch, place, shard)))
            for place, name in enumerate(NAMES)
            if place % partitions == shard
        ]
        flush(
            store,
            mark(fence=Fence(epoch, 1), position=Position(epoch, 9)),
            events=mine,
            orders=[
                order(
                    each.event.subject,
                    [span(unit if each.event.subject == "丙" else "110105001")],
                    folded=[each.event.digest],
                )
                for each in mine
            ],
        )


def letter(partition: int, reason: str) -> DeadLetter:
    at = Position(1, 7 + partition)
    return DeadLetter(
        "work-order-events", partition, at, 0, reason, "/id", "Sentence.", subject="甲"
    )


def test_the_same_orders_in_other_shards_are_equal(other: Database, target: Database) -> None:
    fill(other, OLD)
    fill(target, NEW)
    dead_letters.write(other, [letter(0, "id_conflict"), letter(0, "not_evaluable")], START)
    dead_letters.write(target, [letter(1, "id_conflict")], START + DAY)

    compared = compare(Store(other, OLD), Store(target, NEW), 1, START + HOUR)

    assert compared == (len(NAMES), [])


def test_the_first_difference_in_each_respect_is_named(other: Database, target: Database) -> None:
    fill(other, OLD)
    fill(
        target,
        NEW,
        lambda name, logged: (
            event(name, name, demand_type="help", at=(2, 0, 0)) if name == "乙" else logged
        ),
        unit="110105002",
    )
    dead_letters.write(other, [letter(0, "id_conflict")], START)

    found = compare(Store(other, OLD), Store(target, NEW), 1, START + HOUR)

    archive, orders, letters, sums = found.differences
    assert (archive.what, archive.where) == ("archive", "乙")
    assert (orders.what, orders.where) == ("orders", "丙")  # the bytes of its name come first
    assert (letters.what, letters.new) == ("dead letters", "nothing")
    assert sums.where.startswith("lead 110105001 volume ")
    assert (sums.old, sums.new) == ("0/4", "0/3")


def test_an_order_that_is_only_on_one_side_is_named(other: Database, target: Database) -> None:
    fill(other, OLD)

    found = compare(Store(other, OLD), Store(target, NEW), 1, START + HOUR)

    assert found.orders == 0
    assert {(each.where, each.new) for each in found.differences[:2]} == {("丁", "nothing")}


def test_what_the_log_does_not_hold_is_carried_once(other: Database, target: Database) -> None:
    for checksum in ("aa", "bb", "cc"):
        rulesets.activate(other, "p", "1", checksum, "text", START)
    store = owned(ShardStore(other, 0, 2))
    flush(store, mark())  # the second is in force
    units.register(other, [Unit("000", "旧", "street")], START)
    other.execute(
        "INSERT INTO evaluations (ruleset, ranking, number, as_of, `alert.id`, `alert.kind`,"
        " `alert.unit`) VALUES (2, 'lead', 7, now64(6, 'UTC'), ['a'], ['k'], ['u'])"
    )
    places = other.query("SELECT sequence FROM evaluation_log")

    first = carry(other, target, (OLD, NEW))

    assert {"rulesets", "units", "evaluations", "evaluation_log"} <= first.keys()
    assert not first.keys() & MADE_FROM_THE_LOG
    assert carry(other, target, (OLD, NEW)) == {}
    assert units.all_units(target) == [Unit("000", "旧", "street")]
    # Readers there answer under the first policy until it has its results.
    assert [each.ruleset for each in rulesets.history(target)] == [3, 2]
    assert rulesets.numbers(target, NEW) == (2, 3)
    assert target.query("SELECT min(sequence) FROM evaluation_log") == places

    units.register(other, [Unit("000", "新", "street")], START + DAY)
    for shard in range(NEW):
        of_shard = owned(ShardStore(target, shard, 2), Fence(2, 1))
        flush(of_shard, mark(fence=Fence(2, 1)))
    assert carry(other, target, (OLD, NEW)) == {"units": 1, "rulesets": 1}
    assert rulesets.history(target) == rulesets.history(other)
    assert rulesets.numbers(target, NEW) == (2, 3)
    assert units.all_units(target) == [Unit("000", "新", "street")]


def test_every_table_is_carried_or_made_from_the_log(target: Database) -> None:
    known = {
        name
        for (name,) in target.query(
            "SELECT name FROM system.tables WHERE database = currentDatabase()"
            " AND NOT endsWith(name, '_in') AND engine != 'MaterializedView'"
        )
    }
    left = known - set(tables(target))
    assert left == MADE_FROM_THE_LOG | {"schema_migrations", "push_beats"}
