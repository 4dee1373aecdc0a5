"""The demo city's events in the order of time, without end if asked for."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from datetime import timedelta

from schemas.instants import FOREVER, Instant
from schemas.records import Unit
from services.cli.simulate.city import City
from services.cli.simulate.course import course_of
from services.cli.simulate.demand import calls_of, local_day, midnight
from services.cli.simulate.writing import CloudEvent


def simulate_events(
    units: Sequence[Unit],
    *,
    seed: int,
    begins_at: Instant,
    ends_at: Instant = FOREVER,
    orders_per_day: int,
    opens_at: Instant | None = None,
) -> Iterator[CloudEvent]:
    """Yield the events with ``begins_at <= time < ends_at`` as CloudEvents.

    They are those of the orders received since ``opens_at``. The events of an order depend on the
    seed and its number alone, so a history up to T and a continuation from T with the same
    ``opens_at`` are together the same as the whole.

    Args:
        units: registry; orders go to its streets, or to all units if there are none.
        seed: another seed, another city.
        begins_at: first instant.
        ends_at: first instant that is not meant any more.
        orders_per_day: mean over the year.
        opens_at: when the hotline took its first call; ``begins_at`` if None.
    """
    city = City(units, seed)
    opens_at = begins_at if opens_at is None else opens_at
    waiting: list[tuple[Instant, str, int, CloudEvent]] = []
    day = local_day(opens_at)
    while midnight(day) < ends_at:
        for number, received_at in enumerate(calls_of(seed, day, orders_per_day), 1):
            if opens_at <= received_at < ends_at:
                subject = f"热线-{day:%y%m%d}-{number:06}"
                course = course_of(city, seed, subject, received_at)
                for place, (at, event) in enumerate(course):
                    if begins_at <= at < ends_at:
                        heapq.heappush(waiting, (at, subject, place, event))
        day += timedelta(days=1)
        tomorrow = midnight(day)
        while waiting and waiting[0][0] < tomorrow:
            yield heapq.heappop(waiting)[-1]
    while waiting:
        yield heapq.heappop(waiting)[-1]
