"""What changed between two evaluations of one ranking."""

from __future__ import annotations

from typing import NamedTuple


class BottomChanges(NamedTuple):
    """Unit codes, sorted: those that came into the bottom N, and those that left it."""

    entered: tuple[str, ...]
    left: tuple[str, ...]


def bottom_changes(before: frozenset[str], after: frozenset[str]) -> BottomChanges:
    """Compare the bottom of the previous evaluation with that of this one."""
    return BottomChanges(tuple(sorted(after - before)), tuple(sorted(before - after)))
