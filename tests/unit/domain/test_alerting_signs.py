"""Of which units signs of gaming are seen."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from schemas.policy.alerts import AlertRule
from schemas.records import Sums, Unit
from services.domain.alerting_conditions import Evidence, Standing, met
from services.domain.alerting_lists import lists_of, ranking_of, series_ranking
from services.domain.alerting_signs import CLOSED, LAST_HOUR, RATED, UnitSigns
from services.domain.policy import PolicyError, load_policy, preset
from services.domain.ranking import rank
from services.domain.registry import Registry

TEXT = preset("beijing-district")
SCORING = load_policy(TEXT).versions[0].scorings.of("street")
UNITS = [Unit(code, f"街道{code}", "street") for code in ("a", "b", "c")]
NOTHING: dict[tuple[str, str], Sums] = {}


def rule(kind: str, threshold: str, **keys: Any) -> AlertRule:
    return AlertRule.model_validate({"rule": kind, "threshold": Decimal(threshold), **keys})


def seen(
    asked: AlertRule, sums: dict[tuple[str, str], Sums], signs: UnitSigns = NOTHING
) -> dict[str, Evidence]:
    return met(asked, Standing(rank(UNITS, sums, SCORING), SCORING, frozenset(), signs))


def counted(name: str, *counts: int, volume: int = 100) -> dict[tuple[str, str], Sums]:
    """The units have so many of a count, of one volume."""
    found: dict[tuple[str, str], Sums] = {}
    for unit, count in zip(UNITS, counts, strict=True):
        found[unit.code, "volume"] = Sums(volume, 0)
        found[unit.code, name] = Sums(count, 0)
    return found


def test_a_share_far_above_that_of_all_others_is_told() -> None:
    sums = counted("state:suspended", 3, 14, 2)
    assert seen(rule("suspended_apart", "11.5"), sums) == {
        "b": {"count": 14, "of": 100, "share": "14.00", "peers": "2.50", "threshold": "11.5"}
    }
    assert seen(rule("suspended_apart", "11.6"), sums) == {}


def test_a_share_far_below_that_of_the_others_is_not() -> None:
    assert seen(rule("suspended_apart", "30"), counted("state:suspended", 0, 50, 50)) == {}


def test_exclusions_count_whatever_their_ground() -> None:
    sums = counted("state:excluded:不可抗力", 20, 0, 0) | {
        ("a", "state:excluded:不合理诉求"): Sums(5, 0)
    }
    found = seen(rule("excluded_apart", "20"), sums)
    assert {code: shown["count"] for code, shown in found.items()} == {"a": 25}


def test_what_a_unit_returned_was_given_to_it_too() -> None:
    found = seen(rule("returned_apart", "10"), counted("returned", 0, 25, 0))
    assert found["b"]["of"] == 125
    assert found["b"]["share"] == "20.00"
    assert list(found) == ["b"]


def test_few_orders_tell_nothing_of_a_unit_or_of_the_others() -> None:
    few = counted("state:suspended", 0, 9, 0, volume=9)
    assert seen(rule("suspended_apart", "1"), few) == {}
    assert list(seen(rule("suspended_apart", "1", minimum_sample=9), few)) == ["b"]
    alone = few | {("b", "volume"): Sums(50, 0), ("c", "volume"): Sums(0, 0)}
    assert seen(rule("suspended_apart", "1"), alone) == {}
    assert seen(rule("suspended_apart", "1"), {}) == {}


@pytest.mark.parametrize("sign", [CLOSED, LAST_HOUR])
def test_a_share_of_the_closed_orders_is_told_from_the_threshold_on(sign: str) -> None:
    signs = {
        ("a", sign): Sums(12, 4_000),
        ("b", sign): Sums(12, 3_000),
        ("c", sign): Sums(9, 9_000),
    }
    assert seen(rule(sign, "33.3"), {}, signs) == {
        "a": {"count": 4, "of": 12, "share": "33.33", "threshold": "33.3"}
    }
    assert list(seen(rule(sign, "25"), {}, signs)) == ["a", "b"]
    other = CLOSED if sign == LAST_HOUR else LAST_HOUR
    assert seen(rule(other, "1"), {}, signs) == {}


def test_ratings_that_differ_by_who_asked_are_told() -> None:
    signs = {
        ("a", RATED + "city phone"): Sums(10, 6_000),
        ("a", RATED + "city sms"): Sums(10, 9_500),
        ("a", RATED + "district phone"): Sums(9, 0),  # too few
        ("b", RATED + "city phone"): Sums(10, 0),
    }
    assert seen(rule("ratings_apart", "35"), {}, signs) == {
        "a": {
            "highest": "95.00",
            "highest_source": "city sms",
            "lowest": "60.00",
            "lowest_source": "city phone",
            "threshold": "35",
        }
    }
    assert seen(rule("ratings_apart", "35.1"), {}, signs) == {}


def test_what_only_orders_tell_is_a_part_of_its_own_and_comes_last() -> None:
    rules = [
        AlertRule(rule="deadline_near"),
        rule("closed_unsolved", "50"),
        rule("excluded_apart", "5"),
        AlertRule(rule="reopened_often"),
    ]
    found = lists_of(rules, Registry(UNITS))
    assert [(each.part, [of.rule for of in each.alerts]) for each in found] == [
        ("", ["excluded_apart"]),
        ("orders", ["deadline_near", "reopened_often"]),
        ("signs", ["closed_unsolved"]),
    ]
    names = [series_ranking("line", each.part) for each in found]
    assert len(set(names)) == 3
    assert [ranking_of(name) for name in names] == ["line"] * 3


@pytest.mark.parametrize(
    ("alerts", "mistake"),
    [
        ("[{rule: excluded_apart}]", "excluded_apart needs a threshold"),
        ("[{rule: bottom_left, hours: 24}]", "hours is a key of deadline_near alone"),
        (
            "[{rule: deadline_near, times: 3}]",
            "times is a key of reopened_often and transferred_often alone",
        ),
        ("[{rule: deadline_near, cool_down_minutes: 5}]", "an order is told of once"),
        ("[{rule: reopened_often, minimum_sample: 5}]", "minimum_sample is no key"),
        ("[{rule: deadline_near, hours: 48},\n {rule: deadline_near}]", "give it a name"),
    ],
)
def test_a_rule_that_says_nothing_sensible_is_refused(alerts: str, mistake: str) -> None:
    with pytest.raises(PolicyError, match=mistake):
        load_policy(f"{TEXT}\nalerts: {alerts}\n")


@pytest.mark.parametrize(
    ("kind", "mistake"),
    [
        ("closed_unsolved", "needs an indicator by contacted or solved"),
        ("ratings_apart", "needs an indicator by satisfaction"),
    ],
)
def test_a_sign_that_no_indicator_shows_is_refused(kind: str, mistake: str) -> None:
    with pytest.raises(PolicyError, match=mistake):
        load_policy(f"{preset('on-time')}\nalerts: [{{rule: {kind}, threshold: 50}}]\n")
