"""The push gateway: a request is accepted as a whole or not at all.

Accepted means logged: the caller is answered when all in-sync replicas hold the frames with his
events; in the embedded profile, whose log is in memory, when they are stored as well.
"""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, Literal

from opentelemetry.trace import Span

from schemas.instants import MINUTE, Instant
from schemas.topics import partition_of
from services.ingest.archive import Archive, Key, Known, LookUp
from services.ingest.checks import Checked, Refused, conflicts, decode_all, duplicates, key_of
from services.ingest.framing import Framer, Sent
from services.ingest.intake import Intake
from services.ingest.refusals import refusal
from services.ingest.sender import MIB, OverloadedError, Sender
from services.metrics.registry import Metrics
from services.traces.spans import Traces, name_events
from services.web.problems import Problem

FUTURE_TOLERANCE: Final = 5 * MINUTE
BODY_LIMIT: Final = 8 * MIB
EVENT_LIMIT: Final = 10_000

_NAMES_COUNTED: Final = 1_000
_OTHER_NAMES: Final = "(other)"
_REPEAT: Final = (
    "Repeat the request with the same ids: what was taken already counts once.",
    "请使用相同的 id 重新发送；已接收的事件只计一次。",
)
_WAIT: Final = (
    "Repeat the request with the same ids after the seconds in Retry-After.",
    "请在 Retry-After 所示秒数之后，使用相同的 id 重新发送。",
)


@dataclass(frozen=True, slots=True)
class EventResult:
    """What became of one event; ``index`` is its place in the request."""

    index: int
    id: str
    status: Literal["accepted", "duplicate"]


@dataclass(frozen=True, slots=True)
class Receipt:
    """The answer to an accepted request. ``dropped_fields`` counts unknown fields by name."""

    accepted: int
    duplicates: int
    dropped_fields: dict[str, int]
    events: list[EventResult]


class Gateway:
    """Validates, frames, sends and waits; lives on one event loop.

    Args:
        sender: started; stopped by whoever started it.
        partitions: of the topic.
        clock: the present instant.
        future_tolerance: microseconds that an event may be ahead of the clock.
        archived: looks events up in the archive (blocking, runs in a thread); None: only
            duplicates within a request are found.
        wait_stored: returns when the flushes hold every partition up to the given offset; None:
            the broker's acknowledgement is enough.
        body_limit: bytes of a request.
        event_limit: events of a request.
        acknowledge_seconds: how long to wait for the broker.
        store_seconds: how long to wait for `wait_stored`.
        metrics: where it counts; its own if left out.
        traces: of what it accepts; none if left out.
    """

    def __init__(
        self,
        *,
        sender: Sender,
        partitions: int,
        clock: Callable[[], Instant],
        future_tolerance: int = FUTURE_TOLERANCE,
        archived: LookUp | None = None,
        wait_stored: Callable[[Mapping[int, int]], Awaitable[None]] | None = None,
        body_limit: int = BODY_LIMIT,
        event_limit: int = EVENT_LIMIT,
        acknowledge_seconds: float = 15.0,
        store_seconds: float = 15.0,
        metrics: Metrics | None = None,
        traces: Traces | None = None,
    ) -> None:
        if body_limit > sender.limit_bytes:
            raise ValueError("a body at its limit would never fit into the sender's queue")
        self.body_limit: Final = body_limit
        self.event_limit: Final = event_limit
        self._sender = sender
        self._traces = traces or Traces()
        self._framer = Framer(sender, traces=self._traces)
        self._partitions = partitions
        self._clock = clock
        self._future_tolerance = future_tolerance
        self._archive = Archive(archived) if archived is not None else None
        self._wait_stored = wait_stored
        self._acknowledge_seconds = acknowledge_seconds
        self._store_seconds = store_seconds
        self._body_bytes = 0
        self._dropped_fields: Counter[str] = Counter()
        self._metrics = metrics or Metrics()
        self._metrics.on_scrape.append(self._measure)

    def dropped_fields(self) -> dict[str, int]:
        """Count, by name, the unknown fields dropped from accepted events since the start."""
        return dict(self._dropped_fields)

    @contextmanager
    def admission(self, size: int) -> Iterator[None]:
        """Reserve memory for a request while it is worked on.

        Args:
            size: bytes of the body, at most.

        Raises:
            Problem: 503, with the bytes in work and those waiting for the broker the limit would
                be passed.
        """
        if self._sender.pending_bytes + self._body_bytes + size > self._sender.limit_bytes:
            raise _overloaded()
        self._body_bytes += size
        try:
            yield
        finally:
            self._body_bytes -= size

    async def accept(self, intake: Intake, traceparent: str | None = None) -> Receipt:
        """Take all events of a request; ``traceparent`` tells of the caller's trace.

        Raises:
            Problem: 422 with every refused event, in which case nothing was sent; 503 when it is
                not known whether the log holds the events.
        """
        with self._traces.begun("accept", traceparent) as span:
            return await self._accept(intake, span)

    async def _accept(self, intake: Intake, span: Span) -> Receipt:
        latest = self._clock() + self._future_tolerance
        events, refused = await decode_all(intake.raws, latest)
        name_events(span, (checked.event for checked in events))
        known = await self._known(events)
        refused += conflicts(events, known)
        if refused:
            self._metrics.gateway_events.labels("refused").inc(len(refused))
            raise _refused(sorted(refused, key=lambda bad: bad.index), single=intake.single)
        verdicts = duplicates(events, known)
        fresh = [
            checked for checked, duplicate in zip(events, verdicts, strict=True) if not duplicate
        ]
        await self._log(fresh)
        self._metrics.gateway_events.labels("accepted").inc(len(fresh))
        self._metrics.gateway_events.labels("duplicate").inc(len(events) - len(fresh))
        return Receipt(
            accepted=len(fresh),
            duplicates=len(events) - len(fresh),
            dropped_fields=self._count_dropped(fresh),
            events=[
                EventResult(
                    index=checked.index,
                    id=checked.event.id,
                    status="duplicate" if duplicate else "accepted",
                )
                for checked, duplicate in zip(events, verdicts, strict=True)
            ],
        )

    def _measure(self) -> None:
        self._metrics.gateway_pending_bytes.set(self._sender.pending_bytes + self._body_bytes)
        self._metrics.gateway_limit_bytes.set(self._sender.limit_bytes)

    async def _known(self, events: Sequence[Checked]) -> Mapping[Key, Known]:
        if self._archive is None:
            return {}
        return await self._archive.known([key_of(checked.event) for checked in events])

    async def _log(self, events: Sequence[Checked]) -> None:
        if not events:
            return
        of_partition: defaultdict[int, list[bytes]] = defaultdict(list)
        for checked in events:
            partition = partition_of(checked.event.subject, self._partitions)
            of_partition[partition].append(checked.encoded)
        sent = [
            frame
            for partition, encoded in of_partition.items()
            for frame in self._framer.add(partition, encoded)
        ]
        offsets = await self._acknowledged(sent)
        if self._wait_stored is not None:
            try:
                async with asyncio.timeout(self._store_seconds):
                    await self._wait_stored(offsets)
            except TimeoutError:
                raise refusal("not_stored_in_time", *_REPEAT) from None

    async def _acknowledged(self, sent: Sequence[Sent]) -> dict[int, int]:
        """Wait for the broker; give the highest offset of each partition."""
        _, late = await asyncio.wait(
            {frame.offset for frame in sent}, timeout=self._acknowledge_seconds
        )
        if late:
            raise refusal("broker_unavailable", *_REPEAT)
        offsets: dict[int, int] = {}
        for frame in sent:
            error = frame.offset.exception()
            if isinstance(error, OverloadedError):
                raise _overloaded()
            if error is not None:
                raise refusal("broker_unavailable", *_REPEAT)
            offsets[frame.partition] = max(frame.offset.result(), offsets.get(frame.partition, -1))
        return offsets

    def _count_dropped(self, events: Sequence[Checked]) -> dict[str, int]:
        dropped = Counter(name for checked in events for name in checked.dropped)
        for name, times in dropped.items():
            full = len(self._dropped_fields) >= _NAMES_COUNTED and name not in self._dropped_fields
            self._dropped_fields[_OTHER_NAMES if full else name] += times
        return dict(dropped)


def _overloaded() -> Problem:
    return refusal("overloaded", *_WAIT)


def _refused(refused: Sequence[Refused], *, single: bool) -> Problem:
    """Build the answer that lists every refused event; paths point into the request's body."""
    return refusal(
        "events_refused",
        f"{len(refused)} of the events must be mended; none of the request was accepted.",
        f"有 {len(refused)} 个事件需要修改；整个请求未被接收。",
        [
            {
                "index": bad.index,
                "path": bad.error.path if single else f"/{bad.index}{bad.error.path}",
                "reason": bad.error.reason,
                "detail": bad.error.detail,
                "detail_zh": bad.error.detail_zh,
            }
            for bad in refused
        ],
    )
