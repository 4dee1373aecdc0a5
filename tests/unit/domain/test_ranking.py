from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pytest

from schemas.records import Sums, Unit
from services.domain.adjustments import Entry
from services.domain.ranking import Ranking, rank, rank_units
from services.domain.scorings import Scoring, compile_scorings
from tests.support.rules import BEIJING_SCORE, Version, measured, rules, scoring

THREE = ("response", "resolution", "satisfaction")


def policy(
    *, ties: str = "volume", bottom: int = 2, minimum: int = 1, **score_rules: Any
) -> Scoring:
    return scoring(
        BEIJING_SCORE | score_rules,
        ranking={"ties": ties, "bottom": bottom, "minimum_sample": minimum},
    )


BEIJING = policy(bottom=10, minimum=10)


def sums_of(rows: Sequence[tuple[str, int, int, int]]) -> dict[tuple[str, str], Sums]:
    """Rows of (unit, volume, valid callbacks, of them solved); all contacted, none satisfied."""
    sums = {}
    for code, volume, valid, solved in rows:
        sums[code, "volume"] = Sums(volume, 0)
        sums[code, "state:valid"] = Sums(valid, 0)
        sums[code, "state:not_yet_due"] = Sums(volume - valid, 0)
        sums[code, "response"] = Sums(valid, 1000 * valid)
        sums[code, "resolution"] = Sums(valid, 1000 * solved)
        sums[code, "satisfaction"] = Sums(valid, 0)
    return sums


def units_of(rows: Sequence[tuple[str, int, int, int]]) -> list[Unit]:
    return [Unit(code, code.upper(), "street") for code, *_ in rows]


def ranking_of(rows: Sequence[tuple[str, int, int, int]], rules: Scoring) -> Ranking:
    return rank(units_of(rows), sums_of(rows), rules)


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
    ranking = rank([Unit("a", "A", "street")], {("x", "volume"): Sums(3, 0)}, BEIJING)
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


def test_an_indicator_with_fewer_orders_than_the_minimum_is_too_few() -> None:
    """The sample is asked of every indicator of the score, not of the largest alone."""
    sums = sums_of([("a", 12, 10, 5), ("b", 12, 10, 5)])
    sums["a", "satisfaction"] = Sums(9, 9000)
    ranking = rank(units_of([("a", 0, 0, 0), ("b", 0, 0, 0)]), sums, BEIJING)
    assert places(ranking) == [("b", 1)]
    assert [(entry.unit.code, entry.reason) for entry in ranking.unranked] == [("a", "too_few")]


def test_orders_behind_a_rate_are_demand_even_where_none_was_received() -> None:
    """An order of last month that falls due in this one is in no volume of this one."""
    sums = {("a", code): Sums(1, 1000) for code in THREE}
    ranking = rank([Unit("a", "A", "street")], sums, BEIJING)
    assert [entry.reason for entry in ranking.unranked] == ["too_few"]


@pytest.mark.parametrize(("listed_from", "bottom"), [(3, {"a", "b"}), (4, set()), (0, {"a", "b"})])
def test_a_policy_says_from_how_many_units_on_a_bottom_is_listed(
    listed_from: int, bottom: set[str]
) -> None:
    said = scoring(
        BEIJING_SCORE,
        ranking={"ties": "volume", "bottom": 2, "minimum_sample": 1, "listed_from": listed_from},
    )
    rows = [(code, 10, 10, solved) for solved, code in enumerate("abc")]
    assert ranking_of(rows, said).bottom() == bottom


def test_kind_and_group_choose_the_scoring() -> None:
    version = Version(
        compile_scorings(
            rules(
                BEIJING_SCORE,
                rankings=[
                    {"kind": "street", "group": "core", "score": {
                        "weights": {"resolution": 100}, "decimals": 0}},
                ],
            )
        )
    )  # fmt: skip
    rows = [("a", 10, 10, 5)]
    units, sums = units_of(rows), sums_of(rows)
    assert rank_units(units, sums, version, "street").ranked[0].score == Decimal("35.0")
    assert rank_units(units, sums, version, "street", "core").ranked[0].score == Decimal(50)


def test_a_unit_below_a_floor_is_flagged_and_keeps_its_place() -> None:
    indicators = {code: measured() for code in THREE} | {"resolution": measured(floor=60)}
    floors = scoring(BEIJING_SCORE, indicators=indicators)
    ranking = ranking_of([("a", 10, 10, 5), ("b", 10, 10, 6), ("c", 10, 0, 0)], floors)
    assert [(entry.unit.code, entry.below_floor) for entry in ranking.ranked] == [
        ("b", ()),
        ("a", ("resolution",)),
    ]
    assert ranking.unranked[0].below_floor == ()


def entry(unit: str, points: str, ground: str = "innovation", number: int = 1) -> Entry:
    return Entry(
        f"{unit}-{number}", "adjustment", unit, "2026-11", Decimal(points), "", ground, "1101", 0, 0
    )


def test_adjustments_are_added_before_the_score_is_rounded() -> None:
    rows = [("a", 20, 3, 1), ("b", 10, 3, 1)]  # 10 + 50/3 = 26.666…
    given = {"b": [entry("b", "0.08"), entry("b", "-0.1", number=2)]}
    ranking = rank(units_of(rows), sums_of(rows), policy(adjustments={}), given)
    first, second = ranking.ranked
    assert (first.unit.code, first.score, first.adjustment) == ("a", Decimal("26.7"), Decimal(0))
    assert (second.score, second.score_before) == (Decimal("26.6"), Decimal("26.7"))
    assert second.adjustment == Decimal("-0.02")
    assert second.adjusted_by == tuple(given["b"])


def test_a_score_without_adjustments_counts_none() -> None:
    rows = [("a", 20, 3, 1)]
    line = rank(units_of(rows), sums_of(rows), policy(), {"a": [entry("a", "5")]}).ranked[0]
    assert (line.score, line.adjustment, line.adjusted_by) == (Decimal("26.7"), Decimal(0), ())


def test_an_adjustment_ranks_nobody_who_is_not_ranked() -> None:
    rows = [("a", 5, 0, 0)]
    ranking = rank(units_of(rows), sums_of(rows), policy(adjustments={}), {"a": [entry("a", "5")]})
    assert ranking.ranked == ()
