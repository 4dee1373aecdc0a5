"""How one owner follows the rules, with a real engine and a log kept in memory."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from functools import partial
from itertools import count as count_up
from pathlib import Path
from typing import Any, cast

import pytest

from schemas.instants import HOUR, Instant
from schemas.records import LoggedEvent
from schemas.topics import BATCH_JSON, partition_of
from services.domain.policy import Policy, load_policy, preset
from services.scoring.context import ScoringContext
from services.scoring.faust_app import Kafka
from services.scoring.frames import Message, read_messages
from services.scoring.owner import Owner
from services.storage.database import Database
from services.storage.migrate import migrate
from services.storage.rules import RuleBook
from services.storage.shard_store import ShardStore
from tests.integration.scoring.commit_log import CommitLog
from tests.support import usage
from tests.support.scoring_process import FIRST_POLICY, activate
from tests.unit.scoring.support import START, expected, raw_event

OTHER = "on-time"
REOPENED = {"ground": "未解决", "unit": "110101001"}
NOW = START + 9 * HOUR
LONG = 60.0  # seconds that nothing here takes


class Steps:
    """What the owner did; one step can be made to wait."""

    def __init__(self) -> None:
        self.taken: list[str] = []
        self._on: dict[str, Callable[[], None]] = {}

    def __call__(self, step: str) -> None:
        self.taken.append(step)
        waiting = self._on.pop(step, None)
        if waiting is not None:
            waiting()

    def once(self, step: str, do: Callable[[], None]) -> None:
        self._on[step] = do


class City:
    """One partition with its owner."""

    def __init__(self, context: ScoringContext, steps: Steps) -> None:
        self.context = context
        self.steps = steps
        self.log = CommitLog()
        self.events: list[LoggedEvent] = []
        self.changed = asyncio.Event()
        self.owner = Owner(context, cast("Kafka", self.log), 0, self.changed.set)
        self.next_offset = 0

    async def orders(self, count: int) -> None:
        """Let orders arrive, with all their events."""
        for n in range(self.next_offset, self.next_offset + count):
            frame = [
                raw_event(self._subject(n), f"{n}-{i}", kind, i * HOUR)
                for i, kind in enumerate(("received", "dispatched", "resolved", "callback"))
            ]
            await self._put(frame)

    async def more_of(self, orders: Iterable[int]) -> None:
        """Let another event of each of these orders arrive."""
        for n in orders:
            offset = self.next_offset
            await self._put(
                [raw_event(self._subject(n), f"more-{offset}", "reopened", 8 * HOUR, REOPENED)]
            )

    async def _put(self, frame: list[dict[str, Any]]) -> None:
        message = Message(self.next_offset, BATCH_JSON, json.dumps(frame).encode())
        self.events += read_messages(0, 0, [message]).events
        self.next_offset += 1
        await self.owner.mailbox.put(message)

    def _subject(self, number: int) -> str:
        """An order of partition 0."""
        names = (f"order-{number}-{k}" for k in count_up())
        return next(n for n in names if partition_of(n, self.context.partitions) == 0)

    async def stored(self) -> None:
        """Until all that arrived is stored."""
        await self.until(
            lambda: (
                (mark := self.owner.mark) is not None
                and mark.position.offset == self.next_offset - 1
            )
        )

    async def until(self, condition: Callable[[], bool]) -> None:
        """Until something is true after a flush."""
        async with asyncio.timeout(LONG):
            while not condition():
                self.changed.clear()
                self.owner.mailbox.wake()
                await self.changed.wait()

    async def activate(self, name: str) -> int:
        number = await asyncio.to_thread(activate, self.context.database, name)
        await self.look()
        return number

    async def look(self) -> None:
        """Let the worker notice what is in force."""
        await asyncio.to_thread(self.context.rules.read)

    async def in_force(self, ruleset: int) -> None:
        """Until the worker has noticed it: the step before is taken before its row is written."""
        async with asyncio.timeout(LONG):
            while self.context.rules.last.current.ruleset != ruleset:
                await self.look()

    def check(self, ruleset: int, policy: Policy) -> None:
        store = ShardStore(self.context.database, 0, ruleset)
        mark = store.last_flush()
        assert mark is not None
        assert mark.position.offset == self.next_offset - 1
        assert store.counters() == expected(self.events, mark.clock, policy) != {}
        assert store.contribution_sums(mark.clock) == store.counters()


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = Database.open(f"chdb://{tmp_path}/engine")
    usage.note("chDB")
    migrate(opened)
    activate(opened, FIRST_POLICY)
    yield opened
    opened.close()


@asynccontextmanager
async def owned(database: Database, steps: Steps, partitions: int = 1) -> AsyncIterator[City]:
    """A partition with an owner that has loaded it."""
    rules = RuleBook(database, partitions)
    rules.read()
    with ThreadPoolExecutor(4) as executor:
        context = ScoringContext(
            database=database,
            rules=rules,
            partitions=partitions,
            epoch=0,
            clock=clock,
            flush_interval=0.01,
            handover_limit=LONG,
            on_step=steps,
            executor=executor,
            building=asyncio.Semaphore(1),
            block=5,
        )
        city = City(context, steps)
        await city.owner.take_over()
        await city.until(lambda: city.owner.mark is not None)
        try:
            yield city
        finally:
            await city.owner.hand_over()


def clock() -> Instant:
    return NOW


def wait_for(event_: threading.Event) -> None:
    assert event_.wait(LONG)


async def test_orders_that_arrive_during_a_build_are_in_it(database: Database) -> None:
    steps = Steps()
    resume = {
        step: threading.Event() for step in ("build.orders", "build.counters", "build.catch_up")
    }
    for step, event_ in resume.items():
        steps.once(step, partial(wait_for, event_))
    async with owned(database, steps) as city:
        await city.orders(12)
        await city.stored()
        assert await city.activate(OTHER) == 2
        for step, event_ in resume.items():
            await city.until(partial(steps.taken.__contains__, step))
            await city.orders(7)
            await city.stored()  # the flushes do not wait for the build
            event_.set()
        await city.until(lambda: "build.flush" in steps.taken)
        await city.in_force(2)
        await city.orders(3)
        await city.until(lambda: "switch" in steps.taken)
        await city.orders(3)
        await city.stored()
    city.check(2, load_policy(preset(OTHER)))
    past = ShardStore(database, 0, 1).last_flush()
    assert past is not None
    assert past.position.offset < 12 + 21 + 6 - 1


async def test_a_third_policy_takes_the_place_of_the_one_being_built(database: Database) -> None:
    steps = Steps()
    superseded = threading.Event()

    def wait_for_the_next_build() -> None:
        steps.once("build.orders", superseded.set)
        wait_for(superseded)

    steps.once("build.orders", wait_for_the_next_build)
    async with owned(database, steps) as city:
        await city.orders(12)
        await city.stored()
        assert await city.activate(OTHER) == 2
        await city.until(lambda: "build.orders" in steps.taken)
        assert await city.activate(FIRST_POLICY) == 3
        await city.until(lambda: "build.flush" in steps.taken)
        await city.in_force(3)
        await city.orders(3)
        await city.until(lambda: "switch" in steps.taken)
    city.check(3, load_policy(preset(FIRST_POLICY)))
    assert ShardStore(database, 0, 2).last_flush() is None


async def test_a_shard_that_is_complete_before_others_keeps_both_up_also_after_a_restart(
    database: Database,
) -> None:
    """Readers may switch at any moment: when the last shard is complete, whoever has it."""
    before, after = Steps(), Steps()
    async with owned(database, before, partitions=2) as first:
        await first.orders(12)
        await first.stored()
        await first.activate(OTHER)
        await first.until(lambda: "build.flush" in before.taken)
        await first.orders(3)
        await first.stored()
    async with owned(database, after, partitions=2) as second:
        second.events, second.next_offset = first.events, first.next_offset
        await second.orders(3)
        await second.stored()
    for steps in (before, after):
        assert "next.flush" in steps.taken
        assert "switch" not in steps.taken
    assert "build.orders" not in after.taken
    for ruleset, name in ((1, FIRST_POLICY), (2, OTHER)):
        second.check(ruleset, load_policy(preset(name)))


@pytest.mark.parametrize(
    "step", ["build.orders", "build.counters", "build.catch_up", "build.flush"]
)
async def test_a_build_that_fails_begins_again_where_it_ended(
    database: Database, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """What arrived before the second attempt counts, though the first one wrote the same orders."""
    monkeypatch.setattr("services.scoring.succession._RETRY", 0)
    steps = Steps()
    failing, again = threading.Event(), threading.Event()

    def fail() -> None:
        failing.set()
        wait_for(again)
        raise RuntimeError("no such thing happens")

    steps.once(step, fail)
    async with owned(database, steps) as city:
        await city.orders(12)
        await city.stored()
        await city.activate(OTHER)
        assert await asyncio.to_thread(failing.wait, LONG)
        await city.more_of(range(12))
        if step != "build.flush":  # it comes between two flushes
            await city.stored()
        again.set()
        ended = 2 if step == "build.flush" else 1
        await city.until(lambda: steps.taken.count("build.flush") == ended)
        await city.more_of(range(6))
        await city.in_force(2)
        await city.until(lambda: "switch" in steps.taken)
        await city.stored()
    city.check(2, load_policy(preset(OTHER)))


async def test_the_rows_of_a_second_attempt_replace_those_of_the_first(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.scoring.succession._RETRY", 0)
    steps = Steps()
    counting, failing = (threading.Event(), threading.Event()), threading.Event()

    def pause() -> None:
        counting[0].set()
        wait_for(counting[1])

    def fail() -> None:
        failing.set()
        wait_for(counting[0])
        raise RuntimeError("no such thing happens")

    steps.once("build.counters", pause)
    steps.once("build.flush", fail)
    async with owned(database, steps) as city:
        await city.orders(12)
        await city.stored()
        await city.activate(OTHER)
        assert await asyncio.to_thread(counting[0].wait, LONG)
        await city.more_of(range(12))  # which the first attempt catches up with
        await city.stored()
        counting[0].clear()
        counting[1].set()
        assert await asyncio.to_thread(failing.wait, LONG)
        await city.more_of(range(12))  # which the second one finds
        counting[0].set()
        await city.until(lambda: steps.taken.count("build.flush") == 2)
        await city.stored()
    city.check(2, load_policy(preset(OTHER)))
