"""Reads the store once a second for all clients of the process, and gives each what it asked for.

It reads while somebody listens, and starts again from the store with the next client. A client
that comes back is first given what it missed, up to where the hub stands, then what the hub gives.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Mapping
from typing import Final

import orjson

from services.api.context import ApiContext
from services.api.refusals import refusal
from services.api.stream.client import (
    HEARTBEAT_SECONDS,
    QUEUE,
    RESET,
    Client,
    Wish,
    ended,
    event_body,
)
from services.api.stream.logs import AlertLog, Log, LogEvent, RankingLog
from services.api.stream.position import (
    ALERTS,
    RANKINGS,
    RATES,
    Position,
    read_position,
    unit_key,
)
from services.api.stream.rates import RateBoard
from services.storage.errors import StorageError
from services.web.problems import Problem

RESUMABLE: Final = 500
"""How many events of a log a client may have missed and still be given."""

_SLOW: Final = "too slow: connect again, with the last id"
_STOPPED: Final = "the service stops: connect again, with the last id"

_LOG: Final = logging.getLogger(__name__)


class Hub:
    """One per process."""

    def __init__(self, context: ApiContext, *, heartbeat: float = HEARTBEAT_SECONDS) -> None:
        self._context = context
        self._heartbeat = heartbeat
        self._lock = asyncio.Lock()
        self._clients: set[Client] = set()
        self._logs: dict[str, Log] = {
            ALERTS: AlertLog(context),
            RANKINGS: RankingLog(context),
        }
        self._reached: dict[str, int] = {}
        self._states: dict[str, tuple[int, list[LogEvent]]] = {}
        self._board = RateBoard(context)
        self._rates_due = False
        self._joining = 0
        self._stopped = False
        self._task: asyncio.Task[None] | None = None

    async def join(self, wish: Wish, last_id: str | None) -> Client:
        """Add a client, with what it missed since ``last_id`` already waiting for it.

        Raises:
            Problem: 503, there are too many, or storage cannot answer now.
        """
        if len(self._clients) + self._joining >= self._context.push.stream_clients:
            raise refusal(
                "too_many_streams",
                "This process serves as many streams as it may.",
                "本进程的推送连接数已满。",
                headers={"Retry-After": "5"},
            )
        self._joining += 1
        try:
            async with self._lock:
                if self._task is None or self._task.done():
                    await self._begin()
                client = Client(wish, self._present(wish), heartbeat=self._heartbeat)
                await self._catch_up(client, last_id)
                self._clients.add(client)
        finally:
            self._joining -= 1
        if self._stopped:
            client.close(_STOPPED)
        return client

    def leave(self, client: Client) -> None:
        """Forget a client."""
        self._clients.discard(client)

    def stop(self) -> None:
        """End all streams, and read no more."""
        self._stopped = True
        ended(self._clients, _STOPPED)
        if self._task is not None:
            self._task.cancel()

    async def poll(self) -> None:
        """Read what is new and give it to the clients.

        Raises:
            Problem: 503.
        """
        async with self._lock:
            await self._context.pin()
            for topic in self._logs:
                await self._poll_log(topic)
            await self._poll_rates()

    async def _begin(self) -> None:
        self._reached = {topic: await log.newest() for topic, log in self._logs.items()}
        await self._board.refresh()
        self._task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        while self._clients or self._joining:
            await asyncio.sleep(self._context.push.stream_interval)
            try:
                await self.poll()
            except (Problem, StorageError) as error:
                _LOG.warning("the stream waits for the store: %s", type(error).__name__)
            except Exception:  # noqa: BLE001 - the clients stay, and nothing is lost: it is read again
                _LOG.exception("the stream could not read; trying again")

    async def _poll_log(self, topic: str) -> None:
        while found := await self._logs[topic].after(self._reached[topic], RESUMABLE):
            for event in found:
                for client in self._of(topic):
                    if event.is_for(client.wish):
                        client.log_event(topic, event.sequence, event.body)
            self._reached[topic] = found[-1].sequence
            for client in self._of(topic):
                client.position.set_log(topic, found[-1].sequence)
            self._cut_slow()

    async def _poll_rates(self) -> None:
        listening = self._of(RATES)
        if not listening:
            return
        self._rates_due = await self._board.refresh() or self._rates_due
        if not self._rates_due:
            return
        for client in listening:
            await self._send_rates(client)
        self._rates_due = False  # not if the store failed in between
        self._cut_slow()

    async def _send_rates(self, client: Client) -> None:
        """Give a client the figures of its units that are not those it was given last."""
        for unit in sorted(client.wish.units):
            state = await self._board.of(unit)
            if (client.position.rates or {}).get(unit_key(unit)) != state.digest:
                client.rates_event(unit, state.digest, state.body)

    async def _catch_up(self, client: Client, last_id: str | None) -> None:
        """Put before a client what it missed, or a reset where that is too much or unknown."""
        known = Position() if last_id is None else read_position(last_id)
        lost = [] if known else sorted(client.wish.topics)
        known = known or Position()
        missed: dict[str, list[LogEvent]] = {}
        for topic in sorted(client.wish.topics & self._logs.keys()):
            place = known.of_log(topic)
            if place is None:
                missed[topic] = await self._state(topic)
                continue
            client.position.set_log(topic, place)
            found = await self._missed(topic, place, client.wish)
            if found is None:
                lost.append(topic)
                client.position.set_log(topic, self._reached[topic])
            missed[topic] = await self._state(topic) if found is None else found
        if lost:
            client.reset_event(event_body(RESET, orjson.dumps({"topics": lost})))
        for topic, events in missed.items():
            for event in events:
                client.log_event(topic, event.sequence, event.body)
            client.position.set_log(topic, self._reached[topic])
        if RATES in client.wish.topics:
            client.position.rates = _of_units(known.rates or {}, client.wish.units)
            await self._send_rates(client)

    async def _missed(self, topic: str, place: int, wish: Wish) -> list[LogEvent] | None:
        """What a client missed of a log up to where the hub stands; None if that is too much.

        A place beyond the hub's is that of another process, which has read more: then the hub
        reads on. One beyond all that is stored is none of this store.
        """
        if place > self._reached[topic]:
            await self._poll_log(topic)
        if place > self._reached[topic]:
            return [] if place <= await self._logs[topic].newest() else None
        missed: list[LogEvent] = []
        while place < self._reached[topic]:
            found = await self._logs[topic].after(place, RESUMABLE)
            missed += [
                event
                for event in found
                if event.sequence <= self._reached[topic] and event.is_for(wish)
            ]
            if len(missed) > RESUMABLE:
                return None
            place = found[-1].sequence if found else self._reached[topic]
        return missed

    async def _state(self, topic: str) -> list[LogEvent]:
        """What a new client begins with; read once for all that come at the same place."""
        reached = self._reached[topic]
        known = self._states.get(topic)
        if known is None or known[0] != reached:
            self._states[topic] = known = (reached, await self._logs[topic].state())
        return known[1]

    def _of(self, topic: str) -> list[Client]:
        return [client for client in self._clients if topic in client.wish.topics]

    def _present(self, wish: Wish) -> Position:
        return Position(
            self._reached[ALERTS] if ALERTS in wish.topics else None,
            self._reached[RANKINGS] if RANKINGS in wish.topics else None,
            {} if RATES in wish.topics else None,
        )

    def _cut_slow(self) -> None:
        ended((client for client in self._clients if client.backlog() > QUEUE), _SLOW)


def _of_units(rates: Mapping[str, str], units: Collection[str]) -> dict[str, str]:
    """What a client knows of the units that it asks for now."""
    keys = map(unit_key, sorted(units))
    return {key: rates[key] for key in keys if key in rates}
