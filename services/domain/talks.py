"""约谈: who is called in after a cycle, and why (domain.md 4.2)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime, time, timedelta
from typing import Any, Final, Literal
from zoneinfo import ZoneInfo

from schemas.instants import Instant, from_datetime, to_datetime

Reason = Literal[
    "bottom", "last_district", "last_department", "last_company", "governed_slow", "volume_warning"
]

TOP_BY_VOLUME: Final = 10
STATEMENT_DAYS: Final = 10  # DEFAULT: no public text says how long

_LAST_OF: Final[Mapping[str, Reason]] = {
    "district": "last_district",
    "department": "last_department",
    "company": "last_company",
}
_TWO: Final = 2

Lists = Sequence[Mapping[str, Any]]
"""The ``lists`` of a revision's results (`domain.cycle_revision`)."""


def called_in(
    lists: Lists, governed: AbstractSet[str], slow: AbstractSet[str]
) -> dict[str, list[Reason]]:
    """Every unit that is called in after a cycle, with its reasons, by code.

    The streets at the bottom; the last of the districts, departments and companies, all of them
    where several share the place, if at least two are ranked; governed streets whose progress is
    ``slow``; and, as a warning, the first ten streets by volume that are not governed.
    """
    found: dict[str, list[Reason]] = {}

    def call(units: Iterable[str], reason: Reason) -> None:
        for unit in units:
            found.setdefault(unit, []).append(reason)

    for each in lists:
        if each["group"]:
            continue
        ranked = each["ranked"]
        if each["kind"] == "street":
            call((line["unit"] for line in ranked if line["bottom"]), "bottom")
            streets = {line["unit"] for line in (*ranked, *each["unranked"])}
            call(sorted(streets & governed & slow), "governed_slow")
            call(_first_by_volume(each) - governed, "volume_warning")
        elif each["kind"] in _LAST_OF and len(ranked) >= _TWO:
            last = max(line["rank"] for line in ranked)
            reason = _LAST_OF[each["kind"]]
            call((line["unit"] for line in ranked if line["rank"] == last), reason)
    return dict(sorted(found.items()))


def statement_due(published_at: Instant, zone: ZoneInfo) -> Instant:
    """When a rectification statement is due: the end of the tenth local day after publication."""
    day = to_datetime(published_at).astimezone(zone).date() + timedelta(days=STATEMENT_DAYS + 1)
    return from_datetime(datetime.combine(day, time(), zone))


def in_a_row(called: Sequence[AbstractSet[str]], unit: str) -> int:
    """How many cycles one after another a unit was called in; ``called`` begins with the last."""
    for place, units in enumerate(called):
        if unit not in units:
            return place
    return len(called)


def _first_by_volume(each: Mapping[str, Any]) -> set[str]:
    """The first ten by volume, with all that share the tenth place; nobody without an order."""
    lines = [line for line in (*each["ranked"], *each["unranked"]) if line["volume"]]
    lines.sort(key=lambda line: -line["volume"])
    if len(lines) > TOP_BY_VOLUME:
        least = lines[TOP_BY_VOLUME - 1]["volume"]
        lines = [line for line in lines if line["volume"] >= least]
    return {line["unit"] for line in lines}
