"""What the numbers must be, by the oracle: plain Python over the events that count."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from functools import cache
from multiprocessing import get_context
from typing import Final, NamedTuple

from schemas.instants import MINUTE, Instant, to_datetime
from schemas.records import CounterKey, Event, Sums
from services.domain.policy import load_policy, preset
from tests.oracle.document import Version, versions_of
from tests.oracle.slow import Oracle

BOTTOM: Final = 5
WEIGHTS: Final = {"response": 10, "resolution": 50, "satisfaction": 40}

_CYCLE: Final = "  start_day: 19 "
_RANKING: Final = "ranking: {ties: volume, bottom: 10, minimum_sample: 10}"
_OUR_RANKING: Final = f"ranking: {{ties: volume, bottom: {BOTTOM}, minimum_sample: 1}}"
# News of three days is told; what is found out later than that is withheld.
_ALERTS: Final = """
alerts:
  - {rule: bottom_entered, news_within_hours: 72}
  - {rule: bottom_left, news_within_hours: 72}
"""
_BUCKET: Final = 15 * MINUTE
_CHUNK: Final = 400  # orders handed to a process at once


def policy_text(now: Instant) -> str:
    """A Beijing district's rules for a small city: ranked from the first order on.

    The present cycle began about a fortnight ago, so that there is something to rank on any day.
    """
    day = min((to_datetime(now) - timedelta(days=14)).day, 28)
    text = preset("beijing-district")
    for shipped, ours in ((_RANKING, _OUR_RANKING), (_CYCLE, f"  start_day: {day} ")):
        assert text.count(shipped) == 1
        text = text.replace(shipped, ours)
    assert "\nalerts:" not in text
    return text + _ALERTS


class Line(NamedTuple):
    """A unit of the ranking."""

    unit: str
    rank: int
    score: str
    volume: int


def counters(
    policy: str,
    orders: Mapping[int, Mapping[str, Sequence[Event]]],
    clocks: Mapping[int, Instant],
    processes: int,
    progress: Callable[[int], None],
) -> dict[int, dict[CounterKey, Sums]]:
    """Every counter of every shard at its clock; ``progress`` hears how many orders were added."""
    tasks = [
        (policy, shard, events[start : start + _CHUNK], clocks[shard])
        for shard, of_shard in orders.items()
        for events in [list(of_shard.values())]
        for start in range(0, len(events), _CHUNK)
    ]
    totals: dict[int, dict[CounterKey, list[int]]] = {shard: {} for shard in clocks}
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        for shard, count, found in pool.map(_added_up, tasks):
            of_shard = totals[shard]
            for key, (denominator, numerator) in found.items():
                sums = of_shard.setdefault(key, [0, 0])
                sums[0] += denominator
                sums[1] += numerator
            progress(count)
    return {
        shard: {key: Sums(*sums) for key, sums in found.items() if sums != [0, 0]}
        for shard, found in totals.items()
    }


@cache
def _versions(text: str) -> list[Version]:
    return versions_of(text, load_policy(text).working_days.is_working_day)


def _added_up(
    task: tuple[str, int, list[list[Event]], Instant],
) -> tuple[int, int, dict[CounterKey, tuple[int, int]]]:
    policy, shard, orders, clock = task
    totals: defaultdict[CounterKey, list[int]] = defaultdict(lambda: [0, 0])
    for events in orders:
        for one, times in Oracle(events, _versions(policy)).contributions(clock).items():
            bucket = one.attributed_at - one.attributed_at % _BUCKET
            sums = totals[CounterKey(one.ranking, one.unit, one.indicator, bucket)]
            sums[0] += times * one.denominator
            sums[1] += times * one.numerator
    return shard, len(orders), {key: (sums[0], sums[1]) for key, sums in totals.items()}


# The ranking


def in_window(
    found: Iterable[Mapping[CounterKey, Sums]], begins_at: Instant, ends_at: Instant
) -> dict[tuple[str, str], Sums]:
    """The sums of all shards in [begins_at, ends_at), by unit and indicator."""
    totals: defaultdict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0])
    for of_shard in found:
        for key, sums in of_shard.items():
            if key.ranking == "lead" and begins_at <= key.bucket < ends_at:
                totals[key.unit, key.indicator][0] += sums.denominator
                totals[key.unit, key.indicator][1] += sums.numerator
    return {key: Sums(*sums) for key, sums in totals.items()}


def ranking(units: Sequence[str], sums: Mapping[tuple[str, str], Sums]) -> list[Line]:
    """Rank by the rounded score, larger volume first; equal in both share a rank, by code."""
    scored = []
    for unit in units:
        own = {code: sums.get((unit, code), Sums(0, 0)) for code in WEIGHTS}
        if not all(found.denominator for found in own.values()):
            continue
        points = sum(
            (
                Fraction(WEIGHTS[code] * found.numerator, 1000 * found.denominator)
                for code, found in own.items()
            ),
            Fraction(0),
        )
        volume = sums.get((unit, "volume"), Sums(0, 0)).denominator
        scored.append((rounded(points, 1), volume, unit))
    scored.sort(key=lambda entry: (-entry[0], -entry[1], entry[2]))
    lines: list[Line] = []
    for score, volume, unit in scored:
        ahead = sum((-s, -v) < (-score, -volume) for s, v, _ in scored)
        lines.append(Line(unit, ahead + 1, str(score), volume))
    return lines


def bottom(lines: Sequence[Line]) -> set[str]:
    """Those with fewer than `BOTTOM` strictly behind them; nobody before twice as many are ranked."""
    if len(lines) < 2 * BOTTOM:
        return set()
    return {line.unit for line in lines if sum(other.rank > line.rank for other in lines) < BOTTOM}


def percent(sums: Sums) -> Fraction:
    """Numerators are thousandths."""
    return Fraction(sums.numerator, 10 * sums.denominator)


def rounded(value: Fraction, decimals: int) -> Decimal:
    """Half up; exact, as no value here is negative."""
    scaled = value * 10**decimals
    whole = (2 * scaled.numerator + scaled.denominator) // (2 * scaled.denominator)
    return Decimal(whole).scaleb(-decimals)
