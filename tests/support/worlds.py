"""The words and instants that matter to one policy, for random orders to draw from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from random import Random
from typing import Final
from zoneinfo import ZoneInfo

from pydantic import BaseModel

from schemas.instants import (
    DAY,
    EARLIEST,
    FOREVER,
    HOUR,
    MINUTE,
    SECOND,
    Instant,
    from_datetime,
    to_datetime,
)
from schemas.policy.deadlines import Duration
from tests.oracle.document import Version
from tests.support.orders import INDICATORS, UNITS

# Around holidays with make-up days, the end of a year, and a change of the clocks in New York.
_DATES: Final = (
    "2024-09-27", "2024-12-27", "2025-01-20", "2025-03-06", "2025-04-24", "2025-09-24",
    "2025-10-30", "2025-12-27", "2026-02-10", "2026-03-05", "2026-04-10",
)  # fmt: skip


class World:
    """The words and the instants that a policy knows, and some that it does not."""

    def __init__(self, versions: Sequence[Version]) -> None:
        self.zone: ZoneInfo = versions[0].zone
        documents = [version.rules for version in versions]
        filters = [i.filter for rules in documents for i in rules.indicators.values()]
        matches = [entry.match for rules in documents for entry in rules.deadlines]
        groups = versions[0].header.unit_groups
        lines = [entry.category for rules in documents for entry in rules.line_departments]

        def words(key: str, *others: str) -> list[str]:
            named = [getattr(part, key) for part in (*filters, *matches) if hasattr(part, key)]
            return sorted({word for words in named for word in words or ()} | set(others))

        self.units = sorted({*words("unit", *UNITS), *(u for g in groups.values() for u in g[:2])})
        self.categories = sorted({*words("category", "环境", "噪声"), *lines})
        self.tags = words("tag", "夜间")
        self.channels = words("channel", "phone", "web")
        self.communities = words("community", "多福巷社区")
        self.indicators = sorted({c for rules in documents for c in rules.indicators})
        self.indicators += [code for code in INDICATORS if code not in self.indicators][:1]
        self.grounds = sorted(
            {e.ground for rules in documents for e in rules.exclusions or ()} | {"unreasonable"}
        )
        self.raters = sorted(
            {r for rules in documents for r in rules.callbacks.raters or ()} | {"staff"}
        )
        self.durations = list(_durations(documents))
        self.edges = [v.begins_at for v in versions if v.begins_at > EARLIEST]
        self.edges += [v.ends_at for v in versions if v.ends_at < FOREVER]
        self.edges += [
            self.midnight(day)
            for match in matches
            if match.period
            for day in (match.period.from_.isoformat(), match.period.to.isoformat())
        ]

    def midnight(self, day: str) -> Instant:
        return from_datetime(datetime.fromisoformat(day).replace(tzinfo=self.zone))

    def start(self, rng: Random) -> Instant:
        """When an order begins."""
        if self.edges and rng.random() < 0.5:
            return rng.choice(self.edges) + rng.choice((-9, -3, -1, 0, 1)) * DAY + rng.randint(0, 1)
        day = self.midnight(rng.choice(_DATES)) + rng.randrange(12) * DAY
        return day + rng.choice((0, 9 * HOUR, 12 * HOUR - 1, 17 * HOUR, DAY - SECOND))

    def ends(self, rng: Random, started_at: Instant) -> Iterator[Instant]:
        """Where its durations might end when they begin here."""
        for duration in self.durations:
            if duration.working_days is None:
                minutes = duration.minutes + 60 * duration.hours
                yield started_at + minutes * MINUTE + duration.days * DAY
            else:
                local = to_datetime(started_at).astimezone(self.zone)
                days = duration.working_days + rng.randrange(8)
                day = (local + timedelta(days=days)).date()
                yield self.midnight(day.isoformat())
                yield started_at + days * DAY


def _durations(parts: object) -> Iterator[Duration]:
    """Every duration in a document, wherever it stands."""
    if isinstance(parts, Duration):
        yield parts
    elif isinstance(parts, BaseModel):
        for name in type(parts).model_fields:
            yield from _durations(getattr(parts, name))
    elif isinstance(parts, list | tuple):
        for part in parts:
            yield from _durations(part)
