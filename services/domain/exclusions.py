"""Exclusions (剔除) as a policy words them, and the counted indicators that they reach."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain

from schemas.policy.handling import Exclusion
from schemas.policy.indicators import Indicator

Reach = Mapping[str, tuple[str, ...]]
"""By the code of any indicator: those counted that an event means which names it."""


def reach_of(indicators: Mapping[str, Indicator]) -> Reach:
    """An indicator made of `parts` stands for its parts, every other one for itself."""
    return {code: tuple(indicator.parts or (code,)) for code, indicator in indicators.items()}


def members_of(indicators: Mapping[str, Indicator]) -> tuple[frozenset[str], ...]:
    """For each counted indicator those whose exclusion is its own: it, and all that it joins."""
    return tuple(
        frozenset((code, *(indicator.all_of or ())))
        for code, indicator in indicators.items()
        if indicator.parts is None
    )


def grounds_of(
    exclusions: Sequence[Exclusion] | None, reach: Reach
) -> Mapping[str, frozenset[str]] | None:
    """The indicators that each ground may exclude from; None if every ground may from all."""
    if exclusions is None:
        return None
    found: dict[str, frozenset[str]] = {}
    for entry in exclusions:
        codes = reach if entry.indicators == "all" else entry.indicators
        reached = frozenset(chain.from_iterable(reach[code] for code in codes))
        found[entry.ground] = found.get(entry.ground, frozenset()) | reached
    return found
