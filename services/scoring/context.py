"""What every part of one scoring worker shares."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import TypeVar

from schemas.instants import Instant
from services.domain.policy import Policy
from services.storage.database import Database

T = TypeVar("T")

# The steps of a flush, in their order; the hook hears of each before it is taken.
STEPS = ("events", "orders", "counters", "flush", "dead_letters", "rates", "commit")


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoringContext:
    """Built once by `ScoringWorker`.

    ``clock`` gives the present instant. ``handover_limit`` (seconds) is how long a partition's
    last flush may take when it is revoked. ``on_step`` is called before every step of a load or a
    flush, in whatever thread takes it; tests end the process there.
    """

    database: Database
    policy: Policy
    ruleset: int
    partitions: int
    epoch: int
    clock: Callable[[], Instant]
    flush_interval: float
    handover_limit: float
    on_step: Callable[[str], None]
    executor: Executor

    async def in_thread(self, function: Callable[[], T]) -> T:
        """Run what blocks or computes for long beside the event loop."""
        return await asyncio.get_running_loop().run_in_executor(self.executor, function)


def no_step(_step: str) -> None:
    """Let every step pass."""
