"""Claiming a partition: fencing tokens that are offsets of `shard-claims` (design, section 6)."""

from __future__ import annotations

import logging

import orjson

from schemas.instants import Instant
from schemas.records import Fence, Position
from schemas.topics import SHARD_CLAIMS
from services.scoring.context import ScoringContext
from services.scoring.faust_app import Kafka
from services.scoring.lease import Lease, LostError
from services.storage.shard_store import ShardStore

logger = logging.getLogger(__name__)


async def claim(
    context: ScoringContext, kafka: Kafka, store: ShardStore, partition: int, lease: Lease
) -> Fence:
    """Claim a partition, and return when nobody with an older claim can write any more.

    The token is the offset of a message, so a later claim has a greater one. It counts only
    after an offset commit has succeeded behind it: the group then still held this member at a
    moment when the token existed, so whoever was given the partition later has a greater token.
    A stalled claimer therefore never wins.

    Raises:
        LostError: the partition is another's, or a greater token is stored.
    """
    stored = await context.in_thread(
        lambda: lease.patiently("reading the position", store.resume_position)
    )
    now = context.clock()
    value = encode_claim(partition, context.epoch, now)
    token = await kafka.send(SHARD_CLAIMS, partition, None, value)
    if not await kafka.commit(partition, await _safe_offset(context, kafka, partition, stored)):
        raise LostError
    fence = Fence(context.epoch, token)
    if not await context.in_thread(
        lambda: lease.patiently("storing the claim", lambda: store.claim(fence, now))
    ):
        logger.warning(
            "partition %d: a claim greater than %s is stored; if this goes on, the log of %s "
            "was lost, and the service needs a new epoch",
            partition,
            fence,
            SHARD_CLAIMS,
        )
        raise LostError
    await context.in_thread(
        lambda: lease.patiently(
            "waiting for writes of older claims", lambda: store.await_older_writes(fence)
        )
    )
    return fence


def encode_claim(partition: int, epoch: int, now: Instant) -> bytes:
    """Write a message of `shard-claims` (schemas.feeds)."""
    return orjson.dumps({"shard": partition, "epoch": epoch, "claimed_at": now})


async def _safe_offset(
    context: ScoringContext, kafka: Kafka, partition: int, stored: Position | None
) -> int:
    """Where Kafka stands, unless the store is behind it: then the last message stored.

    Never further than Kafka: what lies between its offset and the store's was stored, but its
    dead letters may not have been published, so it has to be read once more.
    """
    last = -1 if stored is None or stored.epoch < context.epoch else stored.offset
    committed = await kafka.committed(partition) or 0
    return committed if committed <= last + 1 else max(last, 0)
