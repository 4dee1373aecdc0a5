from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from schemas.policy import Header, Rules
from services.domain.scorings import compile_scorings, misplaced_changes
from tests.support.rules import BEIJING_SCORE, measured, parted, rules

HALVES = {"weights": {"response": 50, "satisfaction": 50}, "decimals": 2}
INDICATORS = {code: measured() for code in ("response", "resolution", "satisfaction")}


def header(**cycle: Any) -> Header:
    document = {
        "id": "made",
        "names": {"zh": "办法", "en": "scheme"},
        "time_zone": "Asia/Shanghai",
        "cycle": cycle,
    }
    return Header.model_validate(document)


def version(begins: str | None, **more: Any) -> Rules:
    effective = {} if begins is None else {"from": begins}
    return rules(BEIJING_SCORE, indicators=INDICATORS, effective=effective, **more)


def test_the_first_entry_that_fits_kind_and_group_counts() -> None:
    scorings = compile_scorings(
        rules(
            BEIJING_SCORE,
            indicators=INDICATORS,
            rankings=[
                {"kind": "street", "group": "core", "ranking": _ranking(bottom=1)},
                {"kind": "street", "score": HALVES},
                {"kind": "street", "group": "inner", "ranking": _ranking(bottom=9)},
                {"kind": "department", "basis": "line"},
            ],
        )
    )
    assert scorings.of("district") is scorings.top
    core, inner, streets = (scorings.of("street", group) for group in ("core", "inner", ""))
    assert (core.bottom, core.codes) == (1, scorings.top.codes)
    assert streets is inner
    assert (streets.bottom, streets.codes) == (2, ("response", "satisfaction"))
    assert scorings.of("department").basis == "line"
    assert scorings.of("department", "east").basis == "line"
    assert streets.basis == "lead"


def _ranking(bottom: int, **more: Any) -> dict[str, Any]:
    return {"ties": "shared", "bottom": bottom, "minimum_sample": 1} | more


def test_a_bottom_is_listed_from_twice_as_many_units_unless_it_is_said() -> None:
    assert compile_scorings(version(None, ranking=_ranking(5))).top.listed_from == 10
    said = compile_scorings(version(None, ranking=_ranking(5, listed_from=0))).top
    assert said.listed_from == 0


def test_the_score_stands_on_the_parts_of_its_indicators() -> None:
    made = rules(
        {"weights": {"response": 30, "solved": 70}},
        indicators={
            "signed": measured(),
            "contacted": measured(),
            "response": parted(signed=1, contacted=1),
            "solved": measured(),
        },
    )
    top = compile_scorings(made).top
    assert top.measured == ("signed", "contacted", "solved")
    assert top.indicators == ("signed", "contacted", "response", "solved")


@pytest.mark.parametrize(
    ("cycle", "begins", "misplaced"),
    [
        ({"start_day": 19}, "2026-11-19", False),
        ({"start_day": 19}, "2026-11-01", True),
        ({}, "2026-11-01", False),
        ({}, "2026-11-02", True),
        ({"kind": "quarter"}, "2026-10-01", False),
        ({"kind": "quarter"}, "2026-11-01", True),
    ],
)
@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("score", BEIJING_SCORE | {"decimals": 2}),
        ("ranking", _ranking(3)),
        ("rankings", [{"kind": "street", "score": HALVES}]),
        ("classes", {"leading": 5}),
        ("annual", {"monthly_share": 100, "decimals": 2}),
        ("indicators", INDICATORS | {"mean": parted(response=1, resolution=2)}),
    ],
)
def test_rules_after_counting_change_where_a_cycle_begins(
    cycle: dict[str, Any], begins: str, misplaced: bool, key: str, value: object
) -> None:
    document: dict[str, Any] = {"score": BEIJING_SCORE, "indicators": INDICATORS}
    after = rules(**document | {"effective": {"from": begins}, key: value})
    before = version(None)
    assert misplaced_changes(header(**cycle), [before, after]) == ([(1, key)] if misplaced else [])


def test_other_rules_may_change_on_any_day() -> None:
    before = version(None)
    after = version("2026-11-07", assessed_types=["help"], callbacks={"attempts": 5})
    last = version("2026-12-03", callbacks={"attempts": 2}, version="3")
    assert last.effective.from_ == date(2026, 12, 3)
    assert misplaced_changes(header(), [before, after, last]) == []
