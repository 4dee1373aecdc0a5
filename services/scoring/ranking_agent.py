"""Ranks the units of the present windows, fed by `street-rates`; publishes on `rank-alerts`."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections import deque
from typing import Final

from schemas.instants import MINUTE, Instant
from schemas.records import FlushMark
from services.domain.alerting_lists import RankedList, lists_of, window_of
from services.domain.registry import Registry
from services.scoring.context import ScoringContext
from services.scoring.faust_app import Kafka
from services.scoring.frames import Message
from services.scoring.lease import Lease
from services.scoring.ranking_board import RankingBoard, Verdict, View
from services.scoring.rates import decode_rates
from services.scoring.standings import Moment, Standings
from services.storage import units
from services.storage.rules import ActivePolicy
from services.storage.shard_store import ShardStore
from services.traces.spans import LINKS

logger = logging.getLogger(__name__)

_EVERY: Final = 1.0  # seconds between two evaluations, at least
_REGISTRY_EVERY: Final = 5.0
_HELD: Final = 256  # messages between the agent and the ranker
_RETRY: Final = 1.0
_BEHIND: Final = MINUTE  # a shard whose clock is so far behind is not there


class RankingAgent:
    """The standing rankings. It works from the first message of the feed that comes here on.

    Only the worker that is assigned the one partition of `street-rates` gets messages. Two that
    both believe they are it are told apart in `Standings`.

    It ranks under the rules in force, and changes to others when the readers do.
    """

    def __init__(self, context: ScoringContext, kafka: Kafka) -> None:
        self._context = context
        self._kafka = kafka
        self._queue: asyncio.Queue[Message] = asyncio.Queue(_HELD)
        self._lease = Lease()
        self._registry = Registry(())
        self._registry_read = 0.0
        self._evaluated = 0.0
        self._dirty = False
        self._behind = False
        self._told: deque[str] = deque(maxlen=LINKS)  # of the traces that the next evaluation ends
        self._follow_rules(context.rules.last.current, unsure=True)
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to wait for the feed."""
        self._task = asyncio.create_task(self._run(), name="ranking")

    async def stop(self) -> None:
        """End at once; nothing is lost, the next one starts from the store."""
        self._lease.give_up()
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def put(self, message: Message) -> None:
        """Take a message of the feed, after waiting for room."""
        await self._queue.put(message)

    def begin_again(self) -> None:
        """Who ranks has been decided anew: what is known here may be old, or the work of a dead one."""
        self._begins_again = True

    def _follow_rules(self, rules: ActivePolicy, *, unsure: bool) -> None:
        """Begin again from the store, under these rules."""
        context = self._context
        self._begins_again = False
        self._rules = rules
        self._board = RankingBoard(rules.ruleset, context.partitions)
        self._standings = Standings(context, self._kafka, self._lease, rules, unsure=unsure)
        self._stores = [
            ShardStore(context.database, shard, rules.ruleset)
            for shard in range(context.partitions)
        ]

    async def _run(self) -> None:
        while True:
            try:
                await self._follow()
            except Exception:  # whatever it was, the store holds all that is needed to go on
                logger.exception("ranking failed; starting again from the store")
                self._follow_rules(self._context.rules.last.current, unsure=True)
                await asyncio.sleep(_RETRY)

    async def _follow(self) -> None:
        while True:
            pause = _EVERY if self._dirty else None
            with contextlib.suppress(TimeoutError):
                message = await asyncio.wait_for(self._queue.get(), pause)
                await self.accept(message)
            if self._dirty and time.monotonic() - self._evaluated >= _EVERY:
                await self.evaluate()

    async def accept(self, message: Message) -> None:
        """Take over one message of the feed, or all that the store holds if it is the first."""
        current = self._context.rules.last.current
        if self._begins_again:
            self._follow_rules(current, unsure=True)
        elif current.ruleset != self._rules.ruleset:
            self._follow_rules(current, unsure=not self._board.views)
        try:
            rates = decode_rates(message.value or b"")
        except ValueError:
            logger.warning("a message of street-rates cannot be read: offset %d", message.offset)
            return
        if message.traceparent:
            self._told.append(message.traceparent)
        if not self._board.views:
            await self._open_at_the_stored_clock()
            self._dirty = True
            return
        verdict = self._board.accept(rates)
        if verdict is Verdict.RELOAD:
            await self._load_shard(rates.shard)
        if verdict is not Verdict.OLD:
            self._dirty = True

    async def _open_at_the_stored_clock(self) -> None:
        """Start: everything from the store, of the windows at the clock that all shards reached."""
        marks = [mark for mark in await self._marks() if mark is not None]
        as_of = min((mark.clock for mark in marks), default=self._context.clock())
        await self._refresh_registry()
        await self._open(as_of)

    async def _open(self, as_of: Instant) -> list[tuple[RankedList, View]]:
        """Sum what the lists of an instant need; returns them."""
        lists = [
            (listed, view) for listed in self._lists(as_of) for view in [self._view(listed, as_of)]
        ]
        views = {view for _, view in lists}
        if views != set(self._board.views) and self._board.open(views):
            for shard in range(self._context.partitions):
                await self._load_shard(shard)
        return lists

    def _lists(self, as_of: Instant) -> list[RankedList]:
        """Those of the rules of the version in force."""
        return lists_of(self._rules.policy.at(as_of).document.alerts, self._registry)

    def _view(self, listed: RankedList, as_of: Instant) -> View:
        window = window_of(self._rules.policy, listed.window_kind, as_of)
        scorings = self._rules.policy.at(window.ends_at - 1).scorings
        return View(scorings.of(listed.kind, listed.group).basis, window)

    async def _load_shard(self, shard: int) -> None:
        store = self._stores[shard]
        mark = await self._context.in_thread(store.last_flush)
        if mark is not None:
            counters = await self._context.in_thread(store.counters)
            self._board.load(shard, mark, counters)

    async def _marks(self) -> list[FlushMark | None]:
        return await self._context.in_thread(lambda: [store.last_flush() for store in self._stores])

    async def evaluate(self) -> None:
        """Evaluate every list; none while a shard is missing or behind."""
        self._dirty = False
        self._evaluated = time.monotonic()
        if self._begins_again:
            return  # the next message of the feed, if one comes here, opens everything
        board = self._board
        if not board.complete():
            return
        if self._is_behind(board.as_of()):
            self._dirty = True
            return
        await self._refresh_registry()
        lists = await self._open(board.as_of())
        if not board.complete():
            self._dirty = True
            return
        moment = Moment(
            as_of=board.as_of(),
            positions={shard: mark.position for shard, mark in board.marks().items()},
            registry=self._registry,
            sums=board.sums,
        )
        origins = self._context.traces.read(self._told)
        self._told.clear()
        with self._context.traces.continued("rank", origins) as span:
            span.set_attribute("hotline.list_count", len(lists))
            for listed, view in lists:
                if await self._standings.evaluate(listed, view, moment):
                    self.begin_again()  # another one ranks, from newer counters than these
                    return

    def _is_behind(self, as_of: Instant) -> bool:
        behind = as_of < self._context.clock() - _BEHIND
        if behind and not self._behind:
            logger.warning("a shard's clock is more than a minute behind: nothing is ranked")
        self._behind = behind
        return behind

    async def _refresh_registry(self) -> None:
        if time.monotonic() - self._registry_read >= _REGISTRY_EVERY or not len(self._registry):
            found = await self._context.in_thread(lambda: units.all_units(self._context.database))
            self._registry = Registry(found)
            self._registry_read = time.monotonic()
