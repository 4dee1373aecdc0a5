"""Delivers alerts to webhooks and channels: who is owed what is in the store, and nowhere else.

A round writes down what new alerts are for whom, then starts what is due, one task for each
endpoint, so that a dead receiver delays nobody else. A process that dies leaves deliveries waiting;
the next one sends them under the same id. What cannot be stored is sent again.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from itertools import groupby
from typing import Final, Protocol

from schemas.instants import DAY, Instant
from services.api.push.messages import Messages
from services.api.push.sending import Outcome, Sender
from services.domain.retrying import REST, gives_up, next_attempt
from services.metrics.registry import Metrics
from services.storage import deliveries, endpoints, push_feed
from services.storage.database import Database
from services.storage.deliveries import Delivery
from services.storage.endpoints import Endpoint
from services.storage.errors import StorageUnavailable
from services.storage.push_feed import LoggedAlert

_ROUND_SECONDS: Final = 1.0
_BATCH: Final = 20  # deliveries of one endpoint in one round
_PAGE: Final = 500  # alerts

STALE: Final = 3 * DAY
"""Older alerts are no news: not pushed when nothing could be delivered for so long."""

_LOG: Final = logging.getLogger(__name__)


class Leading(Protocol):
    """Says whether this process is the one that delivers."""

    async def leads(self) -> bool:
        """Ask the store."""

    def holds(self) -> bool:
        """Whether the last answer still holds."""


class Courier:
    """The delivering part of a process. ``draw`` gives the jitter, 0 to 999."""

    def __init__(
        self,
        *,
        database: Database,
        clock: Callable[[], Instant],
        senders: Mapping[str, Sender],
        messages: Messages,
        lease: Leading,
        draw: Callable[[], int] = lambda: secrets.randbelow(1000),
        metrics: Metrics | None = None,
    ) -> None:
        self._database = database
        self._clock = clock
        self._senders = senders
        self._messages = messages
        self._lease = lease
        self._draw = draw
        self._metrics = metrics or Metrics()
        self._seen: dict[str, int] = {}  # by endpoint: alerts that were looked at
        self._rests: dict[str, Instant] = {}  # by endpoint: not before
        self._tasks: dict[str, asyncio.Task[None]] = {}

    async def run(self) -> None:
        """Deliver until cancelled."""
        try:
            while True:
                await self._safely(self.round())
                await asyncio.sleep(_ROUND_SECONDS)
        finally:
            for task in self._tasks.values():
                task.cancel()
            await self.settled()

    async def round(self) -> None:
        """Write down what is owed, and start what is due.

        Raises:
            StorageUnavailable: nothing is lost; the next round does it.
        """
        listed = await asyncio.to_thread(endpoints.listing, self._database)
        active = [endpoint for endpoint in listed if endpoint.state == endpoints.ON]
        if not active:
            return
        if not await self._lease.leads():
            self._seen.clear()
            return
        await asyncio.to_thread(self._write_down, active)
        await self._start(active)

    async def settled(self) -> None:
        """Return when no attempt is being made."""
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    def _write_down(self, active: Sequence[Endpoint]) -> None:
        """Add a waiting delivery for each new alert and endpoint (blocking)."""
        if any(endpoint.id not in self._seen for endpoint in active):
            self._seen |= deliveries.reached(self._database)
        oldest = push_feed.alerts_since(self._clock() - STALE)
        seen = {each.id: max(each.since, self._seen.get(each.id, 0), oldest) for each in active}
        while found := push_feed.alerts_after(self._database, min(seen.values()), _PAGE):
            now = self._clock()
            for endpoint in active:
                owed = [
                    alert
                    for alert in found
                    if alert.sequence > seen[endpoint.id] and endpoint.wants(alert)
                ]
                self._owe(endpoint, owed, now)
            newest = found[-1].sequence
            seen = {id_: max(sequence, newest) for id_, sequence in seen.items()}
        self._seen = seen

    def _owe(self, endpoint: Endpoint, owed: Sequence[LoggedAlert], now: Instant) -> None:
        """Write down what is not yet; an endpoint is owed an alert once (blocking)."""
        known = deliveries.known(self._database, endpoint.id, [alert.id for alert in owed])
        new = {
            alert.id: first_of(
                endpoint.id,
                alert.id,
                deliveries.ALERT,
                self._messages.of_alert(endpoint.kind, alert),
                now,
                sequence=alert.sequence,
                not_before=alert.not_before,
            )
            for alert in owed
            if alert.id not in known
        }
        deliveries.write(self._database, list(new.values()))

    async def _start(self, active: Sequence[Endpoint]) -> None:
        """Start one task for each endpoint that has something due and is neither at it nor at rest."""
        now = self._clock()
        self._tasks = {id_: task for id_, task in self._tasks.items() if not task.done()}
        free = {
            each.id: each
            for each in active
            if each.id not in self._tasks and self._rests.get(each.id, now) <= now
        }
        due = await asyncio.to_thread(deliveries.due, self._database, list(free), now, _BATCH)
        for id_, batch in groupby(due, key=lambda delivery: delivery.endpoint):
            attempts = self._deliver(free[id_], list(batch))
            self._tasks[id_] = asyncio.create_task(self._safely(attempts))

    async def _deliver(self, endpoint: Endpoint, batch: Sequence[Delivery]) -> None:
        """Try one after the other until one fails."""
        secret = await asyncio.to_thread(endpoints.secret_of, self._database, endpoint.id)
        for delivery in batch:
            if secret is None or not self._lease.holds():
                return
            outcome = await self._attempt(endpoint, delivery, secret)
            await asyncio.to_thread(self._record, endpoint, delivery, outcome)
            if outcome.problem:
                self._rests[endpoint.id] = self._clock() + REST
                return

    async def _attempt(self, endpoint: Endpoint, delivery: Delivery, secret: str) -> Outcome:
        sender = self._senders[endpoint.kind]
        try:
            return await sender.send(delivery, endpoint.address, secret, self._clock())
        except Exception as error:  # noqa: BLE001 - one message must not be tried without an end
            # Its text may hold the address.
            _LOG.error("a delivery failed within the service: %s", type(error).__qualname__)
            return Outcome("internal_error")

    def _record(self, endpoint: Endpoint, delivery: Delivery, outcome: Outcome) -> None:
        """Store what came of an attempt, and switch off an endpoint that is gone (blocking)."""
        now = self._clock()
        tried = delivery._replace(
            number=delivery.number + 1,
            attempt=delivery.attempt + 1,
            status=outcome.status,
            problem=outcome.problem,
            recorded_at=now,
        )
        again = next_attempt(tried.attempt, now, self._draw())
        if not outcome.problem:
            tried = tried._replace(state=deliveries.DELIVERED)
        elif outcome.gone or again is None:
            tried = tried._replace(state=deliveries.GIVEN_UP)
        else:
            tried = tried._replace(next_at=again)
        deliveries.write(self._database, [tried])
        result = "failed" if tried.state == deliveries.WAITING else tried.state
        self._metrics.push_deliveries.labels(result).inc()
        if outcome.gone:
            self._disable(endpoint, "gone", now)
        elif outcome.problem and gives_up(
            deliveries.failing_since(self._database, endpoint.id, endpoint.changed_at), now
        ):
            self._disable(endpoint, "failing", now)

    def _disable(self, endpoint: Endpoint, reason: str, now: Instant) -> None:
        """Switch an endpoint off and tell the others (blocking)."""
        current = endpoints.find(self._database, endpoint.id)
        if current is None or current.state != endpoints.ON:
            return
        off = endpoints.changed(
            self._database, current, now, state=endpoints.DISABLED, reason=reason
        )
        others = [
            each
            for each in endpoints.listing(self._database)
            if each.state == endpoints.ON and each.id != off.id
        ]
        deliveries.write(
            self._database,
            [
                first_of(
                    each.id,
                    f"disabled:{off.id}:{off.number}",
                    deliveries.NOTICE,
                    self._messages.of_disabled(each.kind, off, now),
                    now,
                )
                for each in others
            ],
        )

    async def _safely(self, work: Awaitable[None]) -> None:
        try:
            await work
        except StorageUnavailable:
            _LOG.warning("alerts wait to be delivered: the store does not answer")
        except Exception:  # noqa: BLE001 - whatever it was, the store holds all that is needed to go on
            _LOG.exception("delivering failed; the next round goes on from the store")


def first_of(
    endpoint: str,
    id_: str,
    kind: str,
    body: str,
    now: Instant,
    *,
    sequence: int = 0,
    not_before: Instant = 0,
) -> Delivery:
    """A delivery that was not tried yet; ``not_before``: 0, or the end of quiet hours."""
    return Delivery(
        endpoint=endpoint,
        id=id_,
        number=1,
        sequence=sequence,
        kind=kind,
        state=deliveries.WAITING,
        attempt=0,
        next_at=max(now, not_before),
        status=0,
        problem="",
        body=body,
        recorded_at=now,
    )


def asked_again(delivery: Delivery, now: Instant) -> Delivery:
    """The same delivery once more, with its id, as if it had not been tried."""
    return delivery._replace(
        number=delivery.number + 1,
        state=deliveries.WAITING,
        attempt=0,
        next_at=now,
        status=0,
        problem="",
        recorded_at=now,
    )
