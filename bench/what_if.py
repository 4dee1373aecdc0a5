"""The ranking of a cycle under another policy: every order evaluated again from the archive."""

from __future__ import annotations

import asyncio
import json
import resource
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from time import perf_counter
from typing import Any, Final, NamedTuple

import httpx

from bench.city import PARTITIONS, SEED, now
from bench.compiled import measured, missing
from bench.figures import Figure, Result, Sizes, per_second, ratio
from schemas.codec import decode_event
from schemas.instants import DAY, parse_instant
from schemas.records import CounterKey, Event, Fence, FlushMark, LoggedEvent, Position, Sums
from schemas.topics import partition_of
from services.api.app import create_app
from services.api.context import ApiContext
from services.cli.engine import Engine, prepare_engine
from services.cli.simulate.events import simulate_events
from services.domain import outcome
from services.domain.outcome import contributions_at, evaluate
from services.domain.policy import preset
from services.domain.registry import beijing_units
from services.domain.windows import bucket_of
from services.scoring.totals import CycleTotals
from services.settings import Settings
from services.storage.database import Database
from services.storage.shard_store import ShardStore

_BEGINS: Final = parse_instant("2025-10-19T00:00:00+08:00")
_ENDS: Final = parse_instant("2025-11-19T00:00:00+08:00")
_CYCLE: Final = "2025-11"
_CLOCK: Final = _ENDS + 30 * DAY
_ORIGINALS: Final = 20_000  # orders of their own; the others are copies under other numbers
_COPIES_AT_ONCE: Final = 10
_AT: Final = "/v1/policies/what-if"
_POLICY: Final = preset("beijing-district")
# A rule of counting that changes no number: every order is evaluated, and the result is known.
_SAME: Final = _POLICY + "\nextensions: {times: 1000}\n"
_OTHER_WEIGHTS: Final = _POLICY.replace(
    "response: 10, resolution: 50", "response: 20, resolution: 40"
)


class Asked(NamedTuple):
    """Orders and events of the archive; seconds of both what-ifs, of processors, of filling."""

    orders: int
    events: int
    evaluated: float
    busy: float
    scored: float
    filling: float


def measure(sizes: Sizes) -> Result:
    """Fill an archive, and ask for both kinds of what-if over it."""
    lack = missing()
    found = (
        _measured(sizes.what_if_orders)
        if lack
        else Asked(*measured("bench.what_if", str(sizes.what_if_orders)))
    )
    orders, evaluated = found.orders, found.evaluated
    return Result(
        "What-if",
        f"`POST {_AT}` over a cycle with {orders:,} orders ({found.events:,} events) until the "
        "table is there: once under a policy that counts otherwise, so that every order is "
        "evaluated from its archived events, once under one that only weighs otherwise. The first "
        f"is made to change no number, and gives the stored ranking again. {_ORIGINALS:,} orders "
        "of the demo city, copied under other numbers. "
        + (f"Interpreted rules: {lack}." if lack else "Compiled rules."),
        (
            per_second("every order evaluated again", orders, evaluated, "orders/s"),
            Figure("processor time of it, all processes", f"{found.busy / evaluated:.2f} cores"),
            Figure("an order, in processor time", f"{found.busy / orders * 1e6:.1f} µs"),
            Figure("stored sums under other weights", f"{found.scored:.2f} s"),
            ratio("evaluated, compared with scored", evaluated, found.scored),
            Figure("filling the archive before", f"{found.filling:.0f} s"),
        ),
        "Two processes that decode and evaluate in Python; the engine reads and sorts the archive "
        "in a third.",
        "2 million orders below 30 s on 2 cores.",
    )


def _measured(wanted: int) -> Asked:
    with tempfile.TemporaryDirectory(prefix="hotline-bench-") as name:
        engine = prepare_engine(Settings(data_dir=Path(name)), now())
        try:
            began = perf_counter()
            orders, events = _fill(engine, wanted)
            filling = perf_counter() - began
            return Asked(
                orders, events, *asyncio.run(_asked(engine.database, orders)), filling=filling
            )
        finally:
            engine.database.close()


async def _asked(database: Database, orders: int) -> tuple[float, float, float]:
    context = ApiContext(
        database=database,
        partitions=PARTITIONS,
        clock=lambda: _CLOCK,
        is_ready=dict,
    )
    transport = httpx.ASGITransport(create_app(context))
    async with httpx.AsyncClient(transport=transport, base_url="http://bench", timeout=60) as http:
        before = _processor_time()
        result, evaluated = await _what_if(http, _SAME)
        busy = _processor_time() - before
        assert result["evaluated"] == orders
        for line in result["units"]:
            assert line["present"] == line["other"], "no number changes"
        result, scored = await _what_if(http, _OTHER_WEIGHTS)
        assert result["evaluated"] == 0
        assert result["other"]["ranked"] == result["present"]["ranked"]
    return evaluated, busy, scored


async def _what_if(http: httpx.AsyncClient, document: str) -> tuple[Mapping[str, Any], float]:
    began = perf_counter()
    answer = await http.post(_AT, json={"document": document, "cycle": _CYCLE})
    assert answer.status_code == httpx.codes.ACCEPTED, answer.text
    location = answer.headers["location"]
    while (  # noqa: ASYNC110 - a caller over HTTP can only ask again
        found := (await http.get(location)).json()
    )["state"] == "running":
        await asyncio.sleep(0.1)
    took = perf_counter() - began
    assert found["state"] == "done", found["error"]
    await http.delete(location)
    result: Mapping[str, Any] = found["result"]
    return result, took


def _processor_time() -> float:
    used = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(each.ru_utime + each.ru_stime for each in used)


def _fill(engine: Engine, orders: int) -> tuple[int, int]:
    """Archive so many orders, with their sums; return how many orders and events there are."""
    originals = _demo_orders(min(orders, _ORIGINALS))
    copies = max(1, round(orders / len(originals)))
    by_shard: dict[int, list[list[Event]]] = {shard: [] for shard in range(PARTITIONS)}
    for events in originals:
        by_shard[partition_of(events[0].subject, PARTITIONS)].append(events)
    for shard, own in by_shard.items():
        _store(engine, shard, own, copies)
    _copy(engine.database, copies)
    ((subjects, count),) = engine.database.query("SELECT uniqExact(subject), count() FROM events")
    return subjects, count


def _demo_orders(count: int) -> list[list[Event]]:
    """Whole orders that were received in the cycle."""
    orders: dict[str, list[Event]] = defaultdict(list)
    for raw in simulate_events(
        beijing_units(),
        seed=SEED,
        begins_at=_BEGINS,
        ends_at=_CLOCK,
        orders_per_day=count // 30 + 1,
    ):
        event = decode_event(raw).event
        if event.subject in orders or (event.type == "received" and event.occurred_at < _ENDS):
            orders[event.subject].append(event)
    return list(islice(orders.values(), count))


def _store(engine: Engine, shard: int, orders: Sequence[list[Event]], copies: int) -> None:
    store = ShardStore(engine.database, shard, engine.ruleset)
    fence = Fence(1, 1)
    assert store.claim(fence, _BEGINS)
    logged = [
        LoggedEvent(event, Position(1, offset), 0)
        for offset, event in enumerate(event for events in orders for event in events)
    ]
    store.write_events(fence, logged)
    denominators: Counter[CounterKey] = Counter()
    numerators: Counter[CounterKey] = Counter()
    for events in orders:
        for one in contributions_at(evaluate(events, engine.policy).spans, _CLOCK):
            key = CounterKey(one.ranking, one.unit, one.indicator, bucket_of(one.attributed_at))
            denominators[key] += copies * one.denominator
            numerators[key] += copies * one.numerator
    mark = FlushMark(fence, 1, logged[-1].position, _CLOCK)
    sums = {key: Sums(count, numerators[key]) for key, count in denominators.items()}
    store.write_counters(mark, sums | CycleTotals(engine.policy, sums).sums)
    store.write_flush(mark)


def _copy(database: Database, copies: int) -> None:
    """Repeat the archive's orders under other numbers, inside the engine."""
    columns = [
        name
        for (name,) in database.query(
            "SELECT name FROM system.columns WHERE database = currentDatabase()"
            " AND table = 'events' AND default_kind = '' ORDER BY position"
        )
    ]
    renamed = {name: f"concat({name}, '-', toString(copy))" for name in ("subject", "id")}
    chosen = ", ".join(renamed.get(name, name) for name in columns)
    database.execute("CREATE TABLE originals ENGINE = Memory AS SELECT * FROM events")
    for numbers in _parts(range(1, copies)):
        database.execute(
            f"INSERT INTO events ({', '.join(columns)}) SELECT {chosen} FROM originals"  # noqa: S608 (names only)
            f" ARRAY JOIN {numbers} AS copy"
        )
    database.execute("DROP TABLE originals")


def _parts(numbers: range) -> Iterator[list[int]]:
    for first in range(numbers.start, numbers.stop, _COPIES_AT_ONCE):
        yield list(numbers[first - numbers.start :][:_COPIES_AT_ONCE])


if __name__ == "__main__":
    assert not outcome.__file__.endswith(".py"), "these are not the compiled rules"
    json.dump(_measured(int(sys.argv[1])), sys.stdout)
