"""The one way from this service into the log: frames out, acknowledged offsets back.

`KafkaProducer.send` may block for seconds, its callbacks run in its own network thread, and
nothing bounds its buffer. So one thread owns the producer, frames reach it through a queue, and
the bytes of every frame not yet acknowledged count against one limit. When the limit is reached
a frame is refused at once instead of being kept in memory.

    SendError
    ├── OverloadedError          the byte limit is reached: try again later
    └── BrokerUnavailableError   no acknowledgement in time, or the sender has stopped

After a SendError the log may hold the frame or not. Repeating it is safe, because events that
have the same source and id and the same content count once.
"""

from __future__ import annotations

import contextlib
import logging
import queue
import threading
import time
from collections import deque
from concurrent.futures import Future, InvalidStateError
from typing import Any, Final, NamedTuple

from schemas.topics import WORK_ORDER_EVENTS
from services.ingest.producer import connect, dispose
from services.traces.spans import TRACEPARENT

MIB: Final = 1024 * 1024
_IDLE_SECONDS: Final = 3600.0

_log = logging.getLogger(__name__)


class SendError(Exception):
    """The frame was not acknowledged."""


class OverloadedError(SendError):
    """Too many bytes wait for the broker."""


class BrokerUnavailableError(SendError):
    """The broker did not acknowledge the frame in time."""


class _Frame(NamedTuple):
    body: bytes
    partition: int
    headers: list[tuple[str, bytes]]
    offset: Future[int]
    deadline: float  # of time.monotonic()


class Sender:
    """Sends frames to one topic, acknowledged by all in-sync replicas, idempotently.

    Args:
        bootstrap: `host:port` of the broker, several separated by commas.
        topic: where the frames go; it must exist.
        limit_bytes: of frames submitted and not yet acknowledged, in all.
        delivery_limit: seconds until a frame that is not acknowledged fails.
    """

    def __init__(
        self,
        bootstrap: str,
        *,
        topic: str = WORK_ORDER_EVENTS,
        limit_bytes: int = 64 * MIB,
        delivery_limit: float = 10.0,
    ) -> None:
        self.limit_bytes: Final = limit_bytes
        self._bootstrap = bootstrap.split(",")
        self._topic = topic
        self._delivery_limit = delivery_limit
        self._queue: queue.SimpleQueue[_Frame | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._pending_bytes = 0
        self._stopping = False
        self._stop_by = 0.0
        self._broker_answers = True
        # Of the thread alone: the producer in use, and what it has not acknowledged, by deadline.
        self._producer: Any = None
        self._in_flight: deque[tuple[float, Future[int]]] = deque()
        self._retiring: list[threading.Thread] = []
        # Set by any thread: a producer that has failed once may never recover.
        self._failed_producer: Any = None
        self._thread = threading.Thread(target=self._run, name="ingest-sender", daemon=True)

    @property
    def pending_bytes(self) -> int:
        """Bytes of frames submitted and not yet acknowledged."""
        return self._pending_bytes

    def start(self) -> None:
        """Start the thread. The broker need not be there yet."""
        self._thread.start()

    def stop(self, limit: float = 10.0) -> None:
        """Send what was submitted, then end; blocks for at most about `limit` seconds.

        What is not acknowledged by then fails with `BrokerUnavailableError`.
        """
        with self._lock:
            self._stopping = True
            self._stop_by = time.monotonic() + limit
            self._queue.put(None)
        self._thread.join(limit)
        self._fail_waiting("the service is stopping")

    def submit(
        self, frame: bytes, partition: int, content_type: str, traceparent: str = ""
    ) -> Future[int]:
        """Take a frame; never blocks, callable from any thread.

        ``traceparent`` tells of its trace; empty: it has none.

        Returns:
            The frame's offset in the partition, once all in-sync replicas hold it. Its exception
            is a `BrokerUnavailableError`. Callbacks run in other threads.

        Raises:
            OverloadedError: too many bytes wait already.
            BrokerUnavailableError: the sender has stopped.
        """
        offset: Future[int] = Future()
        size = len(frame)
        headers = [("content-type", content_type.encode())]
        if traceparent:
            headers.append((TRACEPARENT, traceparent.encode()))
        deadline = time.monotonic() + self._delivery_limit
        with self._lock:
            if self._stopping:
                raise BrokerUnavailableError("the service is stopping")
            if self._pending_bytes + size > self.limit_bytes:
                raise OverloadedError(f"more than {self.limit_bytes} bytes wait for the broker")
            self._pending_bytes += size
            self._queue.put(_Frame(frame, partition, headers, offset, deadline))
        offset.add_done_callback(lambda _: self._release(size))
        return offset

    def _release(self, size: int) -> None:
        with self._lock:
            self._pending_bytes -= size

    def _run(self) -> None:
        while True:
            with contextlib.suppress(queue.Empty):
                frame = self._queue.get(timeout=self._until_next_deadline())
                if frame is None:
                    break
                self._send(frame)
            self._expire()
        if self._producer is not None:
            self._retire(self._producer)
        for closing in self._retiring:
            closing.join(max(0.0, self._stop_by - time.monotonic()))
        for _, offset in self._in_flight:
            _fail(offset, "the service is stopping")

    def _send(self, frame: _Frame) -> None:
        if time.monotonic() > frame.deadline:
            _fail(frame.offset, "the broker was too slow")
            return
        try:
            producer = self._usable_producer()
            acknowledged = producer.send(
                self._topic,
                value=frame.body,
                partition=frame.partition,
                headers=frame.headers,
            )
        except Exception as error:  # noqa: BLE001  this thread must outlive any failure
            self._failed_producer = self._producer
            self._tell_failure(type(error).__name__)
            _fail(frame.offset, "the broker cannot be reached")
            self._fail_waiting("the broker cannot be reached")
            return
        self._in_flight.append((frame.deadline, frame.offset))
        acknowledged.add_callback(self._on_acknowledged, frame.offset)
        acknowledged.add_errback(self._on_failed, producer, frame.offset)

    def _usable_producer(self) -> Any:
        if self._producer is not None and self._producer is self._failed_producer:
            self._retire(self._producer)
            self._producer = None
        if self._producer is None:
            self._producer = connect(self._bootstrap, self._delivery_limit)
        return self._producer

    def _retire(self, producer: Any) -> None:
        """Close a failed producer out of our way; its frames end within the delivery limit."""
        closing = threading.Thread(
            target=dispose, args=(producer, self._delivery_limit), daemon=True
        )
        closing.start()
        self._retiring = [thread for thread in self._retiring if thread.is_alive()] + [closing]

    def _until_next_deadline(self) -> float:
        if not self._in_flight:
            return _IDLE_SECONDS
        return max(0.0, self._in_flight[0][0] - time.monotonic())

    def _expire(self) -> None:
        """Fail what is overdue.

        The producer's own limit passes many seconds late when its thread waits for a frozen broker.
        """
        now = time.monotonic()
        while self._in_flight:
            deadline, offset = self._in_flight[0]
            if not offset.done():
                if now < deadline:
                    return
                self._failed_producer = self._producer
                self._tell_failure("no answer in time")
                _fail(offset, "the broker did not acknowledge in time")
            self._in_flight.popleft()

    def _on_acknowledged(self, offset: Future[int], metadata: Any) -> None:
        """In the producer's network thread.

        A batch that the broker recognises as a repetition is acknowledged without an offset.
        Waiting for offset -1 to be stored would be no waiting at all, so that is a failure.
        """
        if metadata.offset < 0:
            _fail(offset, "the broker did not tell the offset")
            return
        with contextlib.suppress(InvalidStateError):
            offset.set_result(int(metadata.offset))
        if not self._broker_answers:
            self._broker_answers = True
            _log.warning("the broker acknowledges frames again")

    def _on_failed(self, producer: Any, offset: Future[int], error: BaseException) -> None:
        """In the producer's network thread."""
        self._failed_producer = producer
        self._tell_failure(type(error).__name__)
        _fail(offset, "the broker did not acknowledge in time")

    def _tell_failure(self, cause: str) -> None:
        """Log the first of many failures."""
        if self._broker_answers:
            self._broker_answers = False
            _log.warning("the broker does not acknowledge frames: %s", cause)

    def _fail_waiting(self, why: str) -> None:
        """Fail every frame in the queue, so that nobody waits behind a dead broker one by one."""
        stop_requested = False
        with contextlib.suppress(queue.Empty):
            while True:
                frame = self._queue.get_nowait()
                if frame is None:
                    stop_requested = True
                else:
                    _fail(frame.offset, why)
        if stop_requested:
            self._queue.put(None)


def _fail(offset: Future[int], why: str) -> None:
    with contextlib.suppress(InvalidStateError):
        offset.set_exception(BrokerUnavailableError(why))
