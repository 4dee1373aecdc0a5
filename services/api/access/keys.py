"""Makes keys, and tells whose they are.

A key is ``hk_<id>_<secret>`` with 256 random bits in the secret. No list of guesses reaches those,
so a plain SHA-256 is stored: a slow hash would protect nothing and cost every request.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import re
import secrets
import time
from collections.abc import Callable, Mapping
from typing import Final

from schemas.instants import Instant
from schemas.records import Unit
from services.api.refusals import unavailable
from services.storage import access_keys, audit_log, units
from services.storage.access_keys import Key
from services.storage.database import Database
from services.storage.errors import StorageError, StorageUnavailable
from services.web.access.caller import Caller, Restriction

_TEXT: Final = re.compile(r"hk_([0-9a-f]{16})_[A-Za-z0-9_-]{43}")
_READ_EVERY: Final = 1.0  # seconds: how long a revoked key may still open


def create(
    db: Database,
    now: Instant,
    *,
    label: str,
    scopes: tuple[str, ...],
    units: tuple[str, ...] = (),
    expires_at: Instant = 0,
) -> tuple[Key, str]:
    """Store a new key; the text that is returned with it is nowhere else."""
    id_ = secrets.token_hex(8)
    text = f"hk_{id_}_{secrets.token_urlsafe(32)}"
    key = Key(
        id=id_,
        number=1,
        digest=_digest(text),
        label=label,
        scopes=scopes,
        units=units,
        expires_at=expires_at,
        state=access_keys.VALID,
        created_at=now,
        changed_at=now,
    )
    access_keys.write(db, key)
    return key, text


class StoredKeys:
    """The doorkeeper of a process: keys from the store, read at most once a second.

    While the store is away, those last read keep opening: nobody can be revoked meanwhile, and a
    gateway must go on taking events. Before the first reading nobody is let in.

    ``always_units``: the registry is read also if no key is restricted to units.
    """

    def __init__(
        self,
        db: Database,
        clock: Callable[[], Instant],
        *,
        read_every: float = _READ_EVERY,
        always_units: bool = False,
    ) -> None:
        self._always_units = always_units
        self._db = db
        self._clock = clock
        self._read_every = read_every
        self._known: tuple[Mapping[str, Key], Mapping[str, Unit]] | None = None
        self._read_at = 0.0
        self._reading = asyncio.Lock()

    async def caller(self, token: str) -> Caller | None:
        """Whose key it is; see `services.web.access.caller.Doorkeeper`."""
        match = _TEXT.fullmatch(token)
        if match is None:
            return None
        keys, registry = await self._current()
        key = keys.get(match[1])
        if key is None or not hmac.compare_digest(key.digest, _digest(token)):
            return None
        if not key.opens(self._clock()):
            return None
        return Caller(
            name=f"key:{key.id}",
            scopes=frozenset(key.scopes),
            restriction=_restriction(key.units, registry) if key.units else None,
        )

    async def restriction(self, units: tuple[str, ...]) -> Restriction:
        """To these units and those below them; of none, if there are none."""
        _, registry = await self._current()
        return _restriction(units, registry)

    async def note(self, who: str, method: str, route: str, target: str, status: int) -> None:
        """Add to the audit log; see `services.web.access.caller.Doorkeeper`."""
        entry = audit_log.Entry(
            self._clock(), secrets.token_hex(8), who, method, route, target, status
        )
        try:
            await asyncio.to_thread(audit_log.write, self._db, entry)
        except (StorageUnavailable, StorageError):
            raise unavailable() from None

    async def _current(self) -> tuple[Mapping[str, Key], Mapping[str, Unit]]:
        fresh = time.monotonic() - self._read_at < self._read_every
        if self._known and (fresh or self._reading.locked()):
            return self._known
        async with self._reading:
            began = time.monotonic()
            try:
                self._known = await asyncio.to_thread(self._read)
            except StorageUnavailable:
                if self._known is None:
                    raise unavailable() from None
            self._read_at = began
            return self._known

    def _read(self) -> tuple[Mapping[str, Key], Mapping[str, Unit]]:
        keys = {key.id: key for key in access_keys.all_keys(self._db)}
        wanted = self._always_units or any(key.units for key in keys.values())
        registered = units.all_units(self._db) if wanted else []
        return keys, {unit.code: unit for unit in registered}


def _restriction(units: tuple[str, ...], registry: Mapping[str, Unit]) -> Restriction:
    own = frozenset(units)
    return Restriction(units, lambda unit: _is_within(unit, own, registry))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _is_within(code: str, own: frozenset[str], registry: Mapping[str, Unit]) -> bool:
    """Whether a unit is one of these, or lies below one of them."""
    passed: set[str] = set()
    while code not in passed:  # a registry may have been entered in a circle
        if code in own:
            return True
        passed.add(code)
        unit = registry.get(code)
        if unit is None:
            return False
        code = unit.parent
    return False
