"""While the store is away a shard waits, commits nothing, says so, and then goes on by itself."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest

from services.scoring.context import ScoringContext
from services.scoring.faust_app import Kafka
from services.scoring.frames import Message
from services.scoring.measuring import measure
from services.scoring.owner import Owner
from services.storage.database import Database
from services.storage.migrate import migrate
from tests.chaos.engine_proxy import EngineProxy, Trouble
from tests.integration.scoring.commit_log import CommitLog
from tests.integration.scoring.contexts import scoring_context
from tests.support.engines import shared_engine
from tests.support.waiting import await_that

MIB = 1 << 20
HERE = {"partition": "0"}


@pytest.fixture
def proxy(tmp_path: Path) -> Iterator[EngineProxy]:
    """Between the shard and its engine."""
    with shared_engine(tmp_path / "engine") as url, EngineProxy(url, 1).running() as running:
        yield running


@pytest.fixture
def context(proxy: EngineProxy) -> Iterator[ScoringContext]:
    database = Database.open(proxy.url)
    migrate(database)
    with scoring_context(database) as found:
        yield found
    database.close()


async def test_an_outage_is_waited_for_in_bounded_memory(
    proxy: EngineProxy, context: ScoringContext
) -> None:
    log, values = CommitLog(), context.metrics.registry.get_sample_value
    owner = Owner(context, cast("Kafka", log), 0, lambda: None)
    await owner.take_over()
    await asyncio.to_thread(await_that, lambda: owner.mark is not None)

    proxy.trouble = Trouble.REFUSING
    body = b" " * MIB

    async def fill() -> None:
        for offset in range(20):
            await owner.mailbox.put(Message(offset, None, body))

    filling = asyncio.create_task(fill())
    await asyncio.to_thread(
        await_that, lambda: owner.trouble == "unavailable" and owner.mailbox.held_bytes >= 8 * MIB
    )
    assert owner.mailbox.held_bytes < 9 * MIB
    assert not filling.done()
    assert log.committed_offset == 0
    measure(context, {0: owner}, {}, lambda _: None)
    assert values("hotline_shard_ready", HERE) == 0
    assert values("hotline_store_retries_total", {"cause": "unavailable"})
    assert not values("hotline_store_retries_total", {"cause": "refused"})

    proxy.trouble = Trouble.NONE
    await asyncio.to_thread(await_that, lambda: log.committed_offset == 20)
    await filling
    await asyncio.to_thread(await_that, lambda: owner.trouble is None)
    measure(context, {0: owner}, {}, lambda _: None)
    assert values("hotline_shard_ready", HERE) == 1
    assert values("hotline_dead_letters_total", {"reason": "malformed_json"}) == 20
    await owner.hand_over()
