"""Who asks, and what a caller may do."""

from __future__ import annotations

from collections.abc import Callable, Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any, Final, Literal, Protocol

from fastapi import Request

Scope = Literal["ingest", "read", "govern", "admin"]

# What a scope holds besides itself. Sending events lets nobody read, nor the other way round.
_HOLDS: Final[Mapping[str, frozenset[str]]] = {
    "ingest": frozenset({"ingest"}),
    "read": frozenset({"read"}),
    "govern": frozenset({"govern", "read"}),
    "admin": frozenset({"admin", "govern", "read", "ingest"}),
}


@dataclass(frozen=True, slots=True)
class Restriction:
    """``units`` that a caller is restricted to, and whether a unit is among or below them."""

    units: tuple[str, ...]
    sees: Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody known. Without a ``restriction``: of the whole city."""

    name: str
    scopes: frozenset[str]
    restriction: Restriction | None = None

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


_KEY: Final = "hotline.restriction"


def remember(scope: MutableMapping[str, Any], caller: Caller) -> None:
    """Let the route that answers know what its caller is restricted to."""
    scope[_KEY] = caller.restriction


def restriction_of(request: Request) -> Restriction | None:
    """What the caller is restricted to; None: to nothing. For routes that need `OWN`."""
    found: Restriction | None = request.scope.get(_KEY)
    return found
