from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest

from schemas.policy.scores import Classes
from schemas.records import Sums, Unit
from services.domain.classes import Classified, classify
from services.domain.gains import GainRanking, rank_by_gain
from services.domain.ranking import Ranking, rank
from services.domain.scorings import Scoring
from tests.support.rules import scoring

ONE = {"weights": {"solved": 100}, "decimals": 1}


def rules(ties: str = "shared", bottom: int = 1) -> Scoring:
    return scoring(ONE, ranking={"ties": ties, "bottom": bottom, "minimum_sample": 1})


def ranking(scores: Mapping[str, int | None], **volumes: int) -> Ranking:
    """Units by their score out of 100; None has no callback."""
    units = [Unit(code, code.upper(), "street") for code in scores]
    sums = {
        (code, "solved"): Sums(100, points * 1000)
        for code, points in scores.items()
        if points is not None
    }
    sums |= {(code, "volume"): Sums(volumes.get(code, 100), 0) for code in scores}
    return rank(units, sums, rules())


def gains(found: GainRanking) -> list[tuple[str, int, str]]:
    return [(entry.unit.code, entry.rank, str(entry.gain)) for entry in found.ranked]


def test_units_with_both_scores_are_ranked_by_gain() -> None:
    present = ranking({"a": 90, "b": 70, "c": 60, "d": None, "e": 50})
    before = ranking({"a": 95, "b": 60, "c": 61, "d": 10, "f": 80})
    found = rank_by_gain(present, before, rules())
    assert gains(found) == [("b", 1, "10.0"), ("c", 2, "-1.0"), ("a", 3, "-5.0")]
    assert [unit.code for unit in found.unranked] == ["d", "e"]
    assert (found.ranked[0].score, found.ranked[0].score_before) == (Decimal(70), Decimal(60))


@pytest.mark.parametrize(("ties", "places"), [("shared", [1, 1, 3]), ("volume", [1, 2, 3])])
def test_equal_gains_are_told_apart_as_equal_scores_are(ties: str, places: list[int]) -> None:
    present = ranking({"a": 70, "b": 50, "c": 40}, b=200)
    before = ranking({"a": 60, "b": 40, "c": 40})
    found = rank_by_gain(present, before, rules(ties))
    assert [entry.unit.code for entry in found.ranked] == ["b", "a", "c"]
    assert [entry.rank for entry in found.ranked] == places


def classes(**more: Any) -> Classes:
    return Classes.model_validate({"leading": 2, "improving": 2, "rectifying": 1} | more)


PRESENT = {"a": 90, "b": 80, "c": 70, "d": 60, "e": 50, "f": None}
BEFORE = {"a": 80, "b": 85, "c": 69, "d": 60, "e": 10, "f": 50}


def classified(rules_: Classes, *, governed: frozenset[str] = frozenset()) -> dict[str, Classified]:
    present, before = ranking(PRESENT), ranking(BEFORE)
    gained = rank_by_gain(present, before, rules())
    return classify(present, gained, governed, rules(), rules_)


def test_a_unit_has_one_class_and_its_other_conditions_are_labels() -> None:
    assert classified(classes(), governed=frozenset({"b", "x"})) == {
        "a": Classified("leading", ("improving",)),
        "b": Classified("governed", ("leading",)),
        "e": Classified("rectifying", ("improving",)),
        "x": Classified("governed", ()),
    }


def test_the_order_of_the_classes_is_the_policys() -> None:
    found = classified(classes(order=["improving", "leading", "rectifying"]))
    assert found["a"] == Classified("improving", ("leading",))
    assert found["e"] == Classified("improving", ("rectifying",))


def test_who_gained_nothing_does_not_improve() -> None:
    found = classified(classes(leading=0, rectifying=0, improving=10))
    assert set(found) == {"a", "c", "e"}


def test_nobody_rectifies_in_a_short_list() -> None:
    assert "rectifying" not in {each.name for each in classified(classes(rectifying=3)).values()}


def test_equal_ranks_at_the_edge_are_all_in() -> None:
    present = ranking({"a": 90, "b": 80, "c": 80, "d": 70, "e": 40, "f": 40})
    gained = rank_by_gain(present, present, rules())
    found = classify(present, gained, frozenset(), rules(), classes())
    assert {code: each.name for code, each in found.items()} == {
        "a": "leading", "b": "leading", "c": "leading", "e": "rectifying", "f": "rectifying",
    }  # fmt: skip
