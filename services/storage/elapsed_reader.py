"""How long units took: quantiles of the times that are stored with the orders.

The sample of a unit are the orders of its volume whose lead has done the step at the instant looked
from. Quantiles are by nearest rank: the p-th percentile of n times is the ceil(p * n / 100)-th in
ascending order, so each is the time of a real order, exact to the microsecond.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from schemas.instants import Instant
from services.domain.elapsed import ACTS
from services.storage.database import Database
from services.storage.movers import Range

ALL: Final = ""
"""The key of all units together: no unit has this code."""

_STEPS: Final = tuple(ACTS.values())


class Took(NamedTuple):
    """Of one step: how many orders have a time, and quantiles in microseconds (None without any)."""

    sample: int
    p50: int | None
    p90: int | None


class UnitElapsed(NamedTuple):
    """Of one unit: its volume, how many of these orders no time is known of, and each step.

    ``untimed`` orders were stored by a program of before, and not evaluated since.
    """

    volume: int
    untimed: int
    steps: Mapping[str, Took]


# Written with constants only. An order counts once in the volume of a ranking: where the span that
# says so is, there is its unit.
_FIELDS: Final = "begins_at", "ends_at", "step", "took"
_ELAPSED: Final = ", ".join(f"`elapsed.{name}`" for name in _FIELDS)
_SPANS: Final = (
    "`span.ranking`, `span.indicator`, `span.attributed_at`, `span.begins_at`, `span.ends_at`"
)
_FIRST: Final = "fromUnixTimestamp64Micro({begins:Int64}, 'UTC')"
_LAST: Final = "fromUnixTimestamp64Micro({ends:Int64}, 'UTC')"
_ORDERS: Final = (
    f"SELECT timed, {_ELAPSED}, {_SPANS}, `span.unit`,"  # noqa: S608 - constants only
    " fromUnixTimestamp64Micro("
    "transform(shard, {shards:Array(UInt16)}, {clocks:Array(Int64)}, {otherwise:Int64}), 'UTC')"
    " AS clock"
    " FROM work_orders FINAL WHERE ruleset = {ruleset:UInt32}"
    f" AND attributed_from < {_LAST} AND attributed_to >= {_FIRST}"
)
_COUNTED: Final = (
    f"SELECT timed, {_ELAPSED}, clock, `span.unit`,"  # noqa: S608 - constants only
    " arrayFirstIndex((r, i, at, b, e) -> r = {ranking:String} AND i = 'volume'"
    f" AND at >= {_FIRST} AND at < {_LAST} AND b <= clock AND e > clock, {_SPANS}) AS place"
    f" FROM ({_ORDERS})"
)
_HELD: Final = (
    f"SELECT timed, {_ELAPSED}, clock,"  # noqa: S608 - constants only
    " transform(toString(`span.unit`[place]), {parts:Array(String)}, {wholes:Array(String)}, '')"
    " AS held"
    f" FROM ({_COUNTED}) WHERE place > 0"
)
_TIMES: Final = ", ".join(
    f"arrayFilter((t, s, b, e) -> s = '{step}' AND b <= clock AND e > clock,"
    f" `elapsed.took`, `elapsed.step`, `elapsed.begins_at`, `elapsed.ends_at`) AS {step}_took"
    for step in _STEPS
)
_EACH: Final = (
    f"SELECT arrayJoin([held, '']) AS code, timed, {_TIMES}"  # noqa: S608 - constants only
    f" FROM ({_HELD}) WHERE held != ''"
)
_SORTED: Final = ", ".join(
    f"arraySort(groupArrayArray({step}_took)) AS {step}_sorted" for step in _STEPS
)
_QUANTILES: Final = ", ".join(
    f"length({step}_sorted),"
    f" {step}_sorted[greatest(1, intDiv(length({step}_sorted) * 50 + 99, 100))],"
    f" {step}_sorted[greatest(1, intDiv(length({step}_sorted) * 90 + 99, 100))]"
    for step in _STEPS
)
_SQL: Final = (
    f"SELECT code, volume, untimed, {_QUANTILES} FROM"  # noqa: S608 - constants only
    f" (SELECT code, count() AS volume, countIf(NOT timed) AS untimed, {_SORTED}"
    f" FROM ({_EACH}) GROUP BY code)"
)


def elapsed_quantiles(
    db: Database,
    of: Range,
    held: Mapping[str, str],
    clocks: Mapping[int, Instant],
    otherwise: Instant,
) -> dict[str, UnitElapsed]:
    """Quantiles by unit of a list, and under `ALL` those over all orders of the list.

    ``held``: the unit of the list by the code of each whose orders it holds (`domain.pooling`).
    ``clocks``: at which instant the orders of a shard are looked at; of others ``otherwise``. Units
    without volume are left out.

    Raises:
        StorageUnavailable: the engine cannot answer now.
    """
    if not held or not clocks:
        return {}
    params: dict[str, Any] = {
        **of._asdict(),
        "parts": list(held),
        "wholes": list(held.values()),
        "shards": list(clocks),
        "clocks": list(clocks.values()),
        "otherwise": otherwise,
    }
    return {
        code: UnitElapsed(volume, untimed, _steps(numbers))
        for code, volume, untimed, *numbers in db.query(_SQL, params)
    }


def _steps(numbers: list[int]) -> dict[str, Took]:
    """Three numbers for each step."""
    found: dict[str, Took] = {}
    for place, step in enumerate(_STEPS):
        sample, p50, p90 = numbers[3 * place : 3 * place + 3]
        found[step] = Took(sample, p50, p90) if sample else Took(0, None, None)
    return found
