"""What the agent has read of one partition and the flusher has not taken yet."""

from __future__ import annotations

import asyncio
from typing import Final

from services.scoring.frames import Message

# Some 15 000 events. Above it the agent waits, and Faust stops fetching the partition.
_FULL: Final = 8 << 20
_MANY: Final = 1 << 16  # not worth resting any longer
_OVERHEAD: Final = 200  # of a message in memory, so that tiny ones are bounded too


class Mailbox:
    """A list bounded in bytes, between one agent and one flusher of the same event loop."""

    def __init__(self) -> None:
        self._messages: list[Message] = []
        self._bytes = 0
        self._not_empty = asyncio.Event()
        self._many = asyncio.Event()
        self._not_full = asyncio.Event()
        self._not_full.set()
        self._rewinding_to: int | None = None
        self._losses = 0

    @property
    def held_bytes(self) -> int:
        """Of the messages that wait."""
        return self._bytes

    async def put(self, message: Message) -> None:
        """Append, after waiting for room."""
        losses = self._losses
        await self._not_full.wait()
        if losses != self._losses:
            return  # read under an assignment that is over; whoever has it now reads it again
        if self._rewinding_to is not None:
            if message.offset > self._rewinding_to:
                return  # read before the seek; it comes again
            self._rewinding_to = None
        self._messages.append(message)
        self._bytes += len(message.value or b"") + _OVERHEAD
        self._not_empty.set()
        if self._bytes >= _MANY:
            self._many.set()
        if self._bytes >= _FULL:
            self._not_full.clear()

    async def wait(self) -> None:
        """Return when there is a message, or after `wake`."""
        await self._not_empty.wait()

    async def wait_for_many(self) -> None:
        """Return when there are so many that a flush of them is worth its price, or after `wake`."""
        await self._many.wait()

    def wake(self) -> None:
        """Let `wait` and `wait_for_many` return without a message."""
        self._not_empty.set()
        self._many.set()

    def take(self) -> list[Message]:
        """All messages, in the order they were read."""
        messages, self._messages = self._messages, []
        self._bytes = 0
        self._not_empty.clear()
        self._many.clear()
        self._not_full.set()
        return messages

    def rewind(self, offset: int) -> None:
        """Drop everything until a message at or before ``offset`` comes, after a seek to it."""
        self.take()
        self._rewinding_to = offset

    def empty(self) -> bool:
        """Whether there is nothing to take."""
        return not self._messages

    def reset(self) -> None:
        """Forget everything: the partition was lost."""
        self.take()
        self._rewinding_to = None
        self._losses += 1
