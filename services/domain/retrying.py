"""When a delivery that failed is tried again, and when a receiver is given up. Pure.

Exponential in the order of the Standard Webhooks specification: soon after the first failure, for
hours after the last ones, a day in all.
"""

from __future__ import annotations

from typing import Final

from schemas.instants import DAY, HOUR, MINUTE, SECOND, Instant

PAUSES: Final = (
    5 * SECOND,
    30 * SECOND,
    2 * MINUTE,
    10 * MINUTE,
    30 * MINUTE,
    HOUR,
    2 * HOUR,
    4 * HOUR,
    8 * HOUR,
    8 * HOUR,
)
"""Microseconds between attempt n and attempt n + 1."""

REST: Final = MINUTE
"""How long an endpoint is left alone after a failure, whatever else waits for it."""

DISABLED_AFTER: Final = 3 * DAY
"""An endpoint at which nothing has succeeded for this long is switched off."""

_JITTER_PARTS: Final = 5  # up to a fifth more, so that endpoints do not come back all at once


def next_attempt(attempt: int, now: Instant, draw: int) -> Instant | None:
    """When to try again after ``attempt`` (from 1) has failed; None if it was the last.

    ``draw`` is a random number from 0 to 999: how much of the jitter is added to the pause.
    """
    if attempt > len(PAUSES):
        return None
    pause = PAUSES[attempt - 1]
    return now + pause + pause // _JITTER_PARTS * draw // 1000


def gives_up(failing_since: Instant | None, now: Instant) -> bool:
    """Whether an endpoint that has failed since then, without a success, is switched off."""
    return failing_since is not None and now - failing_since >= DISABLED_AFTER
