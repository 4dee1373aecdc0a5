"""Ranking agents that are driven by hand, over a city whose flushes a test writes."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, cast

import orjson

from schemas.topics import partition_of
from services.scoring.context import ScoringContext, no_step
from services.scoring.faust_app import Kafka
from services.scoring.frames import Message
from services.scoring.ranking_agent import RankingAgent
from services.scoring.rates import encode_rates
from services.storage.rules import RuleBook
from tests.integration.api.city import PARTITIONS, City


class Outbox:
    """What was sent to `rank-alerts`, in place of a broker."""

    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []

    async def send(
        self, _topic: str, _partition: int, _key: bytes | None, value: bytes, _traceparent: str = ""
    ) -> int:
        self.sent.append(orjson.loads(value))
        return len(self.sent)


class Ranker:
    """One agent; nothing happens but what a test asks for."""

    def __init__(self, city: City, context: ScoringContext) -> None:
        self._city = city
        self.outbox = Outbox()
        self.agent = RankingAgent(context, cast("Kafka", self.outbox))

    async def hears(self, shard: int) -> None:
        """The feed tells of the last flush of a shard."""
        mark = self._city.context().readers.flush_marks(self._city.ruleset)[shard]
        (value,) = encode_rates(shard, self._city.ruleset, mark, {})
        await self.agent.accept(Message(mark.position.offset, None, value))

    async def ranks(self) -> None:
        await self.agent.evaluate()


@contextmanager
def rankers(city: City) -> Iterator[ScoringContext]:
    """What agents need; their threads end with the block."""
    with ThreadPoolExecutor(2) as executor:
        context = ScoringContext(
            database=city.database,
            rules=RuleBook(city.database, PARTITIONS),
            partitions=PARTITIONS,
            epoch=1,
            clock=lambda: city.now,
            flush_interval=0.1,
            handover_limit=1.0,
            on_step=no_step,
            executor=executor,
            building=asyncio.Semaphore(1),
        )
        context.rules.read()
        yield context


def subjects(shard: int, count: int, name: str) -> list[str]:
    """Order numbers that lie in a shard."""
    found = (f"{name}-{n:05d}" for n in range(100 * count))
    mine = [subject for subject in found if partition_of(subject, PARTITIONS) == shard]
    return mine[:count]
