"""Who may write a shard, and what becomes of the writes of those who may not."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from schemas.records import Fence, LoggedEvent, Position, Sums
from services.storage.database import Database
from services.storage.shard_store import ShardStore
from tests.integration.storage.made import FENCE, START, event, flush, key, mark, order, owned, span

SUCCESSOR = Fence(FENCE.epoch, FENCE.token + 1)


def store(db: Database, shard: int = 3, ruleset: int = 1) -> ShardStore:
    return ShardStore(db, shard, ruleset)


def test_the_greatest_claim_owns(db: Database) -> None:
    first, second = store(db), store(db)
    assert not first.is_owner(FENCE)
    assert first.claim(FENCE, START)
    assert first.is_owner(FENCE)
    assert second.claim(SUCCESSOR, START)
    assert second.is_owner(SUCCESSOR)
    assert not first.is_owner(FENCE)


@pytest.mark.parametrize("stale", [Fence(1, 9), Fence(0, 2**43), Fence(1, 0)])
def test_a_stale_claim_is_refused(db: Database, stale: Fence) -> None:
    owner = owned(store(db))
    assert not store(db).claim(stale, START)
    assert owner.is_owner(FENCE)


def test_a_new_epoch_is_greater_than_every_token(db: Database) -> None:
    owned(store(db), Fence(1, 2**44 - 1))
    assert store(db).claim(Fence(2, 0), START)


def test_a_claim_may_be_repeated_by_its_claimer_only(db: Database) -> None:
    owner = owned(store(db))
    assert owner.claim(FENCE, START + 1)
    assert not store(db).claim(FENCE, START)
    assert owner.is_owner(FENCE)


def test_shards_are_claimed_apart(db: Database) -> None:
    owned(store(db, 3), SUCCESSOR)
    other = owned(store(db, 4), FENCE)
    assert other.is_owner(FENCE)


def test_of_claims_at_the_same_time_at_most_one_wins(db: Database) -> None:
    for token in range(20):
        fence = Fence(5, token)
        claimers = [store(db) for _ in range(4)]
        with ThreadPoolExecutor(4) as pool:
            claims = [pool.submit(claimer.claim, fence, START) for claimer in claimers]
            won = [claim.result() for claim in claims]
        assert sum(won) <= 1


def test_a_stale_write_is_void_in_every_table(db: Database) -> None:
    zombie = owned(store(db))
    first = order("a", [span()], folded=[bytes(16)])
    bucket = START - START % 900_000_000
    counters = {key("110105001", "volume", bucket): Sums(1, 0)}
    flush(zombie, mark(1), events=[event("a")], orders=[first], counters=counters)
    successor = owned(store(db), SUCCESSOR)

    late = mark(2, position=Position(9, 9))
    flush(
        zombie,
        late,
        events=[event("b")],
        orders=[order("a"), order("b", [span()])],
        counters={key("110105001", "volume", bucket): Sums(7, 7)},
    )

    assert not zombie.is_owner(FENCE)
    assert successor.fetch(["a", "b"]) == ({"a": first}, {"a": [event("a")]})
    assert successor.counters() == counters
    assert successor.last_flush() == mark(1)
    assert successor.resume_position() == mark(1).position


def test_without_a_claim_nothing_is_written(db: Database) -> None:
    flush(store(db), mark(), events=[event("a")], orders=[order("a")])
    assert store(db).last_flush() is None
    assert store(db).fetch(["a"]) == ({}, {})


def test_a_successor_waits_for_writes_of_its_predecessor(db: Database) -> None:
    """A write that began under the older fence has ended when the wait returns."""
    zombie = owned(store(db))
    many: list[LoggedEvent] = [event(f"{n}", at=(1, n, 0)) for n in range(20_000)]
    with ThreadPoolExecutor(1) as pool:
        write = pool.submit(zombie.write_events, FENCE, many)
        while not db.running_inserts() and not write.done():
            pass
        owner = owned(store(db), SUCCESSOR)
        owner.await_older_writes(SUCCESSOR)
        counted = db.query("SELECT count() FROM events")
        write.result()
    assert db.query("SELECT count() FROM events") == counted


def test_a_shard_does_not_wait_for_its_own_writes_nor_for_other_shards(db: Database) -> None:
    owner = owned(store(db, 1))
    db.execute("CREATE TABLE slow (n UInt64) ENGINE = Null")
    db.execute("CREATE TABLE kept (n UInt64) ENGINE = MergeTree ORDER BY n")
    db.execute("CREATE MATERIALIZED VIEW d TO kept AS SELECT n FROM slow WHERE sleepEachRow(1) = 0")
    with ThreadPoolExecutor(3) as pool:
        own = pool.submit(db.insert, "slow", {"n": [1]}, tag=f"shard-1-{FENCE.number()}")
        other = pool.submit(db.insert, "slow", {"n": [1]}, tag="shard-11-1")
        while len(db.running_inserts()) < 2:
            pass
        owner.await_older_writes(FENCE)
        assert not own.done()
        assert not other.done()
