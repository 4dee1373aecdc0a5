"""A log kept in memory, for tests of one owner."""

from __future__ import annotations

import asyncio


class CommitLog:
    """The calls of `Kafka` that an owner makes."""

    def __init__(self) -> None:
        self.committed_offset = 0
        self.sent: list[tuple[str, bytes]] = []
        self.seeks: asyncio.Queue[int] = asyncio.Queue()

    async def send(
        self, topic: str, _partition: int, _key: bytes | None, value: bytes, _traceparent: str = ""
    ) -> int:
        self.sent.append((topic, value))
        return len(self.sent) - 1

    async def commit(self, _partition: int, offset: int) -> bool:
        self.committed_offset = offset
        return True

    async def committed(self, _partition: int) -> int:
        return self.committed_offset

    async def position(self, _partition: int) -> int:
        return 0

    async def earliest(self, _partition: int) -> int:
        return 0

    async def seek(self, _partition: int, offset: int) -> None:
        await self.seeks.put(offset)
