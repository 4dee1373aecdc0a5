"""Ranks all streets of the current cycle, fed by `street-rates`; publishes on `rank-alerts`."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from functools import partial
from typing import Final

import orjson

from schemas.instants import Instant, format_instant
from schemas.records import FlushMark
from schemas.topics import RANK_ALERTS
from services.domain.adjustments import Adjustments, by_unit, in_force
from services.domain.registry import Registry
from services.domain.windows import Window, window
from services.scoring.context import ScoringContext
from services.scoring.faust_app import Kafka
from services.scoring.frames import Message
from services.scoring.lease import Lease, persist
from services.scoring.ranking_board import RANKING, RankingBoard, Verdict
from services.scoring.rates import decode_rates
from services.scoring.standing import KIND, evaluate_standing
from services.storage import adjustments, evaluations, units
from services.storage.evaluations import Alert, Evaluation, Series
from services.storage.rules import ActivePolicy
from services.storage.shard_store import ShardStore

logger = logging.getLogger(__name__)

_EVERY: Final = 1.0  # seconds between two evaluations, at least
_REGISTRY_EVERY: Final = 5.0
_HELD: Final = 256  # messages between the agent and the ranker
_RETRY: Final = 1.0
_CYCLE: Final = "cycle"


class RankingAgent:
    """The standing ranking. It works from the first message of the feed that comes here on.

    Only the worker that is assigned the one partition of `street-rates` gets messages. Two that
    both believe they are it are told apart by the evaluation's number: who finds another
    evaluation under his number than his own starts again from the store, and publishes nothing.

    It ranks under the rules in force, and changes to others when the readers do.
    """

    def __init__(self, context: ScoringContext, kafka: Kafka) -> None:
        self._context = context
        self._kafka = kafka
        self._queue: asyncio.Queue[Message] = asyncio.Queue(_HELD)
        self._follow_rules(context.rules.last.current)
        self._all_told = False  # a predecessor may have died before it sent its last alerts
        self._registry = Registry(())
        self._registry_read = 0.0
        self._evaluated = 0.0
        self._dirty = False
        self._lease = Lease()
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

    def _follow_rules(self, rules: ActivePolicy) -> None:
        """Begin again from the store, under these rules."""
        context = self._context
        self._rules = rules
        self._board = RankingBoard(rules.ruleset, context.partitions)
        self._stores = [
            ShardStore(context.database, shard, rules.ruleset)
            for shard in range(context.partitions)
        ]
        self._previous: Evaluation | None = None
        self._rescored = False

    async def _run(self) -> None:
        while True:
            try:
                await self._follow()
            except Exception:  # whatever it was, the store holds all that is needed to go on
                logger.exception("ranking failed; starting again from the store")
                self._all_told = False
                self._follow_rules(self._context.rules.last.current)
                await asyncio.sleep(_RETRY)

    async def _follow(self) -> None:
        while True:
            pause = _EVERY if self._dirty else None
            with contextlib.suppress(TimeoutError):
                message = await asyncio.wait_for(self._queue.get(), pause)
                await self._accept(message)
            if self._dirty and time.monotonic() - self._evaluated >= _EVERY:
                await self._evaluate()

    async def _accept(self, message: Message) -> None:
        current = self._context.rules.last.current
        if current.ruleset != self._rules.ruleset:
            self._follow_rules(current)
        try:
            rates = decode_rates(message.value or b"")
        except ValueError:
            logger.warning("a message of street-rates cannot be read: offset %d", message.offset)
            return
        verdict = self._board.accept(rates) if self._board.window else Verdict.RELOAD
        if verdict is Verdict.RELOAD:
            await (self._load_shard(rates.shard) if self._board.window else self._load_all())
        if verdict is not Verdict.OLD:
            self._dirty = True

    async def _load_all(self) -> None:
        """Start, or begin a new cycle: everything from the store, of the cycle in force."""
        now = self._context.clock()
        marks = [mark for mark in await self._marks() if mark is not None]
        as_of = min((mark.clock for mark in marks), default=now)
        await self._open(window(self._rules.policy, _CYCLE, None, as_of), as_of)

    async def _open(self, opened: Window, as_of: Instant) -> None:
        self._board.open(opened)
        series, database = self._series(opened), self._context.database
        self._previous = await self._context.in_thread(lambda: evaluations.newest(database, series))
        earlier = None
        if self._previous is None:
            earlier = await self._context.in_thread(
                lambda: evaluations.before_switch(database, series, as_of)
            )
        self._rescored = earlier is not None
        last = self._previous or earlier
        if last is not None and not self._all_told:
            await self._publish(last)
        self._all_told = True
        for shard in range(self._context.partitions):
            await self._load_shard(shard)

    async def _load_shard(self, shard: int) -> None:
        store = self._stores[shard]
        mark = await self._context.in_thread(store.last_flush)
        if mark is not None:
            counters = await self._context.in_thread(store.counters)
            self._board.load(shard, mark, counters)

    async def _marks(self) -> list[FlushMark | None]:
        return await self._context.in_thread(lambda: [store.last_flush() for store in self._stores])

    async def _evaluate(self) -> None:
        self._dirty = False
        self._evaluated = time.monotonic()
        board = self._board
        if board.window is None or not board.complete():
            return
        as_of = board.as_of()
        current = window(self._rules.policy, _CYCLE, None, as_of)
        if current != board.window:
            await self._open(current, as_of)
            self._dirty = True
            return
        await self._refresh_registry()
        evaluation = evaluate_standing(
            series=self._series(current),
            window=current,
            registry=self._registry,
            sums=board.sums(),
            policy=self._rules.policy,
            as_of=as_of,
            positions={shard: mark.position for shard, mark in board.marks().items()},
            previous=self._previous,
            adjustments=await self._adjustments(current, as_of),
            rescored=self._rescored and self._previous is None,
        )
        if evaluation is not None:
            await self._store_and_publish(evaluation)

    async def _store_and_publish(self, evaluation: Evaluation) -> None:
        database = self._context.database

        def store() -> Evaluation | None:
            newest = evaluations.newest(database, evaluation.series)
            if (newest.number if newest else 0) >= evaluation.number:
                return newest
            evaluations.write(database, evaluation)
            return evaluations.newest(database, evaluation.series)

        stored = await self._context.in_thread(store)
        self._previous = stored
        if stored == evaluation:
            await self._publish(evaluation)
        else:
            logger.warning("another worker wrote evaluation %d", evaluation.number)
            self._dirty = True

    async def _publish(self, evaluation: Evaluation) -> None:
        for alert in evaluation.alerts:
            value = encode_alert(alert, evaluation)
            await persist(self._lease, partial(self._kafka.send, RANK_ALERTS, 0, None, value))

    async def _refresh_registry(self) -> None:
        if time.monotonic() - self._registry_read >= _REGISTRY_EVERY or not len(self._registry):
            found = await self._context.in_thread(lambda: units.all_units(self._context.database))
            self._registry = Registry(found)
            self._registry_read = time.monotonic()

    async def _adjustments(self, current: Window, as_of: Instant) -> Adjustments:
        """Those in force; read anew, so that none recorded before ``as_of`` is missing."""
        database = self._context.database
        entries = await self._context.in_thread(
            lambda: adjustments.of_cycle(database, current.name)
        )
        return by_unit(in_force(entries, as_of))

    def _series(self, of: Window) -> Series:
        return Series(
            ruleset=self._rules.ruleset,
            ranking=RANKING,
            kind=KIND,
            group="",
            window_kind=of.kind,
            window_name=of.name,
        )


def encode_alert(alert: Alert, evaluation: Evaluation) -> bytes:
    """Write a message of `rank-alerts` (schemas.feeds)."""
    series = evaluation.series
    return orjson.dumps(
        {
            "id": alert.id,
            "rule": alert.kind,
            "unit": alert.unit,
            "ruleset": series.ruleset,
            "ranking": series.ranking,
            "kind": series.kind,
            "group": series.group,
            "window": {"kind": series.window_kind, "name": series.window_name},
            "evaluation": evaluation.number,
            "as_of": format_instant(evaluation.as_of),
        }
    )
