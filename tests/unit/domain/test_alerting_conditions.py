"""Of whom the condition of each alert rule is true."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from schemas.policy.alerts import AlertRule
from schemas.records import Sums, Unit
from services.domain.alerting_conditions import Standing, met
from services.domain.alerting_lists import lists_of, window_of
from services.domain.policy import PolicyError, load_policy, preset
from services.domain.ranking import rank
from services.domain.registry import Registry
from tests.support.orders import local

TEXT = preset("beijing-district")
POLICY = load_policy(TEXT)
SCORING = POLICY.versions[0].scorings.of("street")
UNITS = [Unit(f"{n:03d}", f"街道{n}", "street", "d1" if n < 12 else "d2") for n in range(24)]


def sums_of(solved: dict[str, int], volume: int = 100) -> dict[tuple[str, str], Sums]:
    """Units with so many of a hundred citizens whose case is solved."""
    found: dict[tuple[str, str], Sums] = {}
    for code, count in solved.items():
        found[code, "response"] = Sums(100, 100_000)
        found[code, "resolution"] = Sums(100, 1000 * count)
        found[code, "satisfaction"] = Sums(100, 1000 * count)
        found[code, "volume"] = Sums(volume + count, 0)
    return found


def standing(count: int = 24, governed: frozenset[str] = frozenset()) -> Standing:
    """Unit n has n percent more solved than the worst."""
    sums = sums_of({unit.code: 50 + place for place, unit in enumerate(UNITS[:count])})
    return Standing(rank(UNITS, sums, SCORING), SCORING, governed)


def rule(kind: str, **keys: Any) -> AlertRule:
    keys = {key: Decimal(value) if key in {"margin", "probability", "threshold"} else value
            for key, value in keys.items()}  # fmt: skip
    return AlertRule.model_validate({"rule": kind, **keys})


def codes(found: dict[str, Any]) -> list[str]:
    return sorted(found)


def test_the_bottom_is_that_of_the_ranking() -> None:
    assert codes(met(rule("bottom_entered"), standing())) == [f"{n:03d}" for n in range(10)]
    assert met(rule("bottom_left"), standing(count=19)) == {}


def test_units_with_a_smaller_sample_than_the_rule_wants_are_left_alone() -> None:
    assert met(rule("bottom_entered", minimum_sample=101), standing()) == {}
    assert len(met(rule("bottom_entered", minimum_sample=100), standing())) == 10


def test_at_risk_is_who_stands_a_little_above_the_bottom() -> None:
    assert codes(met(rule("at_risk", margin="1.8"), standing())) == ["010", "011"]
    assert met(rule("at_risk", margin="0.8"), standing()) == {}


def test_at_risk_is_who_probably_belongs_there() -> None:
    likely = met(rule("at_risk", probability="0.3"), standing())
    assert likely
    assert all(Decimal(str(shown["probability"])) >= Decimal("0.3") for shown in likely.values())
    assert "023" not in likely
    assert not set(likely) & {f"{n:03d}" for n in range(10)}
    assert met(rule("at_risk", probability=1), standing()) == {}


def test_the_last_one_is_told_once_two_are_ranked() -> None:
    assert codes(met(rule("last_district"), standing())) == ["000"]
    assert met(rule("last_company"), standing(count=1)) == {}


def test_the_largest_volumes_that_are_not_governed_are_told() -> None:
    found = met(rule("top_volume", top=3), standing(governed=frozenset({"022"})))
    assert found == {
        "023": {"volume": 173, "volume_rank": 1},
        "021": {"volume": 171, "volume_rank": 3},
    }
    assert met(rule("top_volume", top=13), standing()) == {}


def test_a_rate_below_its_threshold_is_told_if_enough_stand_behind_it() -> None:
    below = rule("rate_below", indicator="resolution", threshold="52")
    found = met(below, standing())
    assert codes(found) == ["000", "001"]
    assert found["001"] == {"indicator": "resolution", "rate": "51.00", "threshold": "52"}
    larger = rule("rate_below", indicator="resolution", threshold="52", minimum_sample=101)
    assert met(larger, standing()) == {}


def test_a_rate_below_the_floor_is_told() -> None:
    text = TEXT.replace("  resolution:\n", "  resolution:\n    floor: 52\n", 1)
    scoring = load_policy(text).versions[0].scorings.of("street")
    sums = sums_of({unit.code: 50 + place for place, unit in enumerate(UNITS)})
    found = met(rule("below_floor"), Standing(rank(UNITS, sums, scoring), scoring, frozenset()))
    assert codes(found) == ["000", "001"]
    assert found["000"]["indicator"] == "resolution"


def test_rules_are_grouped_by_the_list_that_they_are_about() -> None:
    registry = Registry(
        [unit._replace(group="core" if unit.code < "012" else "inner") for unit in UNITS]
    )
    rules = [
        rule("bottom_entered"),
        rule("bottom_left", group="each", window="7d"),
        rule("last_district"),
    ]
    assert [(*found[:3], len(found.alerts)) for found in lists_of(rules, registry)] == [
        ("street", "", "cycle", 1),
        ("street", "core", "7d", 1),
        ("street", "inner", "7d", 1),
        ("district", "", "cycle", 1),
    ]
    assert [found[:3] for found in lists_of([], registry)] == [("street", "", "cycle")]


def test_a_rolling_window_keeps_its_name_and_ends_with_the_quarter_hour() -> None:
    found = window_of(POLICY, "24h", local("2026-11-10 12:07"))
    assert found == (
        "24h", "24h", local("2026-11-09 12:15"), local("2026-11-10 12:15"),
    )  # fmt: skip
    assert window_of(POLICY, "24h", local("2026-11-10 12:14")) == found
    assert window_of(POLICY, "day", local("2026-11-10 12:07")).name == "2026-11-11"


@pytest.mark.parametrize(
    ("alerts", "mistake"),
    [
        ("[{rule: rate_below}]", "rate_below needs an indicator and a threshold"),
        ("[{rule: at_risk}]", "at_risk needs a margin or a probability"),
        ("[{rule: bottom_left, top: 3}]", "top is a key of top_volume alone"),
        ("[{rule: last_district, kind: street}]", "last_district is of the kind district"),
        ("[{rule: bottom_left, recipients: [unit, unit]}]", "a recipient is listed twice"),
        ("[{rule: bottom_left, quiet: {from: 7, to: 7}}]", "quiet hours end at another hour"),
        ("[{rule: rate_below, indicator: x, threshold: 5}]", "x is no indicator"),
        ("[{rule: bottom_left},\n {rule: bottom_left}]", "give it a name"),
    ],
)
def test_a_rule_that_says_nothing_sensible_is_named_by_its_line(alerts: str, mistake: str) -> None:
    line = TEXT.count("\n") + alerts.count("\n") + 2
    with pytest.raises(PolicyError, match=rf"^line {line}, alerts\.\d.*{mistake}"):
        load_policy(f"{TEXT}\nalerts: {alerts}\n")


def test_a_policy_that_says_no_more_has_the_checksum_it_had() -> None:
    said = load_policy(f"{TEXT}\nalerts: [{{rule: bottom_entered}}, {{rule: bottom_left}}]\n")
    assert said.checksum == POLICY.checksum
    other = load_policy(f"{TEXT}\nalerts: [{{rule: bottom_entered, for_minutes: 5}}]\n")
    assert other.checksum != POLICY.checksum
