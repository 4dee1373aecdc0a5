"""Whatever is wrong in the store is found and named; what a flush is changing is not called wrong."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from schemas.instants import DAY, HOUR
from schemas.records import ZERO, CounterKey, Fence, FlushMark, OrderRow, Position, Sums
from services.domain.policy import load_policy, preset
from services.scoring.rates import decode_rates, encode_rates
from services.scoring.reconcile.difference import (
    ARCHIVE,
    COUNTERS,
    FEED,
    ORDERS,
    TOTALS,
    Difference,
)
from services.scoring.reconcile.feed import Published, latest
from services.scoring.reconcile.orders import FOLDED
from services.scoring.reconcile.schedule import Schedule
from services.scoring.reconcile.shard import Compared, Plan, compare_shard
from services.storage.database import Database
from services.storage.migrate import migrate
from services.storage.shard_audit import ShardAudit
from tests.integration.scoring.contexts import scoring_context
from tests.integration.scoring.test_load import (
    EVENTS,
    NOW,
    changes_of_all_events,
    take_over,
)
from tests.support import usage
from tests.support.brokers import Broker
from tests.support.scoring_process import RULESET
from tests.unit.scoring.support import POLICY, event, logged

FENCE = Fence(0, 1)
MARK = FlushMark(FENCE, 2, EVENTS[-1].position, NOW)
NEXT = MARK._replace(flush=3)
CHANGES = changes_of_all_events()
ORDER_A = next(row for row in CHANGES.orders if row.subject == "a")


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = Database.open(f"chdb://{tmp_path}/engine")
    usage.note("chDB")
    migrate(opened)
    yield opened
    opened.close()


@pytest.fixture
def store(database: Database) -> ShardAudit:
    """A shard of two orders, flushed once."""
    take_over(database, FENCE)
    found = ShardAudit(database, 0, RULESET)
    found.write_events(FENCE, CHANGES.events)
    found.write_orders(MARK, CHANGES.orders)
    found.write_counters(MARK, CHANGES.counters | CHANGES.totals)
    found.write_flush(MARK)
    return found


def compare(
    store: ShardAudit, published: Published | None = None, plan: Plan | None = None
) -> Compared:
    return compare_shard(
        store, POLICY, published, plan or Plan(tries=2, block=1, wait=lambda: None)
    )


def told(mark: FlushMark, **changed: int) -> Published:
    """What the feed says after a flush; ``volume`` instead of the true one."""
    counters = {
        key: Sums(changed.get(key.indicator, sums.denominator), sums.numerator)
        for key, sums in CHANGES.counters.items()
    }
    messages = map(decode_rates, encode_rates(0, RULESET, mark, counters))
    return latest(messages, RULESET)[0]


def volume() -> CounterKey:
    """The first of its kind, of the order a."""
    return min(key for key in CHANGES.counters if key.indicator == "volume")


def test_what_a_flush_has_stored_is_equal_in_all_sources(store: ShardAudit) -> None:
    passed: list[int] = []
    plan = Plan(block=1, on_progress=passed.append, wait=lambda: pytest.fail("nothing changes"))
    found = compare(store, told(MARK), plan)
    assert found == Compared(0, 2, 0, 0, True, ())
    assert found.complete
    assert passed == [1, 2]
    assert store.count_orders() == 2


def test_a_wrong_counter_is_named_with_both_values(store: ShardAudit) -> None:
    store.write_counters(NEXT, {volume(): Sums(77, 0)})
    store.write_flush(NEXT)
    found = compare(store)
    right = CHANGES.counters[volume()]
    assert found.differences[0] == Difference(0, volume(), COUNTERS, Sums(77, 0), ORDERS, right)
    assert [(each.one, each.key.indicator) for each in found.differences[1:]] == [
        (TOTALS, "volume")
    ]
    line = found.differences[0].line()
    assert all(part in line for part in ("shard", "volume", "0/77", f"0/{right.denominator}"))


def test_an_order_that_its_events_do_not_give_explains_the_counter(store: ShardAudit) -> None:
    outcome = ORDER_A.outcome._replace(flat=(), boundaries=())
    store.write_orders(NEXT, [ORDER_A._replace(outcome=outcome)])
    store.write_flush(NEXT)
    first, *_, last = compare(store).differences
    assert (first.one, first.other, first.order) == (COUNTERS, ORDERS, "a")
    assert (last.one, last.other, last.order) == (ORDERS, ARCHIVE, "a")
    assert (last.key, last.one_value) == (first.key, ZERO)


def test_a_wrong_span_of_another_time_and_events_not_folded_are_found(store: ShardAudit) -> None:
    *others, span = ORDER_A.outcome.flat
    past = (NOW - 2 * DAY, NOW - DAY, *span[2:])
    flat = (*others, span, past)
    store.write_orders(NEXT, [ORDER_A._replace(outcome=ORDER_A.outcome._replace(flat=flat))])
    store.write_flush(NEXT)
    (found,) = compare(store).differences
    assert (found.one_value, found.other_value) == (Sums(span[6], span[7]), ZERO)
    assert found.order == "a"

    later = NEXT._replace(flush=4)
    store.write_orders(later, [ORDER_A._replace(folded=frozenset())])
    store.write_flush(later)
    (found,) = compare(store).differences
    assert (found.key.indicator, found.order) == (FOLDED, "a")
    assert (found.one_value, found.other_value) == (ZERO, Sums(4, 0))


def test_an_order_without_events_and_one_without_row_are_found(store: ShardAudit) -> None:
    store.write_orders(NEXT, [ORDER_A._replace(subject="ghost")])
    new = logged(event("new", "1", "received", HOUR), 5)
    store.write_events(FENCE, [new])
    store.write_flush(NEXT._replace(position=new.position))
    found = compare(store).differences
    assert found[0].order == "ghost"
    assert {each.order for each in found if each.other == ARCHIVE} == {"ghost", "new"}


def test_what_a_flush_is_changing_is_waited_for(store: ShardAudit) -> None:
    late = logged(event("a", "5", "resolved", HOUR // 2), 5)
    store.write_events(FENCE, [late])
    found = compare(store)
    assert (found.orders, found.unsettled, found.settled) == (1, 1, True)
    assert found.differences == ()
    assert not found.complete

    moved = NEXT._replace(position=late.position)
    store.write_orders(moved, [OrderRow("a", frozenset(), ORDER_A.outcome)])
    found = compare(store)
    assert (found.unsettled, found.settled, found.differences) == (1, False, ())

    def finish() -> None:
        store.write_flush(moved)

    finished = compare(store, plan=Plan(tries=2, wait=finish))
    assert finished.complete
    assert {each.order for each in finished.differences} == {"a"}  # whose row was made up


def test_what_was_told_is_stored(store: ShardAudit) -> None:
    wrong = compare(store, told(MARK, volume=9)).differences[0]
    assert (wrong.one, wrong.other, wrong.one_value) == (FEED, COUNTERS, Sums(9, 0))
    never_stored = compare(store, told(NEXT, volume=9)).differences[0]
    assert (never_stored.one, never_stored.key.indicator) == (FEED, "volume")
    older = told(MARK._replace(flush=1), volume=9)  # a crash took the message of flush 2 along
    assert compare(store, older).differences == ()


def test_the_sample_changes_from_flush_to_flush_until_all_were_looked_at(store: ShardAudit) -> None:
    plan = Plan(sample=2, tries=1)
    first = compare(store, plan=plan)
    store.write_flush(NEXT)
    second = compare(store, plan=plan)
    assert first.complete
    assert second.complete
    assert first.orders + second.orders == 2


def test_an_order_that_cannot_be_evaluated_is_counted_and_not_compared(database: Database) -> None:
    """The working days of 1990 are not known."""
    store, _ = take_over(database, FENCE)
    store.write_events(FENCE, [logged(event("old", "7", "received", -36 * 365 * DAY), 7)])
    store.write_events(FENCE, [logged(event("old", "8", "dispatched", 1 - 36 * 365 * DAY), 8)])
    policy = load_policy(preset("shandong"))
    take_over(database, Fence(0, 2), ruleset=2, policy=policy)
    audit = ShardAudit(database, 0, 2)
    audit.write_flush(FlushMark(Fence(0, 2), 2, Position(0, 8), NOW))
    found = compare_shard(audit, policy, None, Plan(tries=1))
    assert found == Compared(0, 0, 1, 0, True, ())


def said(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [each.getMessage() for each in caplog.records if each.name.startswith("services.")]


async def test_a_worker_compares_what_it_holds_and_logs_what_differs(
    store: ShardAudit, database: Database, tansu: Broker, caplog: pytest.LogCaptureFixture
) -> None:
    tansu.create_topics(1)
    with scoring_context(database) as context:
        assert context.rules.last.current.ruleset == RULESET
        schedule = Schedule(context, tansu.bootstrap, 3600, lambda: [0])
        schedule.start()
        with caplog.at_level(logging.WARNING, "services"):
            await schedule.round()
            assert schedule.last[0].complete
            assert said(caplog) == []
            store.write_counters(NEXT, {volume(): Sums(77, 0)})
            store.write_flush(NEXT)
            await schedule.round()
        assert "volume" in said(caplog)[0]
        assert schedule.last[0].differences[0].one_value == Sums(77, 0)
        await schedule.stop()
