"""How sure places are: by formula, by enumeration, and by drawing cities whose truth is known."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from decimal import Decimal
from itertools import pairwise, product
from math import erf, prod, sqrt
from typing import Any

import numpy as np
import pytest

from schemas.records import Sums, Unit
from services.domain import rank_chances
from services.domain.adjustments import Entry
from services.domain.rank_chances import NODES, ONE, POINT, STEPS, Chances
from services.domain.ranking import Ranking, rank
from services.domain.scorings import Scoring
from services.domain.uncertainty import Uncertainty, drawn_together, rank_uncertainty, wilson
from tests.support.rules import BEIJING_SCORE, measured, parted, scoring

RATES = ("response", "resolution", "satisfaction")


def policy(bottom: int = 2, listed_from: int | None = None) -> Scoring:
    ranking = {"ties": "volume", "bottom": bottom, "minimum_sample": 1}
    if listed_from is not None:
        ranking["listed_from"] = listed_from
    return scoring(BEIJING_SCORE, ranking=ranking)


def ranked(
    rows: Mapping[str, Sequence[tuple[int, int]]],
    rules: Scoring,
    adjustments: Mapping[str, Sequence[Entry]] | None = None,
) -> Ranking:
    """Rows of (denominator, numerator in thousandths) for each measured indicator."""
    sums = {}
    for code, row in rows.items():
        sums[code, "volume"] = Sums(row[0][0], 0)
        for indicator, each in zip(rules.measured, row, strict=True):
            sums[code, indicator] = Sums(*each)
    units = [Unit(code, code, "street") for code in rows]
    return rank(units, sums, rules, adjustments or {})


def street(size: int, solved: int) -> list[tuple[int, int]]:
    """All contacted, as many satisfied as solved."""
    return [(size, 1000 * size), (size, 1000 * solved), (size, 1000 * solved)]


def sure(
    rows: Mapping[str, Sequence[tuple[int, int]]], rules: Scoring
) -> Mapping[str, Uncertainty]:
    return rank_uncertainty(ranked(rows, rules), rules)


def test_the_normal_table_is_the_normal_distribution() -> None:
    table = rank_chances._NORMAL  # noqa: SLF001 (everything else stands on it)
    for place, value in enumerate(table):
        deviations = (place - len(table) // 2) / 64
        assert int(value) == pytest.approx(ONE * (1 + erf(deviations / sqrt(2))) / 2, abs=1.5)


@pytest.mark.parametrize(
    ("size", "numerator"), [(1, 0), (1, 1000), (10, 10_000), (100, 60_500), (70_001, 3000)]
)
def test_rates_are_spread_by_the_formula_of_wilson(size: int, numerator: int) -> None:
    s = numerator / 1000
    for rate, step in zip(wilson([Sums(size, numerator)])[0], NODES, strict=True):
        z = step / STEPS
        bound = (s + z * z / 2 + z * sqrt(s * (size - s) / size + z * z / 4)) / (size + z * z)
        assert rate / ONE == pytest.approx(bound, abs=2e-6)


def test_the_published_example_of_a_binomial_interval() -> None:
    """Newcombe, Statistics in Medicine 17 (1998), table I: 81 of 263, 95 %: 0.2553 to 0.3662."""
    rules = scoring({"weights": {"resolution": 100}, "decimals": 2})
    found = sure({"a": [(263, 81_000)]}, rules)["a"]
    assert (found.score_from, found.score_to) == (Decimal("25.53"), Decimal("36.62"))


def test_ten_of_ten_is_not_certain() -> None:
    rules = scoring({"weights": {"resolution": 100}, "decimals": 2})
    found = sure({"a": [(10, 10_000)], "b": [(1000, 1_000_000)]}, rules)
    assert (found["a"].score_from, found["a"].score_to) == (Decimal("72.25"), Decimal("100.00"))
    assert (found["b"].score_from, found["b"].score_to) == (Decimal("99.62"), Decimal("100.00"))


def test_a_sample_beyond_the_largest_is_no_more_certain_than_it() -> None:
    beyond = wilson([Sums(3 * 10**9, 3 * 10**12 * 3 // 4)])
    assert (beyond == wilson([Sums(10**7, 10**10 * 3 // 4)])).all()


def test_points_above_the_threshold_are_certain_below_it_they_are_not() -> None:
    points = {"maximum": 100, "threshold": 95, "per_point": 10, "minimum": 20}
    rules = scoring({"points": {"signed": points}, "decimals": 2})
    found = sure({"a": [(10**6, 10**9)], "b": [(400, 360_000)], "c": [(400, 0)]}, rules)
    assert (found["a"].score_from, found["a"].score_to) == (Decimal(100), Decimal(100))
    # Wilson of 360 of 400: 86.67 % to 92.57 %.
    assert (found["b"].score_from, found["b"].score_to) == (Decimal(20), Decimal("75.70"))
    assert (found["c"].score_from, found["c"].score_to) == (Decimal(20), Decimal(20))


def test_an_indicator_with_parts_spreads_with_them() -> None:
    rules = scoring(
        {"weights": {"whole": 100}, "decimals": 2},
        indicators={"one": measured(), "two": measured(), "whole": parted(one=3, two=1)},
    )
    found = sure({"a": [(263, 81_000), (10, 10_000)]}, rules)["a"]
    assert found.score_from == Decimal("37.21")  # (3 * 25.53 + 72.25) / 4
    assert found.score_to == Decimal("52.47")  # (3 * 36.62 + 100) / 4


def test_adjustments_move_scores_and_places_and_are_certain() -> None:
    rules = scoring(
        BEIJING_SCORE | {"adjustments": {}},
        ranking={"bottom": 1, "ties": "volume", "minimum_sample": 1},
    )
    rows = {code: street(200, 120 + place) for place, code in enumerate("abcd")}
    entry = Entry("1", "adjustment", "d", "2026-11", Decimal(-60), "", "g", "p", 0, 0)
    before = sure(rows, rules)
    after = rank_uncertainty(ranked(rows, rules, {"d": [entry]}), rules)
    assert after["d"].score_from == before["d"].score_from - 60
    assert after["d"].score_to == before["d"].score_to - 60
    assert (after["d"].rank_from, after["c"].rank_to) == (4, 3)
    assert after["d"].bottom_probability is not None
    assert after["d"].bottom_probability >= Decimal("0.9995")


def test_what_is_far_apart_is_certain() -> None:
    rows = {f"u{place}": street(5000, 900 * place) for place in range(6)}
    found = sure(rows, policy())
    for place in range(6):
        code = f"u{place}"
        assert (found[code].rank_from, found[code].rank_to) == (6 - place, 6 - place)
        assert found[code].bottom_probability == pytest.approx(
            Decimal(place < 2), abs=Decimal("0.0005")
        )


@pytest.mark.parametrize("count", [12, 60])
def test_units_that_nothing_tells_apart_may_stand_anywhere(count: int) -> None:
    found = sure({f"u{n:02}": street(100, 60) for n in range(count)}, policy(bottom=3))
    for each in found.values():
        assert each.bottom_probability is not None
        assert each.bottom_probability == pytest.approx(Decimal(3) / count, abs=Decimal("0.002"))
    edges = [(each.rank_from, each.rank_to) for each in found.values()]
    assert max(first for first, _ in edges) <= 1 + count // 20
    assert min(last for _, last in edges) >= count - count // 20


def test_a_list_without_a_bottom_has_intervals_and_no_probability() -> None:
    rows = {"a": street(20, 10), "b": street(20, 12), "c": street(20, 15)}
    found = sure(rows, policy(bottom=2, listed_from=4))
    assert {each.bottom_probability for each in found.values()} == {None}
    assert found["a"].rank_to == 3
    whole = sure(rows, policy(bottom=3, listed_from=3))
    assert {each.bottom_probability for each in whole.values()} == {Decimal("1.0000")}


def test_who_has_no_place_has_no_uncertainty() -> None:
    assert sure({}, policy()) == {}
    rules = policy()
    rows = {"a": street(20, 10), "b": [(0, 0)] * 3}
    assert set(sure(rows, rules)) == {"a"}
    alone = sure({"a": street(20, 10)}, rules)["a"]
    assert (alone.rank_from, alone.rank_to, alone.bottom_probability) == (1, 1, None)


def test_the_interval_holds_the_published_rank_also_of_a_chance_result() -> None:
    """One callback of five is drawn towards the others; its published place is in the interval."""
    rows = {f"u{n:02}": street(900, 600 + 2 * n) for n in range(40)} | {"small": street(5, 1)}
    rules = policy()
    ranking = ranked(rows, rules)
    found = rank_uncertainty(ranking, rules)
    assert ranking.ranked[-1].unit.code == "small"
    for entry in ranking.ranked:
        each = found[entry.unit.code]
        assert each.rank_from <= entry.rank <= each.rank_to
        assert each.score_from <= entry.score <= each.score_to
    assert found["small"].rank_from == 1


def normal_spreads(centres: Sequence[float], widths: Sequence[float]) -> Any:
    step = np.array(NODES) / STEPS
    return np.array(
        [np.round((c + w * step) * POINT) for c, w in zip(centres, widths, strict=True)]
    ).astype(np.int64)


def test_scores_are_drawn_together_as_far_as_chance_explains_them() -> None:
    """By hand: scores 60, 70, 80 (variance 100), chance 16 each: both steps give 100 - 16 = 84."""
    drawn = drawn_together(normal_spreads([60, 70, 80], [4, 4, 4]))
    middle = len(NODES) // 2
    assert [each / POINT for each in drawn[:, middle]] == pytest.approx([61.6, 70, 78.4], abs=1e-4)
    one = (drawn[:, middle + STEPS] - drawn[:, middle]) / POINT
    assert list(one) == pytest.approx([4 * sqrt(0.84)] * 3, abs=1e-4)


def test_two_units_are_not_drawn_together() -> None:
    spreads = normal_spreads([60, 61], [4, 4])
    assert (drawn_together(spreads) == spreads).all()


def test_two_units_are_compared_as_two_normal_scores() -> None:
    """P(a below b) = Φ((64 - 60) / √(3² + 4²)) = Φ(0.8) = 0.7881."""
    bottom = Chances(normal_spreads([60, 64], [3, 4]), 1).at_the_bottom()
    assert [each / ONE for each in bottom] == pytest.approx([0.7881, 0.2119], abs=0.001)


def test_places_are_counted_as_by_trying_every_outcome() -> None:
    """Five units, each in one of a few cells: all combinations, with ties split evenly."""
    chances = Chances(normal_spreads([60, 61, 63, 63, 66], [2, 3, 1, 2, 2]), 2)
    below, mass = chances._below / ONE, chances._mass / ONE  # noqa: SLF001 (the input of the count)
    for unit in range(5):
        others = [other for other in range(5) if other != unit]
        at_most = [0.0] * 5
        for cell, weight in enumerate(mass[unit]):
            for fall in product((0, 1), repeat=4):
                p = prod(
                    below[o, cell] if f else 1 - below[o, cell]
                    for o, f in zip(others, fall, strict=True)
                )
                for k in range(sum(fall), 5):
                    at_most[k] += weight * p
        assert chances.at_the_bottom()[unit] / ONE == pytest.approx(at_most[1], abs=1e-6)
        best, worst = chances.ranks(ONE // 40)
        assert best[unit] == 5 - next(k for k in range(5) if at_most[k] >= 0.975)
        assert worst[unit] == 5 - next(k for k in range(5) if at_most[k] >= 0.025)


def test_the_normal_curve_gives_the_places_of_the_exact_count(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    draw = random.Random(5)
    spreads = normal_spreads(
        [draw.gauss(70, 5) for _ in range(60)], [draw.uniform(0.3, 6) for _ in range(60)]
    )
    roughly = Chances(spreads, 10).ranks(ONE // 40)
    monkeypatch.setattr(rank_chances, "_EXACT", 60)
    exactly = Chances(spreads, 10).ranks(ONE // 40)
    for rough, exact in zip(roughly, exactly, strict=True):
        assert abs(rough - exact).max() <= 1


def test_probabilities_of_the_bottom_add_up_to_its_size() -> None:
    draw = random.Random(6)
    rows = {
        f"u{n:03}": street(size := draw.randint(10, 400), draw.randint(size // 3, size))
        for n in range(100)
    }
    found = sure(rows, policy(bottom=10))
    total = sum(each.bottom_probability or 0 for each in found.values())
    assert total == pytest.approx(Decimal(10), abs=Decimal("0.05"))


def test_the_same_sums_give_the_same_answer_bit_for_bit() -> None:
    """Golden: other figures here mean another number in METHOD."""
    rows = {code: street(size, solved) for code, size, solved in GOLDEN_ROWS}
    found = sure(rows, policy())
    assert [(code, *map(str, found[code])) for code in rows] == GOLDEN


GOLDEN_ROWS = [("a", 40, 31), ("b", 12, 9), ("c", 300, 204), ("d", 85, 55), ("e", 20, 20)]
GOLDEN = [
    ("a", "2", "5", "65.4", "88.9", "0.1183"),
    ("b", "2", "5", "49.7", "92.0", "0.2600"),
    ("c", "3", "5", "66.1", "75.7", "0.7723"),
    ("d", "3", "5", "58.3", "76.6", "0.8467"),
    ("e", "1", "2", "83.9", "100.0", "0.0029"),
]


class Drawn:
    """Cities drawn with a fixed seed: true rates, callbacks drawn from them, and what was said."""

    def __init__(self, count: int, cities: int, apart: float, bottom: int) -> None:
        draw = random.Random(count)
        self.said: list[tuple[float, bool]] = []
        self.rank_held = self.score_held = self.all = 0
        rules = policy(bottom)
        for _ in range(cities):
            truth, rows = {}, {}
            for unit in range(count):
                p, size = min(0.97, max(0.03, draw.gauss(0.64, apart))), draw.randint(20, 300)
                rows[f"{unit:03}"] = _callbacks(draw, size, p)
                truth[f"{unit:03}"] = 9.9 + 50 * p + 40 * (0.75 * p + 0.3 * (1 - p))
            places = {c: n for n, c in enumerate(sorted(truth, key=truth.__getitem__)[::-1], 1)}
            for code, each in sure(rows, rules).items():
                self.all += 1
                self.rank_held += each.rank_from <= places[code] <= each.rank_to
                self.score_held += each.score_from <= Decimal(truth[code]) <= each.score_to
                self.said.append(
                    (float(each.bottom_probability or 0), places[code] > count - bottom)
                )


def _callbacks(draw: random.Random, size: int, p: float) -> list[tuple[int, int]]:
    """Who is not helped is seldom satisfied: the three rates are not independent."""
    contacted = solved = satisfied = 0
    for _ in range(size):
        helped = draw.random() < p
        contacted += draw.random() < 0.99
        solved += helped
        satisfied += draw.random() < (0.75 if helped else 0.3)
    return [(size, 1000 * contacted), (size, 1000 * solved), (size, 1000 * satisfied)]


def test_intervals_hold_the_truth_as_often_as_they_say_and_probabilities_are_kept() -> None:
    drawn = Drawn(count=60, cities=12, apart=0.06, bottom=10)
    assert 0.94 <= drawn.rank_held / drawn.all <= 0.995
    assert 0.95 <= drawn.score_held / drawn.all <= 0.995
    for low, high in pairwise((0, 0.1, 0.3, 0.5, 1.01)):
        group = [(said, was) for said, was in drawn.said if low <= said < high]
        mean = sum(said for said, _ in group) / len(group)
        share = sum(was for _, was in group) / len(group)
        deviation = sqrt(mean * (1 - mean) / len(group))
        assert abs(share - mean) <= 0.1 + 2 * deviation, (low, mean, share)
