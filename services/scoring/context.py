"""What every part of one scoring worker shares."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from contextvars import copy_context
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

from schemas.instants import Instant
from services.metrics.registry import Metrics
from services.scoring.pace import Pace
from services.storage.database import Database
from services.storage.rules import RuleBook
from services.traces.spans import Traces

T = TypeVar("T")

# The steps of a flush, in their order; the hook hears of each before it is taken.
STEPS = ("events", "orders", "counters", "flush", "dead_letters", "rates", "commit")
# What a change of the rules adds: the build beside the flushes, then the steps of a second lane
# in each flush, then the end of the first one.
BUILD_STEPS = (
    "build.orders",
    "build.counters",
    "build.catch_up",
    "build.finish",
    "build.flush",
    "next.orders",
    "next.counters",
    "next.flush",
    "next.rates",
    "switch",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoringContext:
    """Built once by `ScoringWorker`.

    ``rules`` reads the policies, and ``block`` is how many orders are evaluated at once under a new
    one. One partition at a time holds ``building``, so that flushes keep their share of the
    processor. ``clock`` gives the present instant. ``handover_limit`` (seconds) is how long a partition's
    last flush may take when it is revoked. ``on_step`` is called before every step of a load or a
    flush, in whatever thread takes it; tests end the process there.
    """

    database: Database
    rules: RuleBook
    partitions: int
    epoch: int
    clock: Callable[[], Instant]
    flush_interval: float
    handover_limit: float
    on_step: Callable[[str], None]
    executor: Executor
    building: asyncio.Semaphore
    block: int = 2_000
    metrics: Metrics = field(default_factory=Metrics)
    pace: Pace = field(default_factory=Pace)
    traces: Traces = field(default_factory=Traces)

    async def in_thread(self, function: Callable[[], T]) -> T:
        """Run what blocks or computes for long beside the event loop, in the current span."""
        run = partial(copy_context().run, function)
        return await asyncio.get_running_loop().run_in_executor(self.executor, run)


def no_step(_step: str) -> None:
    """Let every step pass."""
