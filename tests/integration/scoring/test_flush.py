"""What a flush commits, seen at the engine and at a log kept in memory."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import cast

import pytest

from schemas.records import Fence
from services.scoring.context import ScoringContext, no_step
from services.scoring.faust_app import Kafka
from services.scoring.flusher import Flusher
from services.scoring.frames import Message
from services.scoring.lease import Lease
from services.scoring.load import load_shard
from services.storage.database import Database
from services.storage.migrate import migrate
from services.storage.shard_store import ShardStore
from tests.support import usage
from tests.unit.scoring.support import POLICY, START


class CommitLog:
    """The two calls of `Kafka` that a flush makes."""

    def __init__(self) -> None:
        self.committed = 0
        self.sent: list[tuple[str, bytes]] = []

    async def send(self, topic: str, _partition: int, _key: bytes | None, value: bytes) -> int:
        self.sent.append((topic, value))
        return len(self.sent) - 1

    async def commit(self, _partition: int, offset: int) -> bool:
        self.committed = offset
        return True


@pytest.fixture
def context(tmp_path: Path) -> Iterator[ScoringContext]:
    database = Database.open(f"chdb://{tmp_path}/engine")
    usage.note("chDB")
    migrate(database)
    with ThreadPoolExecutor(2) as executor:
        yield ScoringContext(
            database=database,
            policy=POLICY,
            ruleset=1,
            partitions=1,
            epoch=0,
            clock=lambda: START,
            flush_interval=0.1,
            handover_limit=1.0,
            on_step=no_step,
            executor=executor,
        )
    database.close()


def flusher(context: ScoringContext, log: CommitLog, token: int) -> Flusher:
    store = ShardStore(context.database, 0, context.ruleset)
    fence, lease = Fence(context.epoch, token), Lease()
    assert store.claim(fence, START)
    loaded = load_shard(
        store,
        partition=0,
        partitions=1,
        policy=context.policy,
        fence=fence,
        now=START,
        lease=lease,
        on_step=no_step,
    )
    return Flusher(context, cast("Kafka", log), store, loaded, lease)


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
    assert log.committed == 2
    await again.flush(bad[2:])
    assert log.committed == 4
