"""One evaluation of what is told of single orders."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from schemas.instants import HOUR, MINUTE, Instant
from schemas.policy.alerts import AlertRule, QuietHours
from schemas.records import Position
from services.domain.order_alerts import Occurrence
from services.domain.windows import Window
from services.scoring.order_standing import evaluate_orders
from services.scoring.standing import Picture
from services.storage.evaluations import Evaluation, Series
from tests.unit.scoring.support import POLICY, START

WINDOW = Window("cycle", "2026-07", START - 1, START + HOUR)
NEAR = AlertRule(rule="deadline_near", name="near", recipients=["unit"])
OFTEN = AlertRule(rule="reopened_often")
AT = {0: Position(0, 5)}


def evaluate(
    found: Mapping[str, Sequence[Occurrence]],
    previous: Evaluation | None = None,
    *,
    rules: Sequence[AlertRule] = (NEAR, OFTEN),
    as_of: Instant = START,
    rescored: bool = False,
) -> tuple[Evaluation, dict[str, Mapping[int, Position]]]:
    """The evaluation, and since which positions each rule was asked."""
    asked: dict[str, Mapping[int, Position]] = {}

    def untold(rule: AlertRule, since: Mapping[int, Position]) -> Sequence[Occurrence]:
        asked[rule.called] = since
        return found.get(rule.called, ())

    picture = Picture(
        series=Series(2, "lead-orders", "street", "", "cycle", "2026-07"),
        window=WINDOW,
        units=(),
        sums={},
        scoring=POLICY.at(START).scorings.of("street"),
        alerts=rules,
        zone=POLICY.time_zone,
        as_of=as_of,
        positions=AT,
    )
    return evaluate_orders(picture, previous, untold, rescored=rescored), asked


def test_what_was_never_told_is_told_and_kept_as_told() -> None:
    found = [Occurrence("热线-1", "a", START, START + HOUR), Occurrence("热线-2", "b", START)]
    first, asked = evaluate({"near": found})
    assert first.number == 1
    assert [alert.id for alert in first.alerts] == [
        "near:2:lead-orders:street::cycle:2026-07:a:1",
        "near:2:lead-orders:street::cycle:2026-07:b:1",
    ]
    assert {alert.recipients for alert in first.alerts} == {("unit",)}
    assert first.told == ("near 0 热线-2", f"near {START + HOUR} 热线-1")
    assert (first.ranked, first.bottom) == ((), ())
    assert asked == {"near": {}, "reopened_often": {}}


def test_the_next_one_asks_about_what_came_since() -> None:
    first, _ = evaluate({})
    second, asked = evaluate({}, first)
    assert second.number == 2
    assert (second.alerts, second.told) == ((), ())
    assert asked == {"near": AT, "reopened_often": AT}


def test_what_another_ruleset_or_a_new_rule_brings_is_found_later() -> None:
    found = {"reopened_often": [Occurrence("热线-1", "a", START)]}
    first, _ = evaluate({}, rules=(NEAR,))
    second, asked = evaluate(found, first)
    assert [alert.withheld for alert in second.alerts] == ["found_later"]
    assert asked == {"near": AT, "reopened_often": {}}
    again, asked = evaluate(found, second, rescored=True)
    assert again.number == 1
    assert [alert.withheld for alert in again.alerts] == ["found_later"]
    assert asked == {"near": {}, "reopened_often": {}}


def test_news_and_what_is_found_later_of_one_unit_have_ids_of_their_own() -> None:
    old = Occurrence("热线-1", "a", START - 2 * HOUR)
    first, _ = evaluate({"near": [old, old._replace(subject="热线-2", at=START)]})
    assert [alert.withheld for alert in first.alerts] == ["", "found_later"]
    assert len({alert.id for alert in first.alerts}) == 2


def test_nobody_is_woken_in_quiet_hours() -> None:
    quiet = OFTEN.model_copy(update={"quiet": QuietHours.model_validate({"from": 0, "to": 23})})
    at = START  # eight in the morning
    first, _ = evaluate(
        {"reopened_often": [Occurrence("热线-1", "a", at)]}, rules=(quiet,), as_of=at + MINUTE
    )
    (alert,) = first.alerts
    assert alert.not_before > at
