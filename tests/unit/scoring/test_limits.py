"""What a shard keeps in memory does not grow with what it is sent (docs/operations.md, limits)."""

from __future__ import annotations

from collections.abc import Iterable

from schemas.instants import DAY, HOUR, SECOND
from schemas.records import LoggedEvent
from services.scoring.shard import Shard
from tests.support.held import held_bytes
from tests.unit.scoring.support import POLICY, START, Memory, event, expected, logged

NOW = START + 6 * HOUR
CAPACITY = 40
EVENTS = 100
BOUNDARIES = 20
_OF_AN_EVENT = 2_048  # bytes, with its share of the order


def bounded(memory: Memory) -> Shard:
    """A shard of small capacities."""
    return Shard(
        partition=0,
        partitions=1,
        policy=POLICY,
        clock=NOW,
        position=memory.position,
        counters={},
        capacity=CAPACITY,
        event_capacity=EVENTS,
        boundary_capacity=BOUNDARIES,
    )


def held(shard: Shard) -> int:
    """Bytes of a shard between two flushes, without the policy, which all shards share."""
    return held_bytes(shard, shared=[POLICY])


def opened(orders: Iterable[str], offset: int, *, unit: str = "110101001") -> list[LoggedEvent]:
    """A frame with orders of one unit that are received and dispatched, and never closed."""
    return [
        logged(event(order, kind, kind, 0, data), offset, index)
        for number, order in enumerate(orders)
        for index, (kind, data) in enumerate(
            (("received", None), ("dispatched", {"unit": unit})), 2 * number
        )
    ]


def test_orders_that_never_close_leave_the_memory_and_count_all_the_same() -> None:
    memory = Memory()
    shard = bounded(memory)
    log: list[LoggedEvent] = []
    for offset in range(10):
        frame = opened((f"open-{offset}-{number}" for number in range(30)), offset)
        memory.cycle(shard, NOW, frame)
        log += frame
        assert shard.hot_orders <= CAPACITY
        assert shard.hot_events <= EVENTS
    assert len(memory.rows) == 300
    assert shard.counters == expected(log, NOW)


def test_a_flood_of_one_unit_takes_no_more_memory_than_its_first_orders() -> None:
    memory = Memory()
    shard = bounded(memory)
    log: list[LoggedEvent] = []
    sizes, counters = [], []
    for offset in range(30):
        frame = opened((f"flood-{offset:02}-{number:02}" for number in range(50)), offset)
        memory.cycle(shard, NOW, frame)
        log += frame
        sizes.append(held(shard))
        counters.append(len(shard.counters))
    assert counters[0] == counters[-1]  # of a unit and a quarter hour, not of an order
    assert max(sizes[2:]) - min(sizes[2:]) < EVENTS * _OF_AN_EVENT // 10
    assert max(sizes) < EVENTS * _OF_AN_EVENT + 64 * 1024
    assert shard.counters == expected(log, NOW)


def test_an_order_of_ten_thousand_events_is_one_order() -> None:
    memory = Memory()
    shard = memory.shard(NOW, CAPACITY)
    log = [logged(event("long", "0", "received", 0), 0)]
    log += [
        logged(event("long", f"{n}", "dispatched", n * SECOND), n // 2_500, n % 2_500)
        for n in range(1, 10_000)
    ]
    for offset in range(4):
        memory.cycle(shard, NOW, [each for each in log if each.position.offset == offset])
    assert shard.hot_orders == 1
    assert shard.hot_events == len(memory.events["long"]) == 10_000
    assert held(shard) < 10_000 * _OF_AN_EVENT
    assert shard.counters == expected(log, NOW)


def test_an_order_with_more_events_than_a_shard_holds_is_read_again_each_time() -> None:
    memory = Memory()
    shard = bounded(memory)
    empty = held(shard)
    log = [logged(event("long", "0", "received", 0), 0)]
    log += [
        logged(event("long", f"{n}", "dispatched", n * SECOND), n // 50, n % 50)
        for n in range(1, 300)
    ]
    for offset in range(6):
        memory.cycle(shard, NOW, [each for each in log if each.position.offset == offset])
    again = memory.cycle(shard, NOW, log[-50:])
    assert (shard.hot_orders, shard.hot_events) == (0, 0)
    assert held(shard) < empty + 32 * 1024
    assert len(memory.events["long"]) == 300
    assert (again.events, again.orders) == ([], [])  # it was read again, so all are duplicates
    assert shard.counters == expected(log, NOW)


def test_duplicates_and_repeated_contents_count_as_what_is_held() -> None:
    memory = Memory()
    shard = bounded(memory)
    first = logged(event("a", "1", "received", 0), 5)
    other = logged(event("a", "1", "received", 0, {"demand_type": "thanks"}), 6)
    earlier = logged(event("a", "1", "received", 0), 1)
    memory.cycle(shard, NOW, [first, first, other])
    assert shard.hot_events == 2
    memory.cycle(shard, NOW, [earlier])
    assert shard.hot_events == 2
    shard.admit(["a"], memory.rows, memory.events)  # as when it is evaluated again
    assert shard.hot_events == 2


def test_deadlines_that_are_many_are_held_in_part_and_pass_all() -> None:
    memory = Memory()
    shard = bounded(memory)
    log = [
        each._replace(event=each.event._replace(occurred_at=each.event.occurred_at + n * SECOND))
        for n in range(200)
        for each in opened([f"order-{n:03}"], n)
    ]
    memory.cycle(shard, NOW, log)
    due = sorted({b for row in memory.rows.values() for b in row.outcome.boundaries})
    for now in range(NOW, due[-1] + DAY, 6 * HOUR):
        _move(memory, shard, now)
        assert shard.boundaries <= 2 * BOUNDARIES
    assert shard.counters == expected(log, shard.clock)
    assert any(key.indicator == "overdue" for key in shard.counters)


def test_the_deadlines_of_orders_that_arrive_are_held_in_part_too() -> None:
    memory = Memory()
    shard = bounded(memory)
    shard.refill([], NOW + 30 * DAY)
    log = [
        each._replace(event=each.event._replace(occurred_at=each.event.occurred_at + n * SECOND))
        for n in range(200)
        for each in opened([f"order-{n:03}"], n)
    ]
    memory.cycle(shard, NOW, log)
    assert shard.boundaries <= 2 * BOUNDARIES
    assert NOW <= shard.horizon < NOW + 30 * DAY
    _move(memory, shard, NOW + 20 * DAY)
    assert shard.counters == expected(log, NOW + 20 * DAY)


def _move(memory: Memory, shard: Shard, now: int) -> None:
    """Move the clock as a lane does, on a store that gives a few boundaries at a time."""
    while now > shard.horizon:
        upcoming = sorted(memory.upcoming(shard.clock, now + HOUR))
        if len(upcoming) > BOUNDARIES:
            reached = upcoming[BOUNDARIES - 1][0]
            shard.refill([each for each in upcoming if each[0] <= reached], reached)
        else:
            shard.refill(upcoming, now + HOUR)
        shard.advance(min(now, shard.horizon), lambda names: {s: memory.rows[s] for s in names})
        memory.write(shard.settle())
    memory.cycle(shard, now, [])
