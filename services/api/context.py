"""What the routes of one process share."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import ParamSpec, TypeVar

from schemas.instants import Instant
from services.api.refusals import unavailable
from services.domain.policy import Policy
from services.storage.database import Database
from services.storage.errors import StorageUnavailable
from services.storage.readers import Readers

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ApiContext:
    """Singletons of the process.

    ``ruleset`` is the number of ``policy`` in the database; ``partitions`` how many shards there
    are; ``clock`` the present; ``is_ready`` says for each named part of the process whether it is
    ready (scoring, for example), and must not block.
    """

    database: Database
    policy: Policy
    ruleset: int
    partitions: int
    clock: Callable[[], Instant]
    is_ready: Callable[[], Mapping[str, bool]]
    readers: Readers = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "readers", Readers(self.database))


async def ask(question: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Put a question to storage, off the event loop.

    Raises:
        Problem: 503, storage cannot answer now.
    """
    try:
        return await asyncio.to_thread(question, *args, **kwargs)
    except StorageUnavailable:
        raise unavailable() from None
