"""A store with millions of orders in the present cycle, made inside the engine by copying some."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Final

from bench.city import PARTITIONS, SEED, now
from schemas.codec import decode_event
from schemas.instants import DAY
from schemas.records import Event, Fence, FlushMark, LoggedEvent, OrderRow, Position
from schemas.topics import partition_of
from services.cli.engine import Engine
from services.cli.simulate.events import simulate_events
from services.domain.outcome import evaluate
from services.domain.registry import beijing_units
from services.domain.windows import window
from services.storage.database import Database
from services.storage.shard_store import ShardStore

CYCLE: Final = {"window": "cycle"}

_ORIGINALS: Final = 20_000
_AT_ONCE: Final = 10
_FENCE: Final = Fence(1, 1)


def fill(engine: Engine, orders: int) -> tuple[int, int]:
    """Archive and evaluate so many orders of the present cycle; return how many, and events.

    The counters are left to the worker that loads the store.
    """
    originals = _orders_of_the_cycle(engine, min(orders, _ORIGINALS))
    copies = max(1, round(orders / len(originals)))
    by_shard: dict[int, list[list[Event]]] = {shard: [] for shard in range(PARTITIONS)}
    for events in originals:
        by_shard[partition_of(events[0].subject, PARTITIONS)].append(events)
    marks = {shard: _store(engine, shard, own) for shard, own in by_shard.items()}
    for table in ("events", "work_orders"):
        _copy(engine.database, table, copies)
    for shard, mark in marks.items():
        ShardStore(engine.database, shard, engine.ruleset).write_flush(mark)
    ((stored, count),) = engine.database.query(
        "SELECT (SELECT count() FROM work_orders), (SELECT count() FROM events)"
    )
    return stored, count


def _orders_of_the_cycle(engine: Engine, count: int) -> list[list[Event]]:
    """Whole orders received in the present cycle, until now."""
    present = now()
    begins_at = window(engine.policy, "cycle", None, present).begins_at
    begins_at = min(begins_at, present - DAY)
    orders: dict[str, list[Event]] = defaultdict(list)
    days = (present - begins_at) // DAY + 1
    for raw in simulate_events(
        beijing_units(),
        seed=SEED,
        begins_at=begins_at,
        ends_at=present,
        orders_per_day=count // days + 1,
    ):
        event = decode_event(raw).event
        if event.subject in orders or event.type == "received":
            orders[event.subject].append(event)
    return list(islice(orders.values(), count))


def _store(engine: Engine, shard: int, orders: Sequence[list[Event]]) -> FlushMark:
    """Store the originals; return the mark under which they will count."""
    store = ShardStore(engine.database, shard, engine.ruleset)
    assert store.claim(_FENCE, now())
    logged = [
        LoggedEvent(event, Position(1, offset), 0)
        for offset, event in enumerate(event for events in orders for event in events)
    ]
    store.write_events(_FENCE, logged)
    mark = FlushMark(_FENCE, 1, logged[-1].position, now())
    store.write_orders(
        mark,
        [
            OrderRow(
                events[0].subject,
                frozenset(event.digest for event in events),
                evaluate(events, engine.policy),
            )
            for events in orders
        ],
    )
    return mark


def _copy(database: Database, table: str, copies: int) -> None:
    """Repeat the rows under other orders' numbers, each in the shard that is that order's."""
    columns = [
        name
        for (name,) in database.query(
            "SELECT name FROM system.columns WHERE database = currentDatabase()"
            " AND table = {table:String} AND default_kind = '' ORDER BY position",
            {"table": table},
        )
    ]
    subject = "concat(subject, '-', toString(copy))"
    renamed = {"subject": subject, "shard": f"kafkaMurmurHash({subject}) % {PARTITIONS}"}
    chosen = ", ".join(renamed.get(name, f"`{name}`") for name in columns)
    named = ", ".join(f"`{name}`" for name in columns)
    database.execute(f"CREATE TABLE originals ENGINE = Memory AS SELECT * FROM {table}")  # noqa: S608 (names only)
    for numbers in _parts(range(1, copies)):
        database.execute(
            f"INSERT INTO {table} ({named}) SELECT {chosen} FROM originals"  # noqa: S608 (names only)
            f" ARRAY JOIN {numbers} AS copy"
        )
    database.execute("DROP TABLE originals")


def _parts(numbers: range) -> Iterator[list[int]]:
    for first in range(numbers.start, numbers.stop, _AT_ONCE):
        yield list(numbers[first - numbers.start :][:_AT_ONCE])
