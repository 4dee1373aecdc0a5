"""How numbers and instants are written in answers: exact, and in the policy's zone."""

from __future__ import annotations

from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo

from schemas.instants import Instant, format_instant, to_datetime

_MINUTE: Final = 60


def local_text(instant: Instant, zone: ZoneInfo) -> str:
    """RFC 3339 with the zone's offset; in UTC where the offset was no whole minute (before 1901)."""
    local = to_datetime(instant).astimezone(zone)
    offset = local.utcoffset()
    if offset is None or offset.total_seconds() % _MINUTE:
        return format_instant(instant)
    return local.isoformat()


def thousandths_text(value: int) -> str:
    """A decimal without trailing zeros: 70700 thousandths are ``70.7``."""
    return plain_text(Decimal(value).scaleb(-3))


def plain_text(value: Decimal) -> str:
    """A decimal without trailing zeros."""
    return f"{value.normalize():f}"


def decimal_text(value: Decimal | None) -> str | None:
    """A decimal with the digits that it was rounded to; null stays null."""
    return None if value is None else f"{value:f}"
