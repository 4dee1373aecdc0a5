"""Whom an alert rule would tell of now: by the route, and by `hotline alerts`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from schemas.instants import HOUR
from schemas.records import Event
from services.cli.main import app
from services.domain.outcome import evaluate
from services.domain.policy import preset
from tests.integration.api.city import NOW, STREETS, City, city_events, open_city
from tests.integration.api.client import connect, problem
from tests.integration.api.server import serving

TRIED = (
    preset("beijing-district")
    + "\nalerts:\n"
    + "  - {rule: rate_below, name: low, indicator: resolution, threshold: 100, minimum_sample: 1}\n"
    + "  - {rule: last_district}\n"
)


AHEAD = 200 * HOUR
PARENTS = {street.code: street.parent for street in STREETS}
OF_ORDERS = (
    preset("beijing-district")
    + "\nalerts:\n"
    + "  - {rule: deadline_near, name: streets, hours: 200}\n"
    + "  - {rule: deadline_near, name: districts, kind: district, hours: 200}\n"
    + "  - {rule: closed_unsolved, threshold: 0.01, minimum_sample: 1}\n"
    + "  - {rule: closed_unsolved, name: pooled, kind: district, threshold: 0.01, minimum_sample: 1}\n"
)


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    with open_city(tmp_path_factory.mktemp("trials") / "engine") as found:
        found.store(city_events(streets=4))
        yield found


async def test_a_rule_is_tried_on_the_present_standings(city: City) -> None:
    async with connect(city) as client:
        answer = await client.http.post("/v1/alerts/trial", json={"rule": "low", "policy": TRIED})
        ranking = await client.get("/v1/rankings")
        alerts = await client.get("/v1/alerts")
    assert answer.status_code == 200, answer.text
    (listed,) = answer.json()["lists"]
    assert listed["window"]["kind"] == "cycle"
    rates = {
        unit["unit"]["code"]: unit["indicators"]["resolution"]["rate"]
        for unit in (*ranking["ranked"], *ranking["unranked"])
    }
    told = {unit["unit"]["code"]: unit["evidence"]["rate"] for unit in listed["units"]}
    assert set(told) == {code for code, rate in rates.items() if rate not in {None, "100.00"}}
    assert set(told) & {street.code for street in STREETS[:4]}
    assert alerts["alerts"] == []


async def test_the_rules_in_force_are_tried_by_their_names(city: City) -> None:
    async with connect(city) as client:
        answer = await client.http.post("/v1/alerts/trial", json={"rule": "bottom_entered"})
        assert answer.json()["recipients"] == ["unit", "district", "city"]
        assert answer.json()["lists"][0]["units"] == []  # too few are ranked for a bottom
        unknown = await client.http.post("/v1/alerts/trial", json={"rule": "low"})
        problem(unknown, 422, "unknown_alert_rule")
        wrong = await client.http.post("/v1/alerts/trial", json={"rule": "low", "policy": "a: b"})
        problem(wrong, 422, "invalid_policy")


def near(city: City) -> set[str]:
    """Orders that become overdue within the hours, of those that a unit had before."""
    by_order: dict[str, list[Event]] = {}
    for each in city_events(streets=4):
        by_order.setdefault(each.subject, []).append(each)
    found: set[str] = set()
    for subject, events in by_order.items():
        spans = evaluate(events, city.policy).spans
        opened = [
            span.begins_at
            for span in spans
            if span.indicator == "open" and span.begins_at <= NOW < span.ends_at and span.unit
        ]
        due = [span.begins_at for span in spans if span.indicator == "overdue"]
        if opened and any(NOW < at <= NOW + AHEAD and opened[0] < at - AHEAD for at in due):
            found.add(subject)
    return {subject for subject in found if not subject.startswith("未知")}


async def tried(city: City, rule: str) -> dict[str, dict[str, Any]]:
    async with connect(city) as client:
        body = {"rule": rule, "policy": OF_ORDERS}
        answer = await client.http.post("/v1/alerts/trial", json=body)
    assert answer.status_code == 200, answer.text
    (listed,) = answer.json()["lists"]
    return {unit["unit"]["code"]: unit["evidence"] for unit in listed["units"]}


async def test_orders_that_would_be_told_of_are_named_with_whoever_has_them(city: City) -> None:
    streets, districts = await tried(city, "streets"), await tried(city, "districts")
    wanted = near(city)
    assert wanted
    for found in (streets, districts):
        assert {order for shown in found.values() for order in shown["orders"]} == wanted
    assert set(streets) <= {street.code for street in STREETS[:24]}
    assert set(districts) == {PARENTS[code] for code in streets}


async def test_signs_of_gaming_are_tried_and_pooled_by_district(city: City) -> None:
    streets, districts = await tried(city, "closed_unsolved"), await tried(city, "pooled")
    assert streets
    pooled: Counter[str] = Counter()
    for code, shown in streets.items():
        pooled[PARENTS[code]] += shown["count"]
    assert {code: shown["count"] for code, shown in districts.items()} == pooled


def test_the_command_tells_the_same(city: City, tmp_path: Path) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text(TRIED, encoding="utf-8")

    def told(*arguments: str) -> tuple[int, str]:
        done = CliRunner().invoke(app, ["alerts", *arguments, "--url", url])
        return done.exit_code, done.output

    with serving(city) as url:
        code, output = told("test", "low", "--policy", str(policy))
        assert code == 0
        assert output.startswith("low (rate_below) ")
        assert "indicator resolution, rate " in output
        assert told("list") == (0, "无预警 no alerts\n")
        code, output = told("test", "low")
        assert code == 1
        assert "no alert rule" in output
