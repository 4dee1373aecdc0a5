"""Instants: integer microseconds since 1970-01-01T00:00:00Z.

One unambiguous representation inside the service (decision record 0002). They are parsed from
RFC 3339 texts that carry an offset at the border, and stored as ``DateTime64(6, 'UTC')``.
Business time (cycles, operational days) is computed by ``services.domain.windows`` alone.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final

Instant = int

SECOND: Final = 1_000_000
MINUTE: Final = 60 * SECOND
QUARTER_HOUR: Final = 15 * MINUTE
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)

# Both ends are inside what ClickHouse's DateTime64(6) can hold.
EARLIEST: Final[Instant] = -2_208_988_800 * SECOND  # 1900-01-01T00:00:00Z
FOREVER: Final[Instant] = 10_413_705_600 * SECOND  # 2299-12-31T00:00:00Z

_RFC3339: Final = re.compile(
    r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:[Zz]|[+-]\d\d:\d\d)", re.ASCII
)


def parse_instant(text: str) -> Instant:
    """Read an RFC 3339 text with an offset; digits beyond microseconds are cut off.

    Raises:
        ValueError: no RFC 3339 text, no offset, or outside 1900 to 2299.
    """
    if not _RFC3339.fullmatch(text):
        raise ValueError("not an RFC 3339 time with an offset, such as 2026-07-03T07:03:07+08:00")
    return from_datetime(datetime.fromisoformat(text))


def from_datetime(moment: datetime) -> Instant:
    """Convert an aware datetime.

    Raises:
        ValueError: the datetime is naive, or outside 1900 to 2299.
    """
    if moment.tzinfo is None:
        raise ValueError("a time without an offset names no instant")
    instant = (moment - EPOCH) // _MICROSECOND
    if not EARLIEST <= instant < FOREVER:
        raise ValueError("a time outside the years 1900 to 2299")
    return instant


def to_datetime(instant: Instant) -> datetime:
    """Convert to an aware datetime in UTC."""
    return EPOCH + timedelta(microseconds=instant)


def format_instant(instant: Instant) -> str:
    """Write as RFC 3339 in UTC, with the fewest digits that lose nothing.

    The text is a function of the instant alone, so it may enter a content hash.
    """
    moment = to_datetime(instant).replace(tzinfo=None)
    return moment.isoformat() + "Z"
