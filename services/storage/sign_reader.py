"""Signs of gaming that only the orders show (domain.md 4.6), counted by unit.

Of the orders that are in the volume of a unit at an instant and attributed to a window:

* ``closed_unsolved`` (程序办结): those with a valid callback that the unit has reported done. It is
  shown by those that count nothing in an indicator that asks whether the citizen was contacted, or
  whether it was solved.
* ``closed_last_hour``: those reported done before their deadline. It is shown by those reported
  within the last hour before it.
* ``rated:`` and who asked: those that count in an indicator that asks for satisfaction, with what
  they count, by platform and channel of the last callback that reached the citizen.

Contributions are read as they are stored; only who asked is read from the events.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final, NamedTuple

from schemas.instants import HOUR, Instant
from schemas.policy.indicators import Indicator
from schemas.records import Sums
from services.domain.alerting_signs import CLOSED, LAST_HOUR, RATED
from services.domain.windows import Window
from services.storage.database import Database

_HOLDS: Final = (
    "r = {ranking:String} AND b <= fromUnixTimestamp64Micro({as_of:Int64}, 'UTC')"
    " AND e > fromUnixTimestamp64Micro({as_of:Int64}, 'UTC')"
)
_ARRAYS: Final = "`span.indicator`, `span.ranking`, `span.begins_at`, `span.ends_at`"
_ORDERS: Final = (
    "SELECT subject, resolved_at, resolve_due,"  # noqa: S608 - constants only
    " `span.unit`[arrayFirstIndex((i, r, b, e, at) ->"
    f"  i = 'volume' AND {_HOLDS} AND at >= fromUnixTimestamp64Micro({{begins:Int64}}, 'UTC')"
    "   AND at < fromUnixTimestamp64Micro({ends:Int64}, 'UTC'),"
    f"  {_ARRAYS}, `span.attributed_at`)] AS unit,"
    f" arrayExists((i, r, b, e) -> i = 'state:valid' AND {_HOLDS}, {_ARRAYS}) AS valid,"
    f" arrayExists((i, r, b, e, n) -> has({{outcome:Array(String)}}, i) AND n = 0 AND {_HOLDS},"
    f"  {_ARRAYS}, `span.numerator`) AS unsolved,"
    f" arraySum((i, r, b, e, d) -> if(i = {{rating:String}} AND {_HOLDS}, d, 0),"
    f"  {_ARRAYS}, `span.denominator`) AS rated,"
    f" arraySum((i, r, b, e, n) -> if(i = {{rating:String}} AND {_HOLDS}, n, 0),"
    f"  {_ARRAYS}, `span.numerator`) AS points,"
    " resolved_at IS NOT NULL"
    "  AND resolved_at <= fromUnixTimestamp64Micro({as_of:Int64}, 'UTC') AS done"
    " FROM work_orders FINAL WHERE ruleset = {ruleset:UInt32}"
    " AND attributed_to >= fromUnixTimestamp64Micro({begins:Int64}, 'UTC')"
    " AND attributed_from < fromUnixTimestamp64Micro({ends:Int64}, 'UTC')"
)
_CLOSED: Final = (
    "SELECT unit, countIf(done AND valid), countIf(done AND valid AND unsolved),"  # noqa: S608
    " countIf(done AND resolved_at < resolve_due),"
    " countIf(done AND resolved_at < resolve_due"
    "  AND toUnixTimestamp64Micro(assumeNotNull(resolve_due))"
    "   - toUnixTimestamp64Micro(assumeNotNull(resolved_at)) <= {hour:Int64})"
    f" FROM ({_ORDERS}) AS orders WHERE unit != '' GROUP BY unit"
)
_RATED: Final = (
    "SELECT unit, asked_by, sum(rated), sum(points)"  # noqa: S608 - constants only
    f" FROM (SELECT subject, unit, rated, points FROM ({_ORDERS}) WHERE unit != '' AND rated > 0)"
    "  AS orders"
    " INNER JOIN (SELECT subject,"
    "  argMax(trimRight(concat(source, ' ', JSONExtractString(data, 'channel'))),"
    "   (occurred_at, source, id)) AS asked_by"
    "  FROM events WHERE type = 'callback' AND JSONExtractBool(data, 'reached')"
    "   AND occurred_at >= fromUnixTimestamp64Micro({begins:Int64}, 'UTC')"
    "   AND occurred_at <= fromUnixTimestamp64Micro({as_of:Int64}, 'UTC')"
    "  GROUP BY subject) AS called USING subject"
    " GROUP BY unit, asked_by"
)


class SignsOf(NamedTuple):
    """Of which orders: of a ruleset, as counted in a ranking, attributed to a window, at an instant."""

    ruleset: int
    ranking: str
    window: Window
    as_of: Instant


def signs(
    db: Database, of: SignsOf, rules: Collection[str], indicators: Mapping[str, Indicator]
) -> dict[tuple[str, str], Sums]:
    """By unit and sign, of the signs that rules ask for (`schemas.policy.alerts.ORDER_SIGNS`).

    Args:
        db: The store.
        of: See the class.
        rules: Kinds of rules.
        indicators: Of the policy's version; which ask what.
    """
    outcome = _asking(indicators, "contacted", "solved")
    rating = next(iter(_asking(indicators, "satisfaction")), "")
    params: dict[str, Any] = {
        "ruleset": of.ruleset,
        "ranking": of.ranking,
        "begins": of.window.begins_at,
        "ends": of.window.ends_at,
        "as_of": of.as_of,
        "outcome": outcome,
        "rating": rating,
        "hour": HOUR,
    }
    found: dict[tuple[str, str], Sums] = {}
    if not {CLOSED, LAST_HOUR}.isdisjoint(rules):
        for unit, closed, unsolved, in_time, last_hour in db.query(_CLOSED, params):
            found[unit, CLOSED] = Sums(closed, 1000 * unsolved)
            found[unit, LAST_HOUR] = Sums(in_time, 1000 * last_hour)
    if "ratings_apart" in rules and rating:
        for unit, asked_by, rated, points in db.query(_RATED, params):
            found[unit, RATED + asked_by] = Sums(rated, points)
    return found


def _asking(indicators: Mapping[str, Indicator], *sources: str) -> list[str]:
    return [
        code
        for code, indicator in indicators.items()
        if indicator.numerator is not None and indicator.numerator.source in sources
    ]
