"""What a shard of one partition works with, where its clock stands still."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from services.scoring.context import ScoringContext, no_step
from services.storage.database import Database
from services.storage.rules import RuleBook
from tests.support.scoring_process import FIRST_POLICY, activate
from tests.unit.scoring.support import START


@contextmanager
def scoring_context(database: Database) -> Iterator[ScoringContext]:
    """Of a database with tables, in which the first policy is put in force."""
    activate(database, FIRST_POLICY)
    rules = RuleBook(database, 1)
    rules.read()
    with ThreadPoolExecutor(2) as executor:
        yield ScoringContext(
            database=database,
            rules=rules,
            partitions=1,
            epoch=0,
            clock=lambda: START,
            flush_interval=0.1,
            handover_limit=1.0,
            on_step=no_step,
            executor=executor,
            building=asyncio.Semaphore(1),
        )
