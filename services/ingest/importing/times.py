"""Local times of a file to instants.

Rule for the hours when clocks change (docs/import.md): a local time that occurs twice means the
first occurrence, before the clock goes back; one that does not occur is moved on by the length
of the gap. Both are counted, because such a file cannot say what it means.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from schemas.instants import Instant, from_datetime
from services.ingest.importing.mapping import ISO, TimeRule


class TimeError(ValueError):
    """The reason code why a cell names no instant."""


class TimeReader:
    """Reads times by one rule; counts those in the hours when clocks change."""

    def __init__(self, rule: TimeRule) -> None:
        self._formats: Final = tuple(rule.formats)
        self._zone: Final = None if rule.zone is None else ZoneInfo(rule.zone)
        self.twice = 0
        self.never = 0

    def instant(self, cell: str | datetime) -> Instant:
        """Read one cell.

        Raises:
            TimeError: time_format, time_without_zone or time_out_of_range.
        """
        moment = cell if isinstance(cell, datetime) else self._parse(cell)
        if moment.tzinfo is None:
            moment = self._placed(moment)
        try:
            return from_datetime(moment)
        except (ValueError, OverflowError):
            raise TimeError("time_out_of_range") from None

    def _parse(self, text: str) -> datetime:
        for pattern in self._formats:
            try:
                if pattern == ISO:
                    return datetime.fromisoformat(text)
                return datetime.strptime(text, pattern)  # noqa: DTZ007 -- the zone follows
            except ValueError:
                continue
        raise TimeError("time_format")

    def _placed(self, moment: datetime) -> datetime:
        if self._zone is None:
            raise TimeError("time_without_zone")
        first = moment.replace(tzinfo=self._zone, fold=0)
        before, after = first.utcoffset(), first.replace(fold=1).utcoffset()
        if before != after and before is not None and after is not None:
            if before > after:
                self.twice += 1
            else:
                self.never += 1
        return first
