"""Single orders of which something is told, by the contributions and events that are stored.

Which orders those are is said in `services.domain.order_alerts`. Here the stored contributions and
the events are asked, at an instant; no rule of the policy is repeated.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from schemas.instants import DAY, HOUR, Instant
from schemas.policy.alerts import AlertRule
from schemas.records import Position
from services.domain.order_alerts import Occurrence, hours_of, times_of, transfers
from services.domain.windows import Window
from services.storage.archive_reader import ArchiveReader
from services.storage.chunks import by_bytes
from services.storage.database import Database
from services.storage.movers import BETWEEN, ranges

_SPANS: Final = (
    " ARRAY JOIN `span.begins_at` AS begins, `span.ends_at` AS ends, `span.ranking` AS ranking,"
    " `span.unit` AS unit, `span.indicator` AS indicator, `span.attributed_at` AS at"
)
_HOLDS: Final = (
    "begins <= fromUnixTimestamp64Micro({as_of:Int64}, 'UTC')"
    " AND ends > fromUnixTimestamp64Micro({as_of:Int64}, 'UTC')"
)
_COMES: Final = "indicator = 'overdue' AND begins > fromUnixTimestamp64Micro({as_of:Int64}, 'UTC')"
_TOLD: Final = (
    "FROM evaluations WHERE ranking = {series:String} AND kind = {kind:String}"
    " AND peer_group = {group:String} AND as_of >= fromUnixTimestamp64Micro({since:Int64}, 'UTC')"
)

# Orders with a step still to come are few; only of them the contributions are read.
_NEAR: Final = (
    "SELECT subject, unit, due FROM"  # noqa: S608 - constants only
    f" (SELECT subject, unit, toUnixTimestamp64Micro(minIf(begins, {_COMES})) AS due,"
    f"   toUnixTimestamp64Micro(maxIf(begins, indicator = 'open' AND {_HOLDS})) AS since,"
    f"   countIf({_COMES}) AS coming, countIf(indicator = 'open' AND {_HOLDS}) AS open"
    "  FROM (SELECT subject, `span.begins_at`, `span.ends_at`, `span.ranking`, `span.unit`,"
    "   `span.indicator`, `span.attributed_at` FROM work_orders FINAL"
    "   WHERE ruleset = {ruleset:UInt32} AND subject IN"
    "    (SELECT subject FROM work_orders WHERE ruleset = {ruleset:UInt32}"
    "     AND last_boundary > fromUnixTimestamp64Micro({as_of:Int64}, 'UTC'))) AS orders"
    f" {_SPANS}"
    "  WHERE ranking = {ranking:String} AND indicator IN ('open', 'overdue')"
    "   AND has({units:Array(String)}, unit)"
    "  GROUP BY subject, unit) AS coming_due"
    " WHERE coming > 0 AND open > 0 AND due <= {as_of:Int64} + {ahead:Int64}"
    "  AND since < due - {ahead:Int64}"
    "  AND concat({rule:String}, ' ', toString(due), ' ', subject)"
    f"   NOT IN (SELECT arrayJoin(told) {_TOLD})"
    " ORDER BY subject, unit"
)
_OFTEN: Final = (
    "SELECT subject FROM events WHERE shard = {shard:UInt16} AND type = {type:String}"  # noqa: S608
    "  AND subject IN (SELECT subject FROM events"
    f"   WHERE {BETWEEN} AND type IN ({{type:String}}, 'corrected'))"
    " GROUP BY subject HAVING uniqExact(digest) >= {least:UInt32} ORDER BY subject"
)
# By all events that are stored: those of a shard whose clock is ahead are not asked about again.
_HELD: Final = (
    "SELECT subject, argMaxIf(unit, begins, indicator = 'volume') AS holder,"  # noqa: S608
    " arraySort(groupArrayIf(toUnixTimestamp64Micro(at), indicator = 'reopened')) AS reopened"
    " FROM (SELECT subject, `span.begins_at`, `span.ends_at`, `span.ranking`, `span.unit`,"
    "  `span.indicator`, `span.attributed_at` FROM work_orders FINAL"
    "  WHERE ruleset = {ruleset:UInt32} AND subject IN {subjects:Array(String)}) AS orders"
    f" {_SPANS}"
    " WHERE ranking = {ranking:String} AND indicator IN ('volume', 'reopened')"
    " GROUP BY subject ORDER BY subject"
)


class Watched(NamedTuple):
    """Whose orders are asked for, and when.

    ``series``: the name under which it is stored what was told of the list. ``window``: in which
    something has to have happened for the last time that makes it too often. ``units``: all codes
    whose orders are the list's.
    """

    ruleset: int
    ranking: str
    series: str
    kind: str
    group: str
    window: Window
    units: Collection[str]
    as_of: Instant


def untold(
    db: Database,
    rule: AlertRule,
    of: Watched,
    after: Mapping[int, Position],
    upto: Mapping[int, Position],
) -> list[Occurrence]:
    """What is so at the instant, and was never told of the list: by order.

    Args:
        db: The store.
        rule: One of `schemas.policy.alerts.ORDER_RULES`.
        of: See the class.
        after: What the evaluation before held; orders without an event since then were not reopened
            or transferred. Empty: all are asked.
        upto: What this one holds.
    """
    if rule.rule == "deadline_near":
        return _near(db, rule, of)
    found = list(_often(db, rule, of, after, upto))
    keys = {each.subject: each.key(rule.called) for each in found}
    told = _told_among(db, of, sorted(keys.values()))
    return [each for each in found if keys[each.subject] not in told]


def _near(db: Database, rule: AlertRule, of: Watched) -> list[Occurrence]:
    ahead = hours_of(rule) * HOUR
    params = {
        **_list(of),
        "ruleset": of.ruleset,
        "ranking": of.ranking,
        "units": sorted(of.units),
        "as_of": of.as_of,
        "ahead": ahead,
        "rule": rule.called,
        "since": of.as_of - ahead - DAY,  # what is near now was told no longer ago
    }
    return [
        Occurrence(subject, unit, due - ahead, due)
        for subject, unit, due in db.query(_NEAR, params)
    ]


def _often(
    db: Database,
    rule: AlertRule,
    of: Watched,
    after: Mapping[int, Position],
    upto: Mapping[int, Position],
) -> Iterator[Occurrence]:
    times = times_of(rule)
    is_transfer = rule.rule == "transferred_often"
    type_, least = ("dispatched", times + 1) if is_transfer else ("reopened", times)
    subjects = [
        subject
        for between in ranges(after, upto)
        for (subject,) in db.query(_OFTEN, {**between, "type": type_, "least": least})
    ]
    for part in by_bytes(subjects):
        held = _held(db, of, part)
        if is_transfer:
            logged = ArchiveReader(db).order_events(part)
            happened = {subject: transfers(events) for subject, events in logged.items()}
        else:
            happened = {subject: instants for subject, (_, instants) in held.items()}
        for subject, (unit, _) in held.items():
            instants = happened.get(subject, ())
            if unit not in of.units or len(instants) < times:
                continue
            at = instants[times - 1]
            if of.window.begins_at <= at < of.window.ends_at:
                yield Occurrence(subject, unit, at)


def _held(
    db: Database, of: Watched, subjects: Sequence[str]
) -> dict[str, tuple[str, list[Instant]]]:
    """By order who answers for it, and when it was reopened."""
    params = {"ruleset": of.ruleset, "ranking": of.ranking, "subjects": list(subjects)}
    found = db.query(_HELD, params)
    return {subject: (unit, list(instants)) for subject, unit, instants in found}


def _told_among(db: Database, of: Watched, keys: Sequence[str]) -> frozenset[str]:
    found = [
        db.query(
            f"SELECT DISTINCT arrayJoin(arrayIntersect(told, {{keys:Array(String)}})) {_TOLD}",
            {**_list(of), "keys": part, "since": of.window.begins_at},
        )
        for part in by_bytes(keys)
    ]
    return frozenset(key for rows in found for (key,) in rows)


def _list(of: Watched) -> dict[str, Any]:
    return {"series": of.series, "kind": of.kind, "group": of.group}
