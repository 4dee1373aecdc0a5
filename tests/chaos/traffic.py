"""Sends the city's batches until each one is acknowledged, and remembers what was.

An event counts as accepted from the moment when somebody was told so: by the gateway's 202, or for
a direct producer by the offset that all in-sync replicas hold.
"""

from __future__ import annotations

import queue
import random
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final, NamedTuple

import httpx
import orjson
from kafka.errors import KafkaError

from schemas.codec import decode_event, encode_frame
from schemas.topics import BATCH_JSON, WORK_ORDER_EVENTS, partition_of
from services.ingest.producer import connect, dispose
from tests.chaos.city import Batch, CloudEvent, Route, conflicting

PARTITIONS: Final = 4

_SENDERS: Final = 3
_REQUEST_SECONDS: Final = 30.0
_DELIVERY_SECONDS: Final = 10.0
_RETRY_SECONDS: Final = 0.3
_CONFLICTS: Final = 0.2  # of direct batches
_REMEMBERED: Final = 200


class Content(NamedTuple):
    """What an event says: the same in every copy."""

    subject: str
    source: str
    id: str
    digest: bytes


class Traffic:
    """Threads that send.

    Args:
        gateways: Their URLs; a sender goes from one to the next when it gets no answer.
        bootstrap: Of Kafka.
        seed: Draws which accepted events get a conflicting copy.
    """

    def __init__(self, gateways: Sequence[str], bootstrap: str, seed: int) -> None:
        self.accepted: set[Content] = set()
        self.delivered = 0  # events in acknowledged batches, copies among them
        self.answers: Counter[str] = Counter()
        self.wrong: list[str] = []
        self._gateways = list(gateways)
        self._bootstrap = bootstrap.split(",")
        self._draw = random.Random(f"conflicts {seed}")
        self._recent: list[CloudEvent] = []
        self._queue: queue.Queue[tuple[float, Batch] | None] = queue.Queue()
        self._lock = threading.Lock()
        self._ending = threading.Event()
        self._producer: Any = None

    @contextmanager
    def running(self) -> Iterator[Traffic]:
        """Send while the block runs."""
        threads = [
            threading.Thread(target=self._send_all, args=(n,), name=f"sender {n}", daemon=True)
            for n in range(_SENDERS)
        ]
        for thread in threads:
            thread.start()
        try:
            yield self
        finally:
            self._ending.set()
            for _ in threads:
                self._queue.put(None)
            for thread in threads:
                thread.join()
            self._drop_producer()

    def send(self, batches: Sequence[Batch], seconds: float) -> None:
        """Queue batches, evenly over so many seconds from now; returns at once."""
        begins = time.monotonic()
        for number, batch in enumerate(batches):
            self._queue.put((begins + seconds * number / len(batches), batch))

    def waiting(self) -> int:
        """How many batches are not acknowledged."""
        return self._queue.unfinished_tasks

    def _send_all(self, number: int) -> None:
        with httpx.Client(timeout=_REQUEST_SECONDS, trust_env=False) as client:
            while (task := self._queue.get()) is not None:
                due, batch = task
                self._ending.wait(max(0.0, due - time.monotonic()))
                if batch.route is Route.GATEWAY:
                    self._push(client, number, batch)
                else:
                    self._produce(batch)
                self._queue.task_done()

    # Over HTTP

    def _push(self, client: httpx.Client, first: int, batch: Batch) -> None:
        attempt = first
        if batch.spoilt is not None:
            attempt = self._refused(client, attempt, [*batch.events, batch.spoilt])
        body = orjson.dumps(batch.events)
        while not self._ending.is_set():
            answer = self._post(client, attempt, body)
            if answer is not None and answer.status_code == httpx.codes.ACCEPTED:
                self._accept(batch.events)
                return
            if answer is not None and answer.status_code < httpx.codes.INTERNAL_SERVER_ERROR:
                self._tell(f"a good batch was refused: {answer.status_code} {answer.text[:500]}")
                return
            attempt += 1
            self._ending.wait(_RETRY_SECONDS)

    def _refused(self, client: httpx.Client, attempt: int, events: list[CloudEvent]) -> int:
        """Send a batch that has to be refused as a whole."""
        while not self._ending.is_set():
            answer = self._post(client, attempt, orjson.dumps(events))
            if answer is not None and answer.status_code == httpx.codes.UNPROCESSABLE_ENTITY:
                return attempt
            if answer is not None and answer.status_code < httpx.codes.INTERNAL_SERVER_ERROR:
                self._tell(f"a spoilt batch was answered with {answer.status_code}")
                return attempt
            attempt += 1
            self._ending.wait(_RETRY_SECONDS)
        return attempt

    def _post(self, client: httpx.Client, attempt: int, body: bytes) -> httpx.Response | None:
        url = self._gateways[attempt % len(self._gateways)]
        try:
            answer = client.post(
                f"{url}/v1/events", content=body, headers={"content-type": BATCH_JSON}
            )
        except httpx.TransportError as error:
            self._count(type(error).__name__)
            return None
        self._count(str(answer.status_code))
        return answer

    # Into the log

    def _produce(self, batch: Batch) -> None:
        of_partition: defaultdict[int, list[CloudEvent]] = defaultdict(list)
        for event in batch.events:
            of_partition[partition_of(event["subject"], PARTITIONS)].append(event)
        self._add_what_must_not_count(batch, of_partition)
        waiting = {
            partition: encode_frame([orjson.dumps(event) for event in events])
            for partition, events in of_partition.items()
        }
        while waiting and not self._ending.is_set():
            for partition in self._written(waiting):
                del waiting[partition]
            if waiting:
                self._ending.wait(_RETRY_SECONDS)
        if not waiting:
            self._accept(batch.events)

    def _add_what_must_not_count(
        self, batch: Batch, of_partition: defaultdict[int, list[CloudEvent]]
    ) -> None:
        if batch.spoilt is not None:
            home = partition_of(batch.spoilt["subject"], PARTITIONS)
            of_partition[home].append(batch.spoilt)
            astray = batch.events[0]
            elsewhere = (partition_of(astray["subject"], PARTITIONS) + 1) % PARTITIONS
            of_partition[elsewhere].append(astray)
        with self._lock:
            chosen = self._recent and self._draw.random() < _CONFLICTS
            event = self._draw.choice(self._recent) if chosen else None
        if event is not None:
            of_partition[partition_of(event["subject"], PARTITIONS)].append(conflicting(event))

    def _written(self, frames: dict[int, bytes]) -> list[int]:
        """The partitions whose frame the log has taken."""
        done = []
        try:
            producer = self._usable_producer()
            sent = {
                partition: producer.send(
                    WORK_ORDER_EVENTS,
                    value=frame,
                    partition=partition,
                    headers=[("content-type", BATCH_JSON.encode())],
                )
                for partition, frame in frames.items()
            }
            for partition, future in sent.items():
                future.get(_REQUEST_SECONDS)
                done.append(partition)
                self._count("logged")
        except KafkaError as error:
            self._count(type(error).__name__)
            self._drop_producer()
        return done

    def _usable_producer(self) -> Any:
        with self._lock:
            if self._producer is None:
                self._producer = connect(self._bootstrap, _DELIVERY_SECONDS)
            return self._producer

    def _drop_producer(self) -> None:
        with self._lock:
            producer, self._producer = self._producer, None
        if producer is not None:
            dispose(producer, _DELIVERY_SECONDS)

    # What became of it

    def _accept(self, events: Sequence[CloudEvent]) -> None:
        contents = set()
        for raw in events:
            event = decode_event(raw).event
            contents.add(Content(event.subject, event.source, event.id, event.digest))
        with self._lock:
            self.accepted |= contents
            self.delivered += len(events)
            self._recent = [*self._recent, *events][-_REMEMBERED:]

    def _count(self, what: str) -> None:
        with self._lock:
            self.answers[what] += 1

    def _tell(self, what: str) -> None:
        with self._lock:
            self.wrong.append(what)
