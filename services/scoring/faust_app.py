"""The Faust application, and the few calls of it that the rest of this room makes.

Faust 0.15.3 is pinned: `_commit_offsets` and `_thread` are private, and the integration tests hold
them to what is used here (docs/scoring.md).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, Awaitable, Callable, Iterable, Mapping
from typing import Any, Final

import faust
from faust.types import TP
from kafka import KafkaConsumer

from schemas.instants import SECOND
from schemas.topics import (
    DEAD_LETTERS,
    RANK_ALERTS,
    SHARD_CLAIMS,
    STREET_RATES,
    WORK_ORDER_EVENTS,
    topic_name,
)
from services.scoring.frames import Message
from services.traces.spans import TRACEPARENT

GROUP: Final = "hotline-scoring"
TOPICS: Final = (WORK_ORDER_EVENTS, SHARD_CLAIMS, DEAD_LETTERS, STREET_RATES, RANK_ALERTS)

_WEEKS: Final = 14 * 24 * 3600.0
_FETCH_WAIT_MS: Final = 100
_BUFFER: Final = 32  # messages of up to 1 MiB

Handler = Callable[[int, Message], Awaitable[None]]
OnPartitions = Callable[[set[int]], Awaitable[None]]


class TopicsMissingError(RuntimeError):
    """The broker lacks topics, or has them with another partition count."""


class Kafka:
    """One Faust application with two agents, which do nothing but hand messages over.

    Args:
        bootstrap: ``host:port``, several separated by commas.
        data_directory: Where Faust may keep its (empty) directories.
        rebalance_timeout: Seconds; the session timeout is twice as long.
        on_event: Gets every message of `work-order-events` with its partition.
        on_rates: Gets every message of `street-rates`.
        on_assigned: Gets the partitions of `work-order-events` after every rebalance.
        on_revoked: Gets those that are taken away, before anyone else has them.
        suffix: Behind the names of the topics and of the group.
    """

    def __init__(
        self,
        *,
        bootstrap: str,
        data_directory: str,
        rebalance_timeout: float,
        on_event: Handler,
        on_rates: Handler,
        on_assigned: OnPartitions,
        on_revoked: OnPartitions,
        suffix: str = "",
    ) -> None:
        self._suffix = suffix
        self._on_assigned = on_assigned
        self._on_revoked = on_revoked
        self.app: Any = faust.App(
            topic_name(GROUP, suffix),
            broker=";".join(f"kafka://{server.strip()}" for server in bootstrap.split(",")),
            datadir=data_directory,
            store="memory://",
            autodiscover=False,
            web_enabled=False,
            topic_allow_declare=False,
            topic_disable_leader=True,
            broker_rebalance_timeout=rebalance_timeout,
            broker_session_timeout=2 * rebalance_timeout,
            broker_heartbeat_interval=rebalance_timeout / 3,
            broker_max_poll_interval=_WEEKS,
            stream_buffer_maxsize=_BUFFER,
            stream_wait_empty=False,
            consumer_auto_offset_reset="earliest",
            producer_acks=-1,
        )
        self._declare_agent(WORK_ORDER_EVENTS, on_event, isolated_partitions=True)
        self._declare_agent(STREET_RATES, on_rates, isolated_partitions=False)
        # Signals keep weak references unless told otherwise.
        self.app.on_partitions_assigned.connect(self._assigned, weak=False)
        self.app.on_partitions_revoked.connect(self._revoked, weak=False)

    def _declare_agent(self, name: str, handler: Handler, *, isolated_partitions: bool) -> None:
        # The raw serialiser accepts everything; acks=False keeps Faust from committing.
        topic = self.app.topic(
            topic_name(name, self._suffix),
            key_type=bytes,
            key_serializer="raw",
            value_type=bytes,
            value_serializer="raw",
            acks=False,
        )

        async def hand_over(stream: AsyncIterable[Any]) -> None:
            async for event in stream.events():  # type: ignore[attr-defined]
                message = event.message
                headers = message.headers
                await handler(
                    message.partition,
                    Message(
                        message.offset,
                        _header(headers, "content-type"),
                        message.value,
                        round((message.timestamp or 0) * SECOND),
                        _header(headers, TRACEPARENT),
                    ),
                )

        self.app.agent(topic, name=name, isolated_partitions=isolated_partitions)(hand_over)

    async def start(self) -> None:
        """Join the group; returns when the first assignment is done."""
        await self.app.start()
        # Faust fixes 1500 ms; Tansu answers a waiting fetch only after half of that.
        fetcher = self.app.consumer._thread._ensure_consumer()._fetcher  # noqa: SLF001
        fetcher._fetch_max_wait_ms = _FETCH_WAIT_MS  # noqa: SLF001

    async def stop(self) -> None:
        """Leave the group."""
        await self.app.stop()

    async def wait_until_down(self) -> BaseException | None:
        """Return when the application has stopped, with the reason if it crashed."""
        await self.app.wait_until_stopped()
        reason: BaseException | None = self.app.crash_reason
        return reason

    async def send(
        self, topic: str, partition: int, key: bytes | None, value: bytes, traceparent: str = ""
    ) -> int:
        """Write one message; returns its offset once all in-sync replicas have it."""
        name = topic_name(topic, self._suffix)
        headers = [(TRACEPARENT, traceparent.encode())] if traceparent else None
        sent = await self.app.producer.send_and_wait(name, key, value, partition, None, headers)
        return int(sent.offset)

    async def commit(self, partition: int, offset: int) -> bool:
        """Commit the next offset to read of a partition; False: it is no longer ours."""
        tp = self._tp(partition)
        if tp not in self.app.consumer.assignment():
            return False
        return bool(await self.app.consumer._commit_offsets({tp: offset}))  # noqa: SLF001

    async def committed(self, partition: int) -> int | None:
        """The offset that the group would go on from; None before the first commit."""
        thread = self.app.consumer._thread  # noqa: SLF001 - Faust offers no way to ask
        offset: int | None = await thread.call_thread(
            thread._ensure_consumer().committed,  # noqa: SLF001
            self._tp(partition),
        )
        return offset

    async def position(self, partition: int) -> int | None:
        """The next offset that will be fetched of a partition."""
        position: int | None = await self.app.consumer.position(self._tp(partition))
        return position

    async def earliest(self, partition: int) -> int:
        """The first offset that the log still holds."""
        tp = self._tp(partition)
        offsets: Mapping[TP, int] = await self.app.consumer.earliest_offsets(tp)
        return offsets[tp]

    def end(self, partition: int) -> int | None:
        """The offset that the next message of the log gets, as the last fetch told; None before."""
        tp = self._tp(partition)
        if tp not in self.app.consumer.assignment():
            return None
        try:
            end: int | None = self.app.consumer.highwater(tp)
        except (AssertionError, AttributeError):  # a rebalance is under way
            return None
        return end

    async def seek(self, partition: int, offset: int) -> None:
        """Fetch from an offset on."""
        await self.app.consumer.seek(self._tp(partition), offset)

    async def _assigned(self, _app: Any, assigned: Iterable[TP], **_: Any) -> None:
        await self._on_assigned(self._of_events(assigned))

    async def _revoked(self, _app: Any, revoked: Iterable[TP], **_: Any) -> None:
        await self._on_revoked(self._of_events(revoked))

    def _tp(self, partition: int) -> TP:
        return TP(topic_name(WORK_ORDER_EVENTS, self._suffix), partition)

    def _of_events(self, partitions: Iterable[TP]) -> set[int]:
        return {tp.partition for tp in partitions if tp == self._tp(tp.partition)}


async def check_topics(bootstrap: str, partitions: int, suffix: str = "") -> None:
    """Make sure that every topic exists: Faust would wait for a missing one for ever.

    Raises:
        TopicsMissingError: names the topics, and how to create them.
    """
    counts = await asyncio.to_thread(_partition_counts, bootstrap, suffix)
    wanted = {WORK_ORDER_EVENTS: partitions, SHARD_CLAIMS: partitions}
    wrong = [
        f"{topic_name(topic, suffix)} ({counts.get(topic, 0)} partitions instead of {wanted.get(topic, 1)})"
        for topic in TOPICS
        if counts.get(topic, 0) != wanted.get(topic, 1)
    ]
    if wrong:
        raise TopicsMissingError(
            f"missing topics, or topics of another size: {', '.join(wrong)}; create them with "
            "`hotline topics create`; the partition count of an existing topic never changes"
        )


def _partition_counts(bootstrap: str, suffix: str) -> dict[str, int]:
    consumer = KafkaConsumer(bootstrap_servers=bootstrap.split(","))
    try:
        known = consumer.topics()
        names = {topic: topic_name(topic, suffix) for topic in TOPICS}
        return {
            topic: len(consumer.partitions_for_topic(name) or ())
            for topic, name in names.items()
            if name in known
        }
    finally:
        consumer.close()


def _header(headers: Any, wanted: str) -> str | None:
    pairs = headers.items() if isinstance(headers, Mapping) else (headers or ())
    for name, value in pairs:
        if name.lower() == wanted:
            return value.decode("ascii", "replace") if isinstance(value, bytes) else str(value)
    return None
