from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from services.domain.adjustments import Entry, apply, by_unit, in_force
from tests.support.rules import BEIJING_SCORE, scoring

ANY = scoring(BEIJING_SCORE | {"adjustments": {}})
CAPPED = scoring(
    BEIJING_SCORE
    | {"adjustments": {"bonus_cap": 5, "deduction_cap": Decimal("2.5"), "grounds": ["praise"]}}
)


def entry(number: int, points: str = "1", **more: Any) -> Entry:
    plain = Entry(
        f"e{number}",
        "adjustment",
        "110101001",
        "2026-11",
        Decimal(points),
        "",
        "praise",
        "1101",
        0,
        number,
    )
    return plain._replace(**more)


def withdrawal(number: int, of: str) -> Entry:
    return entry(number, "0", kind="withdrawal", withdraws=of)


def test_an_entry_counts_from_its_recording_until_its_withdrawal() -> None:
    entries = [withdrawal(7, "e3"), entry(5), entry(3)]
    assert [found.id for found in in_force(entries, 2)] == []
    assert [found.id for found in in_force(entries, 4)] == ["e3"]
    assert [found.id for found in in_force(entries, 6)] == ["e3", "e5"]
    assert [found.id for found in in_force(entries, 7)] == ["e5"]


def test_entries_stand_by_unit() -> None:
    entries = [entry(1), entry(2, unit="b"), entry(3)]
    found = by_unit(entries)
    assert {unit: [each.id for each in of] for unit, of in found.items()} == {
        "110101001": ["e1", "e3"],
        "b": ["e2"],
    }


@pytest.mark.parametrize(
    ("points", "wanted"),
    [
        (["3", "1.5"], "4.5"),
        (["3", "4"], "5"),
        (["-2", "-1"], "-2.5"),
        (["9", "-9"], "2.5"),
        (["0.3", "-0.1"], "0.2"),
    ],
)
def test_bonuses_and_deductions_are_cut_off_at_their_caps(points: list[str], wanted: str) -> None:
    applied = apply([entry(number, value) for number, value in enumerate(points)], CAPPED)
    assert applied.points == Decimal(wanted)
    assert len(applied.counted) == len(points)


def test_there_is_no_cap_unless_the_policy_names_one() -> None:
    assert apply([entry(1, "30"), entry(2, "-50")], ANY).points == Decimal(-20)


def test_a_ground_that_is_not_accepted_counts_nothing() -> None:
    good, bad = entry(1), entry(2, ground="favour")
    assert apply([good, bad], CAPPED) == (Decimal(1), (good,))
    assert apply([good, bad], ANY).counted == (good, bad)
    assert apply([good, bad], scoring(BEIJING_SCORE)) == (Decimal(0), ())
