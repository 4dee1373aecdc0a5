"""What the routes of one process share, and the rules that one request is answered under."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, Final, ParamSpec, TypeVar

from schemas.instants import Instant
from services.api.push.options import DEFAULTS, PushOptions
from services.api.refusals import refusal, unavailable
from services.domain.policy import Policy, load_policy
from services.storage.database import Database
from services.storage.errors import StorageUnavailable
from services.storage.readers import Readers
from services.storage.rules import ActivePolicy, NoRulesError, RuleBook

P = ParamSpec("P")
T = TypeVar("T")

Emit = Callable[[Sequence[Mapping[str, Any]]], Awaitable[None]]
"""Logs CloudEvents, all of them or none; returns when they are acknowledged (decision 0013)."""

_READ_EVERY: Final = 1.0  # seconds
_PINNED: Final[ContextVar[ActivePolicy]] = ContextVar("rules of the request")


@dataclass(frozen=True, slots=True)
class ApiContext:
    """Singletons of the process.

    ``partitions`` is how many shards there are; ``clock`` the present; ``is_ready`` says for each
    named part of the process whether it is ready (scoring, for example), and must not block.
    ``time_zone`` and ``calendar`` (the text of a calendar file) replace those of a policy that is
    put in force here; empty ones leave them. ``on_stop`` is called before the server waits for its
    last answers: what never ends by itself ends then. ``fresh_for``: for how many seconds after
    its numbers were read a ranking may be given again (`kept.KeptAnswers`). ``emit`` logs events as
    the gateway does; None in a process that only reads.
    """

    database: Database
    partitions: int
    clock: Callable[[], Instant]
    is_ready: Callable[[], Mapping[str, bool]]
    time_zone: str = ""
    calendar: str = ""
    push: PushOptions = DEFAULTS
    fresh_for: float = 0.0
    emit: Emit | None = None
    on_stop: list[Callable[[], None]] = field(default_factory=list)
    readers: Readers = field(init=False)
    rules: RuleBook = field(init=False)
    _look_up: _LookUp = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "readers", Readers(self.database))
        object.__setattr__(self, "rules", RuleBook(self.database, self.partitions))
        object.__setattr__(self, "_look_up", _LookUp(self.rules))

    @property
    def policy(self) -> Policy:
        """The policy that this request is answered under; see `pin`."""
        return _PINNED.get().policy

    @property
    def ruleset(self) -> int:
        """Its number in the database."""
        return _PINNED.get().ruleset

    def read_policy(self, text: str) -> Policy:
        """Read a policy as it counts here, with the deployment's time zone and calendar (blocking).

        Raises:
            PolicyError: naming line and path of every mistake.
        """
        return load_policy(text, time_zone=self.time_zone or None, calendar=self.calendar or None)

    async def pin(self) -> None:
        """Choose the rules of this request: those in force now, until its last word.

        A dependency of every route, so that no answer mixes the numbers of two rulesets.

        Raises:
            Problem: 503, storage cannot answer now, or no policy is in force.
        """
        _PINNED.set(await self._look_up.current())


class _LookUp:
    """The rules in force, asked for at most once a second; one request waits, the others do not."""

    def __init__(self, rules: RuleBook) -> None:
        self._rules = rules
        self._known = False
        self._read_at = 0.0

    async def current(self) -> ActivePolicy:
        now = time.monotonic()
        if self._known and now - self._read_at < _READ_EVERY:
            return self._rules.last.current
        self._read_at = now
        try:
            found = await ask(self._rules.read)
        except NoRulesError:
            raise refusal(
                "not_ready",
                "No policy is in force that this program can read.",
                "没有可用的考核办法。",
                headers={"Retry-After": "1"},
            ) from None
        except BaseException:
            self._known = False  # rules that are older than a second are not answered under
            raise
        self._known = True
        return found.current


async def ask(question: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Put a question to storage, off the event loop.

    Raises:
        Problem: 503, storage cannot answer now.
    """
    try:
        return await asyncio.to_thread(question, *args, **kwargs)
    except StorageUnavailable:
        raise unavailable() from None
