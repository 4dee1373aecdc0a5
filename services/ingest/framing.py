"""Grouping: events that arrive within a few milliseconds travel to the log together.

The scoring worker pays per Kafka message, not per event, so the gateway
holds the events of each partition back for a moment and sends them as one frame. A full frame
goes out at once. Events of one partition leave in the order in which they were added.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import Future
from typing import Final, NamedTuple, Protocol

from opentelemetry.trace import Span, SpanContext, SpanKind

from schemas.codec import encode_frame
from schemas.topics import BATCH_JSON, FRAME_BYTES, FRAME_EVENTS, WORK_ORDER_EVENTS
from services.ingest.sender import SendError
from services.traces.spans import Traces, end, traceparent

COLLECT_SECONDS: Final = 0.003
_BRACKETS: Final = 2  # [ and ] around the events, one comma after each but the last
EVENT_BYTES: Final = FRAME_BYTES - _BRACKETS - 1


class FrameSender(Protocol):
    """What framing needs of `services.ingest.sender.Sender`."""

    def submit(
        self, frame: bytes, partition: int, content_type: str, traceparent: str
    ) -> Future[int]:
        """Take a frame and tell its offset once it is acknowledged."""
        ...


class Sent(NamedTuple):
    """A frame on its way: its partition, and its offset once it is acknowledged."""

    partition: int
    offset: asyncio.Future[int]


class _OpenFrame:
    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.events: list[bytes] = []
        self.size = _BRACKETS
        self.origins: list[SpanContext] = []
        self.offset: asyncio.Future[int] = loop.create_future()
        # A caller may have given up before his frame failed; that is no unhandled error.
        self.offset.add_done_callback(lambda done: done.cancelled() or done.exception())

    def has_room_for(self, event: bytes) -> bool:
        return len(self.events) < FRAME_EVENTS and self.size + len(event) + 1 <= FRAME_BYTES

    def add(self, event: bytes) -> None:
        self.events.append(event)
        self.size += len(event) + 1


class Framer:
    """Collects encoded events into frames; lives on one event loop.

    Args:
        sender: takes the frames.
        collect_seconds: how long an event may wait for company.
        traces: of the frames; none if left out.
    """

    def __init__(
        self,
        sender: FrameSender,
        *,
        collect_seconds: float = COLLECT_SECONDS,
        traces: Traces | None = None,
    ) -> None:
        self._sender = sender
        self._traces = traces or Traces()
        self._collect_seconds = collect_seconds
        self._open: dict[int, _OpenFrame] = {}
        self._timer: asyncio.TimerHandle | None = None

    def add(self, partition: int, events: Sequence[bytes]) -> list[Sent]:
        """Put events of one partition into frames, in order.

        Returns:
            The frames that hold them. An offset's exception is a `SendError`.

        Raises:
            ValueError: an event is larger than `EVENT_BYTES`; none of the events is added.
        """
        if any(len(event) > EVENT_BYTES for event in events):
            raise ValueError(f"an event is larger than {EVENT_BYTES} bytes")
        loop = asyncio.get_running_loop()
        origin = self._traces.current()
        frames: dict[_OpenFrame, None] = {}
        for event in events:
            frame = self._open.get(partition)
            if frame is not None and not frame.has_room_for(event):
                self._close(partition)
                frame = None
            if frame is None:
                frame = self._open[partition] = _OpenFrame(loop)
            frame.add(event)
            if frame not in frames:
                frame.origins += origin
                frames[frame] = None
        if (frame := self._open.get(partition)) is not None and len(frame.events) == FRAME_EVENTS:
            self._close(partition)
        if self._open and self._timer is None:
            self._timer = loop.call_later(self._collect_seconds, self.flush)
        return [Sent(partition, frame.offset) for frame in frames]

    def flush(self) -> None:
        """Send every open frame now."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for partition in list(self._open):
            self._close(partition)

    def _close(self, partition: int) -> None:
        frame = self._open.pop(partition)
        span = self._traces.follow("produce", frame.origins, SpanKind.PRODUCER)
        span.set_attributes(
            {
                "messaging.system": "kafka",
                "messaging.destination.name": WORK_ORDER_EVENTS,
                "messaging.destination.partition.id": str(partition),
                "hotline.event_count": len(frame.events),
            }
        )
        try:
            sending = self._sender.submit(
                encode_frame(frame.events), partition, BATCH_JSON, traceparent(span)
            )
        except SendError as error:
            end(span, error)
            frame.offset.set_exception(error)
            return
        # wrap_future brings the result from the sender's threads to the loop.
        asyncio.wrap_future(sending).add_done_callback(
            lambda sent: _pass_on(sent, frame.offset, span),
        )


def _pass_on(sent: asyncio.Future[int], offset: asyncio.Future[int], span: Span) -> None:
    error = None if sent.cancelled() else sent.exception()
    if error is None and not sent.cancelled():
        span.set_attribute("messaging.kafka.offset", sent.result())
    end(span, error)
    if offset.done():
        return
    if sent.cancelled():
        offset.cancel()
    elif error is not None:
        offset.set_exception(error)
    else:
        offset.set_result(sent.result())
