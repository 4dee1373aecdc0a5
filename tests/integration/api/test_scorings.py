"""What a window is scored by: the version at its end, the kind and the group of the list."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Final

import pytest

from schemas.instants import DAY, HOUR, MINUTE
from schemas.records import Event, Unit
from services.storage import units
from tests.integration.api.city import CYCLE_BEGINS, STREETS, City, city_events, open_city
from tests.integration.api.client import Client, Json, cells, connect, problem
from tests.support.orders import event, rated

RICH: Final = (Path(__file__).parent / "rich_policy.yaml").read_text(encoding="utf-8")
DEPARTMENT: Final = "D-环保"


def environmental() -> list[Event]:
    """Orders of the department's field, led by three streets: seven, five of them solved."""
    events = []
    for number in range(7):
        at, where = CYCLE_BEGINS + number * HOUR, {"subject": f"环境-{number}"}
        unit = STREETS[number % 3].code
        events += [
            event("received", at, demand_type="complaint", category=["市容", "环境"], **where),
            event("dispatched", at + MINUTE, unit=unit, **where),
            event("resolved", at + HOUR, unit=unit, **where),
            rated(at + DAY, "satisfied", solved="yes" if number < 5 else "no", **where),
        ]
    return events


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    with open_city(tmp_path_factory.mktemp("rich") / "engine", text=RICH) as found:
        units.register(found.database, [Unit(DEPARTMENT, "环保局", "department")], CYCLE_BEGINS)
        found.store([*city_events(), *environmental()])
        yield found


@pytest.fixture
async def client(city: City) -> AsyncIterator[Client]:
    async with connect(city) as found:
        yield found


@pytest.mark.parametrize(
    ("query", "version", "versions"),
    [
        ({}, "2026", ["2026"]),
        ({"window": "month", "name": "2026-10"}, "2026", ["2025", "2026"]),
        ({"window": "cycle", "name": "2026-10"}, "2025", ["2025"]),
        ({"from_": "2026-10-18T00:00:00+08:00", "to": "2026-10-19T00:00:00+08:00"}, "2025", ["2025"]),
    ],
)  # fmt: skip
async def test_an_answer_names_the_version_that_scores_it_and_all_that_it_spans(
    client: Client, query: dict[str, str], version: str, versions: list[str]
) -> None:
    for path in ("/v1/rankings", f"/v1/units/{STREETS[0].code}/rates"):
        found = await client.get(path, **query)
        assert found["policy"]["version"] == version
        assert found["versions"] == versions


def percents(line: Json) -> tuple[Fraction, Fraction, Fraction]:
    """Response, resolution and satisfaction, exactly."""
    rates = (line["indicators"][code] for code in ("response", "resolution", "satisfaction"))
    first, second, third = (
        100 * Fraction(rate["numerator"]) / rate["denominator"] for rate in rates
    )
    return first, second, third


async def test_an_indicator_with_parts_is_their_mean_and_has_no_sums(client: Client) -> None:
    ranking = await client.get("/v1/rankings")
    assert len(ranking["ranked"]) > 20
    for line in ranking["ranked"]:
        response, resolution, satisfaction = percents(line)
        service = line["indicators"]["service"]
        assert (service["numerator"], service["denominator"]) == (None, None)
        assert service["parts"] == {"response": 1, "satisfaction": 3}
        mean = (response + 3 * satisfaction) / 4
        assert abs(Fraction(service["rate"]) - mean) <= Fraction(5, 1000)
        wanted = (60 * mean + 40 * resolution) / 100
        assert abs(Fraction(line["score"]) - wanted) <= Fraction(5, 100)


async def test_a_rate_below_its_floor_is_flagged(client: Client) -> None:
    ranking = await client.get("/v1/rankings")
    flags = set()
    for line in ranking["ranked"] + [ranking["totals"]]:
        rate = line["indicators"]["resolution"]
        assert rate["floor"] == "60"
        assert rate["below_floor"] == (percents(line)[1] < 60)
        assert not line["indicators"]["response"]["below_floor"]
        flags.add(rate["below_floor"])
    assert flags == {True, False}


async def test_a_peer_group_may_have_a_score_of_its_own(client: Client) -> None:
    ranking = await client.get("/v1/rankings", group="core")
    assert ranking["ranked"]
    for line in ranking["ranked"]:
        assert line["score"] == line["indicators"]["resolution"]["rate"]
    code = ranking["ranked"][0]["unit"]["code"]
    own = await client.get(f"/v1/units/{code}/rates", group="core")
    assert (own["rank"], own["score"]) == (1, ranking["ranked"][0]["score"])
    assert (await client.get(f"/v1/units/{code}/rates"))["score"] != own["score"]


async def test_departments_are_ranked_by_the_orders_of_their_field(client: Client) -> None:
    ranking = await client.get("/v1/rankings", kind="department")
    assert ranking["basis"] == "line"
    (line,) = ranking["ranked"]
    assert (line["unit"]["code"], line["volume"]) == (DEPARTMENT, 7)
    assert line["indicators"]["resolution"]["rate"] == "71.43"
    for indicator, denominator, numerator in cells(line | {"indicators": _measured(line)}):
        orders = await client.orders(unit=DEPARTMENT, indicator=indicator, ranking="line")
        parts = [part for order in orders for part in order["contributions"]]
        assert sum(part["denominator"] for part in parts) == denominator
        if numerator is not None:
            assert sum(Decimal(part["numerator"]) for part in parts) == Decimal(numerator)
    assert await client.orders(unit=DEPARTMENT, indicator="volume") == []


async def test_a_department_has_the_times_of_the_orders_of_its_field(client: Client) -> None:
    (line,) = (await client.get("/v1/elapsed", kind="department"))["units"]
    assert (line["unit"]["code"], line["volume"]) == (DEPARTMENT, 7)
    assert line["resolve"] == {"sample": 7, "p50": "3540", "p90": "3540"}
    assert line["sign"]["sample"] == 0


def _measured(line: Json) -> Json:
    return {code: rate for code, rate in line["indicators"].items() if rate["parts"] is None}


async def test_an_order_counts_for_its_street_and_once_for_its_department(client: Client) -> None:
    order = await client.get("/v1/work-orders/环境-0")
    volume = {
        (part["ranking"], part["unit"])
        for part in order["contributions"]
        if part["indicator"] == "volume"
    }
    assert volume == {("lead", STREETS[0].code), ("line", DEPARTMENT)}


async def test_the_policy_lists_its_versions_and_what_makes_its_score(client: Client) -> None:
    policy = await client.get("/v1/policy")
    begins = "2026-10-19T00:00:00+08:00"
    assert policy["versions"] == [
        {"version": "2025", "from": None, "to": begins},
        {"version": "2026", "from": begins, "to": None},
    ]
    assert policy["version"] == "2026"
    worth = {each["code"]: (each["weight"], each["floor"]) for each in policy["indicators"]}
    assert worth == {
        "response": (None, None),
        "resolution": ("40", "60"),
        "satisfaction": (None, None),
        "service": ("60", None),
    }


async def test_an_indicator_with_parts_has_no_orders_of_its_own(client: Client) -> None:
    unit = STREETS[0].code
    found = await client.refused(
        "/v1/work-orders", 422, "unknown_indicator", unit=unit, indicator="service"
    )
    assert "satisfaction" in found["detail"]


async def test_gains_compare_the_same_age_of_two_windows(client: Client) -> None:
    days = {"from_": "2026-10-25T00:00:00+08:00", "to": "2026-10-31T00:00:00+08:00"}
    before = {"from_": "2026-10-19T00:00:00+08:00", "to": days["from_"]}
    gains = await client.get("/v1/rankings/gains", **days)
    compared = gains["compared"]
    assert (compared["window"]["from"], compared["window"]["to"]) == tuple(before.values())
    assert compared["as_of"] == "2026-11-04T10:07:00+08:00"
    now = await client.get("/v1/rankings", **days)
    then = await client.get("/v1/rankings", as_of=compared["as_of"], **before)
    scores = [
        {line["unit"]["code"]: Decimal(line["score"]) for line in found["ranked"]}
        for found in (now, then)
    ]
    both = scores[0].keys() & scores[1].keys()
    assert len(both) > 10
    assert {line["unit"]["code"]: Decimal(line["gain"]) for line in gains["ranked"]} == {
        code: scores[0][code] - scores[1][code] for code in both
    }
    listed = [Decimal(line["gain"]) for line in gains["ranked"]]
    assert listed == sorted(listed, reverse=True)
    assert len(gains["ranked"]) + len(gains["unranked"]) == len(STREETS)


@pytest.mark.parametrize(
    "window",
    [
        {"window": "cycle", "name": "1900-02"},
        {"from": "1900-01-02T00:00:00Z", "to": "1900-02-02T00:00:00Z"},
    ],
)
async def test_the_first_window_gains_on_nothing(client: Client, window: dict[str, str]) -> None:
    refused = await client.http.get("/v1/rankings/gains", params=window)
    problem(refused, 422, "invalid_window")
    later = await client.get("/v1/rankings/gains", window="cycle", as_of="1900-03-01T00:00:00Z")
    assert later["ranked"] == []


async def test_the_probability_of_the_bottom_is_shown_where_there_is_one(client: Client) -> None:
    ranking = await client.get("/v1/rankings")
    assert len(ranking["bottom"]) == 2
    likely = [line["bottom_probability"] for line in ranking["ranked"]]
    assert {len(text) for text in likely} == {len("0.1234")}
    assert abs(sum(map(Decimal, likely), Decimal(-2))) < Decimal("0.05")
    for line in ranking["ranked"]:
        own = await client.get(f"/v1/units/{line['unit']['code']}/rates")
        assert own["bottom_probability"] == line["bottom_probability"]
