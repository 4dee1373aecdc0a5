"""A small city in a real database: orders with every fate, folded by the rules, stored by storage."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Final

from schemas.instants import DAY, HOUR, MINUTE, Instant
from schemas.records import (
    Event,
    Fence,
    FlushMark,
    LoggedEvent,
    OrderRow,
    Position,
    Sums,
)
from schemas.topics import partition_of
from services.api.context import ApiContext, Emit
from services.api.push.options import DEFAULTS, PushOptions
from services.domain.elapsed import elapsed
from services.domain.outcome import evaluate
from services.domain.policy import Policy, load_policy, preset
from services.domain.registry import beijing_units
from services.scoring.totals import CycleTotals
from services.storage import rulesets, units
from services.storage.database import Database
from services.storage.migrate import migrate
from services.storage.shard_store import ShardStore
from tests.support import usage
from tests.support.orders import event, local, rated, unanswered

PARTITIONS: Final = 2
NOW: Final = local("2026-11-10 10:07:00")
CYCLE_BEGINS: Final = local("2026-10-19 00:00")
UNKNOWN_UNIT: Final = "999999999"
STREETS: Final = tuple(unit for unit in beijing_units() if unit.kind == "street")


@dataclass
class City:
    """A database, and the clock that the query layer of a test reads."""

    database: Database
    policy: Policy
    ruleset: int
    now: Instant = NOW
    ready: dict[str, bool] = field(default_factory=lambda: {"scoring": True})
    push: PushOptions = DEFAULTS
    emit: Emit | None = None
    _flushes: defaultdict[int, int] = field(default_factory=lambda: defaultdict(int))

    def context(self) -> ApiContext:
        return ApiContext(
            database=self.database,
            partitions=PARTITIONS,
            clock=lambda: self.now,
            is_ready=lambda: self.ready,
            push=self.push,
            emit=self.emit,
        )

    def store(self, events: Iterable[Event], clocks: Mapping[int, Instant] | None = None) -> None:
        """One flush of every shard, as a worker writes it: all events of an order in one call."""
        clocks = clocks or dict.fromkeys(range(PARTITIONS), self.now)
        by_shard: dict[int, dict[str, list[Event]]] = {shard: {} for shard in clocks}
        for each in events:
            shard = partition_of(each.subject, PARTITIONS)
            by_shard[shard].setdefault(each.subject, []).append(each)
        for shard, clock in clocks.items():
            self._flush(shard, by_shard[shard], clock)

    def _flush(self, shard: int, orders: Mapping[str, list[Event]], clock: Instant) -> None:
        store = ShardStore(self.database, shard, self.ruleset)
        self._flushes[shard] += 1
        number = self._flushes[shard]
        fence = Fence(1, number)
        assert store.claim(fence, clock)
        last = store.last_flush()
        offset = last.position.offset if last else -1
        logged = []
        for events in orders.values():
            for each in events:
                offset += 1
                logged.append(LoggedEvent(each, Position(1, offset), 0))
        store.write_events(fence, logged)
        mark = FlushMark(fence, number, Position(1, offset), clock)
        store.write_orders(mark, [self._row(*order) for order in orders.items()])
        sums = store.contribution_sums(clock)
        totals = CycleTotals(self.policy, sums).sums
        stored = store.counters() | store.totals()
        zeros = dict.fromkeys(stored.keys() - sums.keys() - totals.keys(), Sums(0, 0))
        store.write_counters(mark, sums | totals | zeros)
        store.write_flush(mark)

    def _row(self, subject: str, events: list[Event]) -> OrderRow:
        counting = _winners(events)
        outcome = evaluate(counting, self.policy)
        folded = frozenset(each.digest for each in events)
        return OrderRow(subject, folded, outcome, elapsed(counting, outcome))


def _winners(events: Iterable[Event]) -> list[Event]:
    first: dict[tuple[str, str], Event] = {}
    for each in events:
        first.setdefault((each.source, each.id), each)
    return list(first.values())


@contextmanager
def open_city(
    path: Path, policy: str = "beijing-district", *, text: str | None = None
) -> Iterator[City]:
    """A migrated chDB with the Beijing registry and nothing else; ``text`` is a policy of its own."""
    usage.note("chDB")
    database = Database.open(f"chdb://{path}")
    try:
        migrate(database)
        rules = load_policy(preset(policy) if text is None else text)
        ruleset = rulesets.activate(
            database, rules.id, rules.version, rules.checksum, rules.document, CYCLE_BEGINS
        )
        units.register(database, beijing_units(), CYCLE_BEGINS)
        yield City(database, rules, ruleset)
    finally:
        database.close()


def city_events(seed: int = 7, streets: int = 24) -> list[Event]:
    """Orders of many fates for some streets, an unknown unit, and nobody.

    Every one of the seven states, returns, reopenings, incomplete and undispatched orders occur.
    """
    random = Random(seed)
    events: list[Event] = []
    for place, street in enumerate(STREETS[:streets]):
        for number in range(14 + place % 5):
            events += _order(random, street.code, f"热线-{place:03d}-{number:04d}")
    for number in range(12):
        events += _order(random, UNKNOWN_UNIT, f"未知-{number:04d}")
    start = local("2026-11-02 09:00")
    events.append(event("received", start, subject="无人-0001", demand_type="complaint"))
    events.append(event("dispatched", start, subject="缺-0001", unit=STREETS[0].code))
    events.append(event("dispatched", start, subject="缺-0002", unit=UNKNOWN_UNIT))
    return events


_FATES: Final = (
    *("rated",) * 9,
    "open",
    "late",
    "silent",
    "thanks",
    "excluded",
    "partly_excluded",
    "suspended",
    "returned",
    "reopened",
    "pending",
)
_GRADES: Final = (
    "satisfied", "satisfied", "satisfied", "basically_satisfied", "neutral", "dissatisfied",
)  # fmt: skip


def _order(random: Random, unit: str, subject: str) -> list[Event]:
    fate = random.choice(_FATES)
    at = CYCLE_BEGINS + random.randrange(12 * 24 * 60) * MINUTE + 17
    where = {"subject": subject}
    kind = "thanks" if fate == "thanks" else random.choice(("complaint", "help", "report"))
    urgent = "complex" if fate == "open" else random.choice(("normal", "urgent"))
    found = [
        event("received", at, demand_type=kind, urgency=urgent, channel="phone", **where),
        event("dispatched", at + 5 * MINUTE, unit=unit, **where),
        event("signed", at + HOUR, unit=unit, **where),
    ]
    if fate in ("open", "late"):
        return found
    if fate == "suspended":
        decided = {"decision": "approved", "ground": "历史遗留"}
        return [*found, event("suspended", at + DAY, unit=unit, **decided, **where)]
    if fate == "returned":
        other = random.choice(STREETS[:24]).code
        given_back = {"decision": "approved", "ground": "非本辖区"}
        found += [
            event("returned", at + DAY, unit=unit, **given_back, **where),
            event("dispatched", at + 30 * HOUR, unit=other, **where),
        ]
        unit = other
    found.append(event("resolved", at + random.randrange(40, 150) * HOUR, unit=unit, **where))
    called = at + 7 * DAY + random.randrange(5, 50) * HOUR
    if fate == "pending":
        return found
    if fate == "silent":
        return found + [unanswered(called + n * 13 * HOUR, n + 1, **where) for n in range(3)]
    found.append(
        rated(
            called,
            random.choice(_GRADES),
            solved=random.choice(("yes", "yes", "yes", "no", "partly")),
            contacted=random.choice(("yes", "yes", "yes", "no")),
            **where,
        )
    )
    if fate == "excluded":
        found.append(event("excluded", called + HOUR, ground="不合理诉求", **where))
    if fate == "partly_excluded":
        found.append(
            event(
                "excluded", called + HOUR, ground="不可抗力", indicators=["satisfaction"], **where
            )
        )
    if fate == "reopened":
        found.append(event("reopened", called + HOUR, ground="未解决", unit=unit, **where))
    return found
