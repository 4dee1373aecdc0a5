"""Dead letters: into their table, then to their topic."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

import orjson

from schemas.records import DeadLetter
from schemas.topics import DEAD_LETTERS
from services.scoring.context import ScoringContext
from services.scoring.faust_app import Kafka
from services.scoring.lease import Lease, persist
from services.storage import dead_letters

_SENT_AT_ONCE: Final = 1_000  # one message of 1 MiB can hold half a million mistakes


class Letters:
    """Stores and publishes the dead letters of one claim of one partition."""

    def __init__(self, context: ScoringContext, kafka: Kafka, lease: Lease) -> None:
        self._context = context
        self._kafka = kafka
        self._lease = lease
        self._loop = asyncio.get_running_loop()

    async def publish(self, letters: Sequence[DeadLetter]) -> None:
        """Return when all are stored and sent.

        Raises:
            LostError: the lease was given up.
        """
        if letters:
            await self._context.in_thread(lambda: self._store(letters))
            await self._send(letters)

    def publish_from_thread(self, letters: Sequence[DeadLetter]) -> None:
        """The same for blocking work beside the event loop."""
        if letters:
            self._store(letters)
            asyncio.run_coroutine_threadsafe(self._send(letters), self._loop).result()

    def _store(self, letters: Sequence[DeadLetter]) -> None:
        context = self._context
        now = context.clock()
        self._lease.patiently(
            "writing dead letters", lambda: dead_letters.write(context.database, letters, now)
        )
        for letter in letters:
            context.metrics.dead_letters.labels(letter.reason).inc()

    async def _send(self, letters: Sequence[DeadLetter]) -> None:
        for start in range(0, len(letters), _SENT_AT_ONCE):
            part = letters[start : start + _SENT_AT_ONCE]
            await asyncio.gather(*(self._send_one(encode_dead_letter(letter)) for letter in part))

    async def _send_one(self, value: bytes) -> None:
        await persist(self._lease, lambda: self._kafka.send(DEAD_LETTERS, 0, None, value))


def encode_dead_letter(letter: DeadLetter) -> bytes:
    """Write a message of `dead-letters` (schemas.feeds)."""
    return orjson.dumps(letter._asdict() | {"position": letter.position._asdict()})
