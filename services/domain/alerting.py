"""When a condition becomes an alert: hysteresis, one alert for one entry, cool-down, quiet hours.

Pure. What is known of a unit between two evaluations is its `Track`; the tracks are stored with
every evaluation, so that a process that starts again, or takes over, goes on where the last ended.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from typing import Final, Literal, NamedTuple
from zoneinfo import ZoneInfo

from schemas.instants import HOUR, MINUTE, Instant, from_datetime, to_datetime
from schemas.policy.alerts import AlertRule, QuietHours

Withheld = Literal["", "found_later", "cool_down"]
"""Why an alert is stored and not pushed; "" where it is pushed."""

FOUND_LATER: Final = "found_later"
COOL_DOWN: Final = "cool_down"
ORDERS: Final = 20
"""So many work orders an alert names."""

_DAY_HOURS: Final = 24
_FALLING: Final = frozenset({"bottom_left"})


class Moved(NamedTuple):
    """The orders of a unit that events came for: the first by number, and how many there are.

    ``oldest``: when the earliest of these events happened.
    """

    orders: tuple[str, ...]
    total: int
    oldest: Instant

    @classmethod
    def together(cls, parts: Sequence[Moved]) -> Moved:
        """Those of several units, at least one."""
        orders = sorted({order for part in parts for order in part.orders})
        return cls(
            tuple(orders[:ORDERS]),
            sum(part.total for part in parts),
            min(part.oldest for part in parts),
        )


class Track(NamedTuple):
    """What is known of one unit under one rule.

    ``holds``: the condition does, as last confirmed. While it seems to change, ``since`` is when
    that was first seen (0: it does not), ``seen`` in how many evaluations, ``late`` whether it came
    from events recorded late, ``orders`` and ``total`` which ones. ``told``: the last alert, or 0.
    """

    holds: bool = False
    since: Instant = 0
    seen: int = 0
    late: bool = False
    orders: tuple[str, ...] = ()
    total: int = 0
    told: Instant = 0


class Turn(NamedTuple):
    """An alert to be given: on whom, and the orders that moved the unit."""

    unit: str
    withheld: Withheld
    orders: tuple[str, ...]
    total: int


Tracks = Mapping[str, Track]
"""By unit, under one rule. A unit that is not in it is as a new `Track`."""

_NEW: Final = Track()


def turning(met: Collection[str], before: Tracks) -> list[str]:
    """Units of which something seems to have changed that was not seen before, sorted."""
    return [
        unit
        for unit in sorted({*met, *before})
        if (unit in met) != before.get(unit, _NEW).holds and not before.get(unit, _NEW).since
    ]


def advance(
    rule: AlertRule,
    met: Collection[str],
    before: Tracks,
    as_of: Instant,
    *,
    late: Collection[str],
    moved: Mapping[str, Moved],
) -> tuple[dict[str, Track], list[Turn]]:
    """The tracks after an evaluation, and the alerts that it gives.

    Args:
        rule: What is waited for.
        met: The units of which the condition is true now.
        before: The tracks of the evaluation before.
        as_of: Of this evaluation.
        late: Those of `turning` that changed by events recorded late.
        moved: The orders that moved those of `turning`.
    """
    tracks: dict[str, Track] = {}
    turns: list[Turn] = []
    for unit in sorted({*met, *before}):
        track, is_met = before.get(unit, _NEW), unit in met
        if is_met == track.holds:
            track = _NEW._replace(holds=track.holds, told=track.told)
        else:
            track = _seen_again(rule, track, as_of, unit in late, moved.get(unit))
            if track.seen >= rule.for_evaluations and (
                as_of - track.since >= rule.for_minutes * MINUTE
            ):
                track, turn = _turned(rule, unit, track, as_of)
                turns += [] if turn is None else [turn]
        if track.holds or track.since or _cools(rule, track, as_of):
            tracks[unit] = track
    return tracks, turns


def _seen_again(
    rule: AlertRule, track: Track, as_of: Instant, is_late: bool, moved: Moved | None
) -> Track:
    if track.since:
        return track._replace(seen=min(track.seen + 1, rule.for_evaluations))
    orders, total = (moved.orders[:ORDERS], moved.total) if moved else ((), 0)
    return track._replace(since=as_of, seen=1, late=is_late, orders=orders, total=total)


def _turned(rule: AlertRule, unit: str, track: Track, as_of: Instant) -> tuple[Track, Turn | None]:
    after = _NEW._replace(holds=not track.holds, told=track.told)
    if after.holds == (rule.rule in _FALLING):
        return after, None
    withheld: Withheld = ""
    if track.late:
        withheld = "found_later"
    elif _cools(rule, track, as_of):
        withheld = "cool_down"
    if not withheld:
        after = after._replace(told=as_of)
    return after, Turn(unit, withheld, track.orders, track.total)


def _cools(rule: AlertRule, track: Track, as_of: Instant) -> bool:
    return bool(track.told) and as_of - track.told < rule.cool_down_minutes * MINUTE


def not_before(quiet: QuietHours | None, at: Instant, zone: ZoneInfo) -> Instant:
    """When an alert of an instant may wake somebody: 0 at once, else the end of the quiet hours."""
    if quiet is None:
        return 0
    local = to_datetime(at).astimezone(zone)
    if (local.hour - quiet.from_) % _DAY_HOURS >= (quiet.to - quiet.from_) % _DAY_HOURS:
        return 0
    ends = local.replace(hour=quiet.to, minute=0, second=0, microsecond=0)
    return from_datetime(ends + timedelta(days=local.hour >= quiet.to))


def is_late(
    rule: AlertRule, moved: Collection[Moved], as_of: Instant, previous_as_of: Instant | None
) -> bool:
    """Whether what changed was recorded late (docs/decisions/0009-alerts.md).

    So it is if one of the events behind it happened longer ago than the rule allows. Where no event
    is behind it, as when a deadline passes, it is if nobody has looked for so long.
    """
    oldest_news = as_of - rule.news_within_hours * HOUR
    if moved:
        return any(each.oldest < oldest_news for each in moved)
    return previous_as_of is not None and previous_as_of < oldest_news
