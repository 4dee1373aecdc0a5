"""Where a duration ends, and which entry of a list of deadlines fits: counted day by day."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date, datetime, time, timedelta
from typing import Any, NamedTuple

from schemas.instants import DAY, FOREVER, HOUR, MINUTE, Instant, from_datetime, to_datetime
from schemas.policy.deadlines import Duration, Match
from tests.oracle.document import Version


class Beginning(NamedTuple):
    """Where a clock starts: at which unit, in which handling round, when."""

    unit: str
    round: int
    at: Instant


Pauses = tuple[tuple[Instant, Instant], ...]


def ends_at(
    started_at: Instant, duration: Duration, version: Version, pauses: Pauses = ()
) -> Instant:
    """The instant at which a duration is over.

    Pauses are [begin, end), in order, and count from its start; what would end within one ends
    with it.
    """
    pauses = tuple((max(begin, started_at), end) for begin, end in pauses if end > started_at)
    if duration.working_days is None:
        length = duration.minutes * MINUTE + duration.hours * HOUR + duration.days * DAY
        return shifted(started_at, started_at + length, pauses)
    day = begun = local_date(started_at, version)
    if duration.starts == "day_after":
        day += timedelta(days=1)
    left = duration.working_days
    while True:
        if version.is_working_day(day) and not _rests_all_day(day, version, pauses):
            left -= 1
        if left == 0:
            break
        if any(end == FOREVER and midnight(day, version) > begin for begin, end in pauses):
            return FOREVER
        day += timedelta(days=1)
    due = midnight(day + timedelta(days=1), version)
    if duration.ends == "same_time" and version.is_working_day(begun):
        clock = to_datetime(started_at).astimezone(version.zone).time()
        due = from_datetime(datetime.combine(day, clock, version.zone))
    return next((end for begin, end in pauses if begin < due < end), due)


def shifted(since: Instant, due: Instant, pauses: Pauses) -> Instant:
    """A deadline that each pause between ``since`` and its end moves by its length."""
    for begin, end in pauses:
        if since < end and max(begin, since) < due:
            due = FOREVER if end == FOREVER else due + end - max(begin, since)
    return due


def fits(match: Match, received: Mapping[str, Any], begins: Beginning, version: Version) -> bool:
    """Whether an entry of the list is about this order."""
    groups = {name for name, units in version.header.unit_groups.items() if begins.unit in units}
    facts: list[tuple[Collection[Any] | None, Collection[Any]]] = [
        (match.urgency, {received.get("urgency")}),
        (match.category, set(received.get("category", ()))),
        (match.channel, {received.get("channel")}),
        (match.unit, {begins.unit}),
        (match.unit_group, groups),
        (match.demand_type, {received.get("demand_type")}),
        (match.tag, set(received.get("tags", ()))),
        (match.round, {begins.round}),
    ]
    day = local_date(begins.at, version)
    period = match.period
    if period is not None and not period.from_ <= day < period.to:
        return False
    return all(wanted is None or set(wanted) & set(have) for wanted, have in facts)


def local_date(at: Instant, version: Version) -> date:
    return to_datetime(at).astimezone(version.zone).date()


def midnight(day: date, version: Version) -> Instant:
    return from_datetime(datetime.combine(day, time.min, version.zone))


def _rests_all_day(day: date, version: Version, pauses: Pauses) -> bool:
    at, end = midnight(day, version), midnight(day + timedelta(days=1), version)
    for begin, until in pauses:
        if begin <= at < until:
            at = until
    return at >= end
