"""Signs of gaming (domain.md 4.6): of which units they are seen, and the numbers that show it. Pure.

Shares are compared exactly and shown in percent with two decimals.

* Counts far from the others': of the orders that a unit was given in the window, the share that was
  excluded, returned or suspended lies at least ``threshold`` percentage points above the share of
  all other units of the list, added up. An order that a unit returned has left its volume, so a
  unit was given its volume and its returns.
* What only the orders show, as `services.storage.sign_reader` counts it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction
from types import MappingProxyType
from typing import Final, NamedTuple

from schemas.policy.alerts import AlertRule
from schemas.records import Sums
from services.domain.ranking import RankedUnit, Ranking, UnrankedUnit
from services.domain.score import half_up

CLOSED: Final = "closed_unsolved"
LAST_HOUR: Final = "closed_last_hour"
RATED: Final = "rated:"
"""Before the name of who asked the citizens."""

SAMPLE: Final = 10
"""So many orders have to stand behind a share, unless the rule says otherwise."""

_DECIMALS: Final = 2
_FEWEST_SOURCES: Final = 2

UnitSigns = Mapping[tuple[str, str], Sums]
"""By unit code and sign: orders it is asked of, and how many show it, in thousandths."""

NO_SIGNS: Final[UnitSigns] = MappingProxyType({})

_Shown = Mapping[str, str | int]


class _Count(NamedTuple):
    """What a unit has of something, and of how many."""

    part: int
    whole: int

    @property
    def share(self) -> Fraction:
        """In percent; only of a whole."""
        return Fraction(100 * self.part, self.whole)


class _Entry(NamedTuple):
    """The counts of a unit, ranked or not."""

    code: str
    volume: int
    states: Mapping[str, int]
    counts: Mapping[str, int]


def _excluded(entry: _Entry) -> _Count:
    excluded = sum(n for name, n in entry.states.items() if name.startswith("excluded:"))
    return _Count(excluded, entry.volume)


def _returned(entry: _Entry) -> _Count:
    returned = entry.counts["returned"]
    return _Count(returned, entry.volume + returned)


def _suspended(entry: _Entry) -> _Count:
    return _Count(entry.states.get("suspended", 0), entry.volume)


_COUNTED: Final[Mapping[str, Callable[[_Entry], _Count]]] = {
    "excluded_apart": _excluded,
    "returned_apart": _returned,
    "suspended_apart": _suspended,
}


def apart(rule: AlertRule, ranking: Ranking) -> dict[str, _Shown]:
    """Units with a share far above that of all others of the list.

    Units with fewer orders than the sample are left alone, and so is a list in which the others
    together have fewer.
    """
    counted, least = _COUNTED[rule.rule], _least(rule)
    own = {entry.code: counted(entry) for entry in _entries(ranking)}
    part, whole = (sum(each) for each in zip(_Count(0, 0), *own.values(), strict=True))
    found: dict[str, _Shown] = {}
    for code, count in own.items():
        others = _Count(part - count.part, whole - count.whole)
        if min(count.whole, others.whole) < least:
            continue
        if count.share - others.share >= _threshold(rule):
            found[code] = {**_shown(rule, count), "peers": _percent(others.share)}
    return found


def closed(rule: AlertRule, ranking: Ranking, signs: UnitSigns) -> dict[str, _Shown]:
    """Units of whose closed orders a share of at least the threshold shows the sign."""
    found: dict[str, _Shown] = {}
    for entry in _entries(ranking):
        sums = signs.get((entry.code, rule.rule))
        if sums is None or sums.denominator < _least(rule):
            continue
        count = _Count(sums.numerator // 1000, sums.denominator)
        if count.share >= _threshold(rule):
            found[entry.code] = _shown(rule, count)
    return found


def ratings_apart(rule: AlertRule, ranking: Ranking, signs: UnitSigns) -> dict[str, _Shown]:
    """Units whose satisfaction differs by at least the threshold between two who asked.

    Whoever asked about fewer orders than the sample is left aside.
    """
    by_unit: dict[str, list[tuple[Fraction, str]]] = {}
    for (code, sign), sums in signs.items():
        if sign.startswith(RATED) and sums.denominator >= _least(rule):
            rate = Fraction(sums.numerator, 10 * sums.denominator)
            by_unit.setdefault(code, []).append((rate, sign.removeprefix(RATED)))
    found: dict[str, _Shown] = {}
    for entry in _entries(ranking):
        rates = sorted(by_unit.get(entry.code, ()))
        if len(rates) < _FEWEST_SOURCES:
            continue
        (low, low_source), (high, high_source) = rates[0], rates[-1]
        if high - low >= _threshold(rule):
            found[entry.code] = {
                "highest": _percent(high),
                "highest_source": high_source,
                "lowest": _percent(low),
                "lowest_source": low_source,
                "threshold": f"{rule.threshold:f}",
            }
    return found


def _entries(ranking: Ranking) -> Iterator[_Entry]:
    everybody: list[RankedUnit | UnrankedUnit] = [*ranking.ranked, *ranking.unranked]
    for entry in everybody:
        yield _Entry(entry.unit.code, entry.volume, entry.states, entry.counts)


def _least(rule: AlertRule) -> int:
    return rule.minimum_sample or SAMPLE


def _threshold(rule: AlertRule) -> Fraction:
    if rule.threshold is None:
        raise ValueError("signs of gaming have a threshold")
    return Fraction(rule.threshold)


def _shown(rule: AlertRule, count: _Count) -> dict[str, str | int]:
    return {
        "count": count.part,
        "of": count.whole,
        "share": _percent(count.share),
        "threshold": f"{rule.threshold:f}",
    }


def _percent(share: Fraction) -> str:
    return f"{half_up(share, _DECIMALS):f}"
