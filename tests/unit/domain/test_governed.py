"""The governed list over time: stays, the after-watch, and entries that contradict it."""

from __future__ import annotations

from typing import Final

import pytest

from services.domain.governed import Entry, Kind, contradicts, governed_at, stays
from tests.support.orders import BEIJING, local

UNIT: Final = "110101001"


def entry(id_: str, kind: Kind, at: str, unit: str = UNIT) -> Entry:
    return Entry(id_, kind, unit, local(at), "", "", "", "ground", "1101", local(at))


ADDED: Final = entry("a", "added", "2026-10-01 00:00")
REMOVED: Final = entry("r", "removed", "2026-11-30 00:00")


def test_a_unit_is_on_the_list_between_its_entries() -> None:
    entries = [REMOVED, ADDED]
    assert governed_at(entries, ADDED.at - 1) == frozenset()
    assert governed_at(entries, ADDED.at) == {UNIT}
    assert governed_at(entries, REMOVED.at - 1) == {UNIT}
    assert governed_at(entries, REMOVED.at) == frozenset()
    assert governed_at([ADDED], REMOVED.at) == {UNIT}


def test_who_left_stays_watched_for_three_months() -> None:
    (stay,) = stays([ADDED, REMOVED])
    until = local("2027-02-28 00:00")  # November has 30 days, February 28
    assert stay.watched_until(BEIJING) == until
    assert [
        stay.state(at, BEIJING) for at in (ADDED.at - 1, ADDED.at, REMOVED.at, until - 1, until)
    ] == ["announced", "governed", "watched", "watched", "left"]
    (stay,) = stays([ADDED])
    assert stay.watched_until(BEIJING) is None


def test_a_unit_may_come_back() -> None:
    back = entry("b", "added", "2026-12-19 00:00")
    assert [stay.added.id for stay in stays([back, REMOVED, ADDED])] == ["a", "b"]


@pytest.mark.parametrize(
    ("known", "new", "refused"),
    [
        ([], ADDED, False),
        ([], REMOVED, True),
        ([], entry("n", "note", "2026-10-02 00:00"), True),
        ([ADDED], entry("b", "added", "2026-12-01 00:00"), True),
        ([ADDED], REMOVED, False),
        ([ADDED], entry("r", "removed", "2026-10-01 00:00"), True),
        ([ADDED], entry("n", "note", "2026-10-02 00:00"), False),
        ([ADDED], entry("b", "added", "2026-12-01 00:00", "110101002"), False),
        ([ADDED, REMOVED], entry("b", "added", "2026-11-01 00:00"), True),
        ([ADDED, REMOVED], entry("b", "added", "2026-12-01 00:00"), False),
    ],
)
def test_what_contradicts_the_list_is_refused(
    known: list[Entry], new: Entry, refused: bool
) -> None:
    assert contradicts(known, new) is refused
