"""What an owner commits and reads again, with a real engine and a log kept in memory."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest

from schemas.instants import HOUR
from schemas.records import Fence
from services.scoring.context import ScoringContext
from services.scoring.faust_app import Kafka
from services.scoring.flusher import Flusher
from services.scoring.frames import Message
from services.scoring.lease import Lease
from services.scoring.letters import Letters
from services.scoring.measuring import measure
from services.scoring.owner import Owner, load_lanes
from services.scoring.reconcile.shard import Compared
from services.scoring.tenure import Tenure
from services.storage.database import Database
from services.storage.migrate import migrate
from services.storage.shard_store import ShardStore
from tests.integration.scoring.commit_log import CommitLog
from tests.integration.scoring.contexts import scoring_context
from tests.support import usage
from tests.support.waiting import await_that
from tests.unit.scoring.support import START


@pytest.fixture
def context(tmp_path: Path) -> Iterator[ScoringContext]:
    database = Database.open(f"chdb://{tmp_path}/engine")
    usage.note("chDB")
    migrate(database)
    with scoring_context(database) as found:
        yield found
    database.close()


def flusher(context: ScoringContext, log: CommitLog, token: int) -> Flusher:
    current = context.rules.last.current
    store = ShardStore(context.database, 0, current.ruleset)
    fence, lease, kafka = Fence(context.epoch, token), Lease(), cast("Kafka", log)
    assert store.claim(fence, START)
    tenure = Tenure(
        context=context,
        kafka=kafka,
        partition=0,
        fence=fence,
        lease=lease,
        letters=Letters(context, kafka, lease),
    )
    return Flusher(tenure, [loaded.lane for loaded in load_lanes(tenure, store, current)])


async def test_messages_read_again_are_committed_only_as_far_as_they_were_read(
    context: ScoringContext,
) -> None:
    """Stored messages whose dead letters a crash held back must not be passed over."""
    bad = [Message(offset, None, b"{}") for offset in range(4)]
    await flusher(context, CommitLog(), 0).flush(bad)  # dies before it publishes, let us say
    log = CommitLog()
    again = flusher(context, log, 1)
    await again.flush(bad[:2])
    assert again.mark.position.offset == 3
    assert log.committed_offset == 2
    await again.flush(bad[2:])
    assert log.committed_offset == 4


async def test_a_message_of_an_earlier_assignment_is_no_gap_of_the_log(
    context: ScoringContext,
) -> None:
    """Whoever took it for one would pass over everything before it."""
    log = CommitLog()
    owner = Owner(context, cast("Kafka", log), 0, lambda: None)
    ahead = Message(7, None, b"{}")
    for _ in range(2):
        await owner.take_over()
        await owner.mailbox.put(ahead)
        async with asyncio.timeout(20):
            assert await log.seeks.get() == 0
        assert owner.mark is not None
        assert owner.mark.position.offset == -1
        await owner.hand_over()


async def test_a_store_that_refuses_is_told_and_nothing_is_committed_until_it_is_mended(
    context: ScoringContext,
) -> None:
    log, values = CommitLog(), context.metrics.registry.get_sample_value
    owner = Owner(context, cast("Kafka", log), 0, lambda: None)
    await owner.take_over()
    await asyncio.to_thread(await_that, lambda: owner.mark is not None)
    context.database.execute("RENAME TABLE shard_claims TO hidden")
    await owner.mailbox.put(Message(0, None, b"{}", START - HOUR))
    await asyncio.to_thread(await_that, lambda: owner.trouble == "refused")
    measure(context, {0: owner}, {}, lambda _: 5)
    assert values("hotline_shard_ready", {"partition": "0"}) == 0
    assert values("hotline_partition_lag_messages", {"partition": "0"}) == 5
    assert log.committed_offset == 0

    context.database.execute("RENAME TABLE hidden TO shard_claims")
    await asyncio.to_thread(await_that, lambda: log.committed_offset == 1)
    await asyncio.to_thread(await_that, lambda: owner.trouble is None)
    await owner.hand_over()
    assert values("hotline_store_retries_total", {"cause": "refused"})
    assert values("hotline_dead_letters_total", {"reason": "missing_field"}) == 1
    assert values("hotline_event_to_rank_seconds_sum") == 3600
    assert values("hotline_flush_seconds_count") == 1


async def test_what_is_measured_is_of_the_partitions_that_are_here(context: ScoringContext) -> None:
    values = context.metrics.registry.get_sample_value
    owner = Owner(context, cast("Kafka", CommitLog()), 0, lambda: None)
    await owner.take_over()
    await asyncio.to_thread(await_that, lambda: owner.mark is not None)
    compared = {0: Compared(0, 7, 0, 1, True, ())}
    measure(context, {0: owner}, compared, lambda _: None)
    here = {"partition": "0"}
    assert values("hotline_shard_ready", here) == 1
    assert values("hotline_shard_counters", here) == 0
    assert values("hotline_reconcile_differences", here) == 0
    assert values("hotline_reconcile_incomplete", here) == 1
    assert values("hotline_partition_lag_messages", here) is None  # nobody knows the log's end
    await owner.hand_over()
    measure(context, {}, compared, lambda _: None)
    assert values("hotline_shard_ready", here) is None
