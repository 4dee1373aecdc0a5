"""The streets of the demo city: how many people call, and how well each street works."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from random import Random
from typing import Final, NamedTuple

from schemas.records import Unit
from services.cli.simulate.dice import dice

_CROWDED: Final = {"core": 0.8, "inner": 1.7, "new_towns": 1.2, "ecological": 0.45}
_AREA_DIGITS: Final = 6  # of a street's code: its district


class Street(NamedTuple):
    """A street's share of the calls and its habits, stable for a seed.

    Probabilities: ``solving`` that a demand is solved, ``pleasing`` that a citizen whose demand
    was not solved is satisfied all the same, ``late`` that a deadline is missed, ``returning``
    that an order is sent back. ``slowness`` multiplies lags.
    """

    code: str
    name: str
    district: str
    share: float
    solving: float
    pleasing: float
    late: float
    returning: float
    slowness: float


class City:
    """Streets to draw from."""

    def __init__(self, units: Sequence[Unit], seed: int) -> None:
        chosen = [unit for unit in units if unit.kind == "street"] or list(units)
        if not chosen:
            raise ValueError("a city needs at least one unit")
        self._streets = [_street(unit, seed) for unit in sorted(chosen)]
        self._shares = list(accumulate(street.share for street in self._streets))
        self._areas: dict[str, list[Street]] = {}
        for street in self._streets:
            self._areas.setdefault(street.district, []).append(street)

    def street(self, random: Random) -> Street:
        """Where the next caller lives."""
        return random.choices(self._streets, cum_weights=self._shares)[0]

    def neighbour(self, random: Random, street: Street) -> Street:
        """Another street of the same district, where there is one."""
        others = [other for other in self._areas[street.district] if other != street]
        return random.choice(others) if others else street


def _street(unit: Unit, seed: int) -> Street:
    random = dice(seed, "street", unit.code)
    return Street(
        code=unit.code,
        name=unit.name,
        district=unit.parent or unit.code[:_AREA_DIGITS],
        share=random.lognormvariate(0, 0.9) * _CROWDED.get(unit.group, 1.0),
        solving=_around(random, 0.63, 0.028),
        pleasing=_around(random, 0.38, 0.04),
        late=_around(random, 0.06, 0.02),
        returning=_around(random, 0.045, 0.015),
        slowness=random.lognormvariate(0, 0.25),
    )


def _around(random: Random, mean: float, deviation: float) -> float:
    """Normally distributed, at most two deviations off."""
    return mean + max(-2.0, min(2.0, random.gauss(0, 1))) * deviation
