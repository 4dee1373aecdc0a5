from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import pytest

from schemas.records import Sums, Unit
from services.domain.policy import Policy, load_policy, preset
from services.domain.ranking import Ranking, rank_units

BEIJING = load_policy(preset("beijing-district"))
TEXT = preset("beijing-district")


def policy(*, ties: str = "volume", bottom: int = 2, minimum: int = 1) -> Policy:
    return load_policy(
        TEXT.replace("ties: volume", f"ties: {ties}")
        .replace("bottom: 10", f"bottom: {bottom}")
        .replace("minimum_sample: 10", f"minimum_sample: {minimum}")
    )


def ranking_of(rows: Sequence[tuple[str, int, int, int]], rules: Policy) -> Ranking:
    """Rank rows of (unit, volume, valid callbacks, of them solved); all contacted, none satisfied."""
    sums = {}
    for code, volume, valid, solved in rows:
        sums[code, "volume"] = Sums(volume, 0)
        sums[code, "state:valid"] = Sums(valid, 0)
        sums[code, "state:not_yet_due"] = Sums(volume - valid, 0)
        sums[code, "response"] = Sums(valid, 1000 * valid)
        sums[code, "resolution"] = Sums(valid, 1000 * solved)
        sums[code, "satisfaction"] = Sums(valid, 0)
    units = [Unit(code, code.upper(), "street") for code, *_ in rows]
    return rank_units(units, sums, rules)


def places(ranking: Ranking) -> list[tuple[str, int]]:
    return [(entry.unit.code, entry.rank) for entry in ranking.ranked]


def test_the_larger_volume_goes_first_among_equal_scores() -> None:
    ranking = ranking_of([("a", 20, 10, 5), ("b", 30, 10, 5), ("c", 10, 10, 9)], policy())
    assert places(ranking) == [("c", 1), ("b", 2), ("a", 3)]


def test_equal_score_and_volume_share_a_rank() -> None:
    ranking = ranking_of([("b", 20, 10, 5), ("a", 20, 10, 5), ("c", 10, 10, 1)], policy())
    assert places(ranking) == [("a", 1), ("b", 1), ("c", 3)]


def test_shared_ranks_are_listed_by_volume_and_then_code() -> None:
    rows = [
        ("d", 10, 10, 9),
        ("a", 20, 10, 5),
        ("c", 30, 10, 5),
        ("b", 20, 10, 5),
        ("e", 10, 10, 0),
    ]
    ranking = ranking_of(rows, policy(ties="shared"))
    assert places(ranking) == [("d", 1), ("c", 2), ("a", 2), ("b", 2), ("e", 5)]


def test_scores_are_compared_as_published() -> None:
    """Only 1 decimal counts: 1000 of 2001 and 500 of 1000 solved are both 35.0."""
    ranking = ranking_of([("a", 1000, 1000, 500), ("b", 3000, 2001, 1000)], policy())
    assert [entry.score for entry in ranking.ranked] == [Decimal("35.0"), Decimal("35.0")]
    assert places(ranking) == [("b", 1), ("a", 2)]


def test_the_bottom_needs_twice_as_many_ranked_units() -> None:
    rows = [(code, 10, 10, solved) for solved, code in enumerate("abcd")]
    assert ranking_of(rows, policy(bottom=2)).bottom() == {"a", "b"}
    assert ranking_of(rows[:3], policy(bottom=2)).bottom() == frozenset()


@pytest.mark.parametrize("ties", ["volume", "shared"])
def test_equal_ranks_at_the_edge_are_all_in_the_bottom(ties: str) -> None:
    rows = [
        ("a", 10, 10, 1),
        ("b", 10, 10, 2),
        ("c", 10, 10, 2),
        ("d", 10, 10, 8),
        ("e", 10, 10, 9),
    ]
    assert ranking_of(rows, policy(ties=ties, bottom=2)).bottom() == {"a", "b", "c"}


def test_volume_decides_who_is_in_the_bottom_when_it_breaks_ties() -> None:
    rows = [
        ("a", 10, 10, 1),
        ("b", 12, 10, 2),
        ("c", 11, 10, 2),
        ("d", 10, 10, 8),
        ("e", 10, 10, 9),
    ]
    assert ranking_of(rows, policy(ties="volume", bottom=2)).bottom() == {"a", "c"}
    assert ranking_of(rows, policy(ties="shared", bottom=2)).bottom() == {"a", "b", "c"}


def test_no_bottom_is_asked_for() -> None:
    assert ranking_of([("a", 10, 10, 1)], policy(bottom=0)).bottom() == frozenset()


def test_units_without_a_place_say_why() -> None:
    """Domain.md example 5: 5 orders and no valid callback: rates null, unranked."""
    rows = [("a", 5, 0, 0), ("b", 0, 0, 0), ("c", 9, 9, 9), ("d", 10, 10, 9)]
    ranking = ranking_of(rows, BEIJING)
    assert places(ranking) == [("d", 1)]
    assert [(entry.unit.code, entry.reason) for entry in ranking.unranked] == [
        ("a", "no_valid_callback"),
        ("b", "no_demand"),
        ("c", "too_few"),
    ]
    assert ranking.unranked[0].volume == 5
    assert set(ranking.unranked[0].rates.values()) == {None}
    assert ranking.unranked[2].rates["resolution"] == Decimal("100.00")


def test_units_without_any_sums_and_sums_without_a_unit() -> None:
    ranking = rank_units([Unit("a", "A", "street")], {("x", "volume"): Sums(3, 0)}, BEIJING)
    assert [(entry.unit.code, entry.reason) for entry in ranking.unranked] == [("a", "no_demand")]


def test_states_and_counts_stand_beside_the_rates() -> None:
    entry = ranking_of([("a", 12, 10, 5)], policy()).ranked[0]
    assert entry.states == {"valid": 10, "not_yet_due": 2}
    assert entry.volume == sum(entry.states.values())
    assert entry.rates == {
        "response": Decimal("100.00"),
        "resolution": Decimal("50.00"),
        "satisfaction": Decimal("0.00"),
    }
    assert entry.counts == {"open": 0, "overdue": 0, "returned": 0, "reopened": 0}
