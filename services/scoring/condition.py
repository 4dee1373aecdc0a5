"""A condition that plain functions may announce."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


class Changed:
    """Wakes those who wait for something to become true, on one event loop."""

    def __init__(self) -> None:
        self._next = asyncio.Event()

    def announce(self) -> None:
        """Let every waiter look again."""
        self._next.set()
        self._next = asyncio.Event()

    async def wait_for(self, predicate: Callable[[], bool]) -> None:
        """Return when ``predicate`` holds."""
        while not predicate():
            await self._next.wait()
