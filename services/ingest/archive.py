"""Which events are in the archive already: asked for many requests at once, never in the way.

Duplicates are harmless downstream (the shard counts an event once), so this check only spares
work and gives the caller a better answer. When the archive cannot be asked, events are accepted
without it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple

from schemas.records import FlushMark, Position
from schemas.topics import partition_of

Key = tuple[str, str, str]  # subject, source, id
Copy = tuple[bytes, Position, int]  # digest, place in the log, index within the frame


class Known(NamedTuple):
    """What the archive holds under a key.

    ``digest`` is of the copy that counts, the one first in the log. ``stored`` tells that a flush
    holds it: an archived event that lies beyond the last flush may not be called stored yet.
    """

    digest: bytes
    stored: bool


LookUp = Callable[[Sequence[Key]], Mapping[Key, Known]]

_KEYS_AT_ONCE: Final = 5_000
_ASK_SECONDS: Final = 2.0
_PAUSE_SECONDS: Final = 5.0  # after a failure, so that a dead archive delays no one for long

_log = logging.getLogger(__name__)


def known_events(
    archived: Callable[[Sequence[Key]], Mapping[Key, Sequence[Copy]]],
    marks: Callable[[], Mapping[int, FlushMark]],
    partitions: int,
) -> LookUp:
    """Make the look-up out of two readers of `services.storage`.

    Args:
        archived: every archived copy of each key; keys it does not hold are absent.
        marks: the last flush of each shard, under the ruleset in force.
        partitions: of the topic.
    """

    def look_up(keys: Sequence[Key]) -> Mapping[Key, Known]:
        copies = archived(keys)
        if not copies:
            return {}
        flushed = marks()
        known: dict[Key, Known] = {}
        for key, of_key in copies.items():
            if not of_key:
                continue
            digest, position, _ = min(of_key, key=lambda copy: copy[1:])
            mark = flushed.get(partition_of(key[0], partitions))
            known[key] = Known(digest, stored=mark is not None and position <= mark.position)
        return known

    return look_up


class Archive:
    """Gathers the questions of concurrent requests into one query at a time.

    Args:
        look_up: blocks; runs in a thread.
    """

    def __init__(self, look_up: LookUp) -> None:
        self._look_up = look_up
        self._waiting: list[tuple[Sequence[Key], asyncio.Future[Mapping[Key, Known]]]] = []
        self._asking: asyncio.Task[None] | None = None
        self._silent_until = 0.0
        self._available = True

    async def known(self, keys: Sequence[Key]) -> Mapping[Key, Known]:
        """Tell which of the keys the archive holds; nothing when it cannot be asked."""
        loop = asyncio.get_running_loop()
        if not keys or loop.time() < self._silent_until:
            return {}
        answer: asyncio.Future[Mapping[Key, Known]] = loop.create_future()
        self._waiting.append((keys, answer))
        if self._asking is None:
            self._asking = loop.create_task(self._ask_all())
        return await answer

    async def _ask_all(self) -> None:
        while self._waiting:
            keys: list[Key] = []
            answers: list[asyncio.Future[Mapping[Key, Known]]] = []
            while self._waiting and len(keys) < _KEYS_AT_ONCE:
                more, answer = self._waiting.pop(0)
                keys += more
                answers.append(answer)
            known = await self._ask(keys)
            for answer in answers:
                if not answer.done():
                    answer.set_result(known)
        self._asking = None

    async def _ask(self, keys: list[Key]) -> Mapping[Key, Known]:
        loop = asyncio.get_running_loop()
        if loop.time() < self._silent_until:
            return {}
        try:
            async with asyncio.timeout(_ASK_SECONDS):
                known = await asyncio.to_thread(self._look_up, keys)
        except Exception as error:  # noqa: BLE001  whatever the engine raises, events go on
            self._silent_until = loop.time() + _PAUSE_SECONDS
            if self._available:
                _log.warning(
                    "the archive cannot be asked (%s): accepting without looking for duplicates",
                    type(error).__name__,
                )
            self._available = False
            return {}
        if not self._available:
            _log.warning("the archive answers again")
        self._available = True
        return known
