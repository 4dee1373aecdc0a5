"""The right to work on a partition, as seen inside this process, and patience with the store."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Awaitable, Callable
from typing import Final, Literal, TypeVar

from services.storage.errors import StorageUnavailable

logger = logging.getLogger(__name__)

T = TypeVar("T")

Trouble = Literal["unavailable", "refused"]

_FIRST_PAUSE: Final = 0.1
_LONGEST_PAUSE: Final = 5.0
_PUBLISH_PAUSE: Final = 0.5


class LostError(Exception):
    """The partition is no longer ours; what was not stored is read again by its new owner."""


class Lease:
    """One claim of one partition. Given up once, for good; blocking work asks it before each step.

    Safe to share between threads.

    `trouble` says why the last step is being repeated, None when it is not.

    Args:
        within: A lease that this one ends with, at the latest.
        on_trouble: Hears of every failed step.
    """

    def __init__(
        self, within: Lease | None = None, on_trouble: Callable[[Trouble], None] | None = None
    ) -> None:
        self._given_up = threading.Event()
        self._within = within
        self._on_trouble = on_trouble
        self.trouble: Trouble | None = None

    def give_up(self) -> None:
        """End it: every step that has not begun raises `LostError`."""
        self._given_up.set()

    @property
    def given_up(self) -> bool:
        """Whether it has ended."""
        return self._given_up.is_set() or (self._within is not None and self._within.given_up)

    def patiently(self, what: str, operation: Callable[[], T]) -> T:
        """Repeat an idempotent operation until it succeeds (blocking; call it in a thread).

        Raises:
            LostError: the lease was given up.
        """
        pause = _FIRST_PAUSE
        while not self.given_up:
            try:
                result = operation()
            except LostError:
                raise
            except Exception as error:  # noqa: BLE001 - whatever ails the store, no event is lost
                self._note(what, pause, error)
            else:
                self.trouble = None
                return result
            self._given_up.wait(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)
        raise LostError

    def _note(self, what: str, pause: float, error: Exception) -> None:
        """Say which it is: an outage ends by itself, a refusal needs somebody."""
        if not isinstance(error, StorageUnavailable | OSError):
            self.trouble = "refused"
            logger.error(
                "%s is refused and will be until somebody mends it, next try in %.1f s: %s",
                what,
                pause,
                _brief(error),
            )
        else:
            self.trouble = "unavailable"
            logger.warning("%s failed, next try in %.1f s: %s", what, pause, _brief(error))
        if self._on_trouble is not None:
            self._on_trouble(self.trouble)


async def persist(lease: Lease, operation: Callable[[], Awaitable[T]]) -> T:
    """Repeat a call to the broker until it succeeds.

    Raises:
        LostError: the lease was given up.
    """
    while not lease.given_up:
        try:
            return await operation()
        except LostError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever ails the broker, nothing is lost
            logger.warning("writing to Kafka failed: %s", _brief(error))
        await asyncio.sleep(_PUBLISH_PAUSE)
    raise LostError


def _brief(error: Exception) -> str:
    # The text of a store's error may quote the values of an insert.
    return type(error).__name__
