"""What an exclusion reaches: indicators made of others, and the line department's ranking."""

from __future__ import annotations

from typing import Final

from services.domain.outcome import contributions_at, evaluate
from services.domain.policy import load_policy
from tests.oracle.agreement import SYNTHETIC
from tests.support.orders import event, local, rated

POLICY: Final = load_policy((SYNTHETIC / "every-denominator.yaml").read_text(encoding="utf-8"))
END: Final = local("2026-03-01 00:00")
ORDER: Final = [
    event("received", "2026-01-05 09:00", demand_type="help", urgency="normal", category=["供暖"]),
    event("dispatched", "2026-01-05 10:00", unit="a"),
    event("signed", "2026-01-05 11:00", unit="a"),
    event("resolved", "2026-01-05 12:00", unit="a"),
    rated("2026-01-06 12:00"),
]


def counted(*more: str) -> set[str]:
    """What is counted for the unit after an exclusion from some indicators."""
    excluded = event("excluded", "2026-01-07 09:00", ground="force_majeure", indicators=[*more])
    spans = evaluate([*ORDER, excluded], POLICY).spans
    return {c.indicator for c in contributions_at(spans, END) if c.ranking == "lead"}


def test_an_exclusion_from_one_of_those_joined_is_one_from_the_whole() -> None:
    assert {"all_good", "signed", "solved_closed"} <= counted("response")
    left = counted("signed")
    assert "solved_closed" in left
    assert not left & {"signed", "all_good"}


def test_the_indicators_joined_stay_when_the_whole_is_excluded() -> None:
    left = counted("all_good")
    assert {"signed", "solved_closed"} <= left
    assert "all_good" not in left


def test_an_exclusion_from_an_indicator_with_parts_is_one_from_each_part() -> None:
    assert "attitude" in counted("response")
    assert not counted("handling") & {"effect", "attitude", "photo"}


def test_excluded_from_all_that_is_measured_the_order_is_excluded() -> None:
    codes = POLICY.at(END).measured
    assert "state:excluded:force_majeure" in counted(*codes)
    assert "state:valid" in counted(*(codes - {"signed"}))


def test_the_line_department_counts_an_order_since_its_field_is_known() -> None:
    events = [event("dispatched", "2026-01-05 08:00", unit="a"), *ORDER]
    events += [event("reopened", "2026-01-05 08:30")]
    spans = evaluate(events, POLICY).spans

    def line(at: str) -> set[str]:
        found = contributions_at(spans, local(at))
        return {c.indicator for c in found if c.ranking == "line"}

    assert line("2026-01-05 08:59") == set()
    assert {"volume", "reopened"} <= line("2026-01-05 09:00")
