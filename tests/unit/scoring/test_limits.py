"""What a shard keeps in memory does not grow with what it is sent."""

from __future__ import annotations

from schemas.instants import HOUR, SECOND
from schemas.records import LoggedEvent
from tests.unit.scoring.support import START, Memory, event, expected, logged

NOW = START + 6 * HOUR
CAPACITY = 40


def test_orders_that_never_close_leave_the_memory_and_count_all_the_same() -> None:
    memory = Memory()
    shard = memory.shard(NOW, CAPACITY)
    log: list[LoggedEvent] = []
    for offset in range(10):
        frame = [
            logged(event(f"open-{offset}-{number}", kind, kind, 0), offset, index)
            for number in range(30)
            for index, kind in enumerate(("received", "dispatched"), 2 * number)
        ]
        memory.cycle(shard, NOW, frame)
        log += frame
        assert shard.hot_orders <= CAPACITY
    assert len(memory.rows) == 300
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
    assert len(memory.events["long"]) == 10_000
    assert shard.counters == expected(log, NOW)
