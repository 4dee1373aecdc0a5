"""Batches of orders on their way: compare with the store, send, confirm. Several at a time."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final, NamedTuple, TypeVar

from schemas.errors import EventError
from schemas.instants import Instant
from schemas.records import Event
from services.ingest.importing.client import Service, ServiceError
from services.ingest.importing.difference import Difference, difference
from services.ingest.importing.report import Line, Summary
from services.ingest.importing.spool import FileOrder
from services.web.connection import PATIENCE

BATCH_EVENTS: Final = 1_500
BATCH_ORDERS: Final = 1_000
AT_ONCE: Final = 4
_PAUSE: Final = 0.2

_Result = TypeVar("_Result")
Progress = Callable[[int, int], None]
Rejection = tuple[Line, Event]
"""A line whose ``column`` still holds the JSON pointer into the event, and the event."""


class Outcome(NamedTuple):
    """What became of one batch."""

    rows: int
    events: int
    accepted: int
    duplicates: int
    differences: list[Difference]
    rejections: list[Rejection]


class Sender:
    """Sends the orders of a file to a service and counts into a summary."""

    def __init__(
        self,
        service: Service,
        source: str,
        exported_at: Instant,
        summary: Summary,
        *,
        dry_run: bool,
    ) -> None:
        self._service: Final = service
        self._source: Final = source
        self._exported_at: Final = exported_at
        self._summary: Final = summary
        self._dry_run: Final = dry_run

    def send(self, orders: Iterable[FileOrder], progress: Progress) -> Iterator[Rejection]:
        """Send what differs; give the events that are refused. Consume it to the end.

        Raises:
            ServiceError: the service stopped answering.
        """
        rows = events = 0
        summary = self._summary
        for outcome in _in_parallel(self._send_batch, batches(orders)):
            summary.accepted += outcome.accepted
            summary.duplicates += outcome.duplicates
            for found in outcome.differences:
                summary.new += len(found.new)
                summary.unchanged += found.unchanged
                summary.corrections += len(found.corrections)
                summary.late_corrections += found.late
            rows += outcome.rows
            events += outcome.events
            progress(rows, events)
            yield from outcome.rejections

    def confirm(self, orders: Iterable[FileOrder], progress: Progress) -> None:
        """Wait until the store holds everything that was sent.

        An acknowledged event may not be stored yet, and a later import compares with the store.

        Raises:
            ServiceError: it does not come to hold it.
        """
        rows = events = 0
        for batch in _in_parallel(self._confirm_batch, batches(orders)):
            rows += sum(order.rows for order in batch)
            events += sum(len(order.events) for order in batch)
            progress(rows, events)

    def _send_batch(self, batch: list[FileOrder]) -> Outcome:
        stored = self._service.stored(self._source, [order.id for order in batch])
        waiting: dict[str, tuple[FileOrder, Difference]] = {}
        rejections: list[Rejection] = []
        for order in batch:
            try:
                found = difference(order, stored.get(order.id, []), self._exported_at)
            except EventError as error:
                line = Line(order.first_row, "/id", error.reason, error.detail, error.detail_zh)
                rejections.append((line, order.events[0]))
                continue
            if found.other_type:
                line = Line(order.first_row, "/id", "other_type")
                rejections.append((line, found.other_type[0]))
            else:
                waiting[order.id] = (order, found)
        accepted = duplicates = 0
        while not self._dry_run:
            events = [event for _, found in waiting.values() for event in found.to_send]
            if not events:
                break
            sent = self._service.send(events)
            accepted, duplicates = sent.accepted, sent.duplicates
            if not sent.refused:
                break
            for index, why in sorted(sent.refused.items()):
                refused = waiting.pop(events[index].subject, None)
                if refused is not None:
                    line = Line(
                        refused[0].first_row, why.path, why.reason, why.detail, why.detail_zh
                    )
                    rejections.append((line, events[index]))
        return Outcome(
            sum(order.rows for order in batch),
            sum(len(order.events) for order in batch),
            accepted,
            duplicates,
            [found for _, found in waiting.values()],
            rejections,
        )

    def _confirm_batch(self, batch: list[FileOrder]) -> list[FileOrder]:
        deadline = time.monotonic() + PATIENCE
        outstanding = batch
        while True:
            stored = self._service.stored(self._source, [order.id for order in outstanding])
            outstanding = [
                order
                for order in outstanding
                if difference(order, stored.get(order.id, []), self._exported_at).to_send
            ]
            if not outstanding:
                return batch
            if time.monotonic() > deadline:
                raise ServiceError(
                    f"{len(outstanding)} orders were accepted, but are not stored after "
                    f"{PATIENCE:.0f} s. Import the same file again later."
                )
            time.sleep(_PAUSE)


def batches(orders: Iterable[FileOrder]) -> Iterator[list[FileOrder]]:
    """Group whole orders, so that no two batches speak of the same one."""
    batch: list[FileOrder] = []
    events = 0
    for order in orders:
        batch.append(order)
        events += len(order.events)
        if events >= BATCH_EVENTS or len(batch) >= BATCH_ORDERS:
            yield batch
            batch, events = [], 0
    if batch:
        yield batch


def _in_parallel(
    work: Callable[[list[FileOrder]], _Result], jobs: Iterable[list[FileOrder]]
) -> Iterator[_Result]:
    """Give the results in the sequence of the jobs; the first failure ends it."""
    running: deque[Future[_Result]] = deque()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        try:
            for job in jobs:
                running.append(pool.submit(work, job))
                if len(running) > AT_ONCE:
                    yield running.popleft().result()
            while running:
                yield running.popleft().result()
        finally:
            for future in running:
                future.cancel()
