"""Who asks, and what a caller may do."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Literal, Protocol

Scope = Literal["ingest", "read", "govern", "admin"]

# What a scope holds besides itself. Sending events lets nobody read, nor the other way round.
_HOLDS: Final[Mapping[str, frozenset[str]]] = {
    "ingest": frozenset({"ingest"}),
    "read": frozenset({"read"}),
    "govern": frozenset({"govern", "read"}),
    "admin": frozenset({"admin", "govern", "read", "ingest"}),
}


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody known. ``sees`` tells whether a unit is within the restriction; None: whole city."""

    name: str
    scopes: frozenset[str]
    sees: Callable[[str], bool] | None = None

    def may(self, scope: Scope) -> bool:
        """Whether one of the scopes is or holds this one."""
        return any(scope in _HOLDS.get(each, ()) for each in self.scopes)


class Doorkeeper(Protocol):
    """Knows callers, and keeps the log of what they change."""

    async def caller(self, token: str) -> Caller | None:
        """Whose token it is; None if it is nobody's.

        Raises:
            Problem: 503, it cannot be told now.
        """

    async def note(self, who: str, method: str, route: str, target: str, status: int) -> None:
        """Add to the log.

        Raises:
            Problem: 503, it cannot be stored now.
        """
