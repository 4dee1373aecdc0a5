"""Series: each point has the figures that its window's own answer gives."""

from __future__ import annotations

import csv
import io
from itertools import pairwise
from typing import Final

import pytest

from schemas.instants import format_instant
from tests.integration.api.city import STREETS, UNKNOWN_UNIT
from tests.integration.api.client import Client, Json
from tests.support.orders import local

FIGURES: Final = (
    "indicators", "volume", "states", "open", "overdue", "returned", "reopened", "incomplete",
    "valid_callback_rate",
)  # fmt: skip
FROM: Final = {"from_": "2026-10-19T00:00:00+08:00", "to": "2026-11-19T00:00:00+08:00"}
PAST: Final = {"as_of": format_instant(local("2026-11-02 15:07:03"))}


def figures(line: Json) -> Json:
    return {name: line[name] for name in FIGURES}


@pytest.mark.parametrize("step", ["day", "week", "cycle", "month"])
@pytest.mark.parametrize("looked", [{}, PAST], ids=["live", "as of"])
async def test_a_point_has_the_figures_of_its_window(
    client: Client, step: str, looked: dict[str, str]
) -> None:
    code = STREETS[0].code
    own = await client.get(f"/v1/units/{code}/series", step=step, **FROM, **looked)
    whole = await client.get("/v1/series", step=step, **FROM, **looked)
    assert own["unit"]["code"] == code
    assert whole["unit"] is None
    assert [point["window"] for point in own["points"]] == [
        point["window"] for point in whole["points"]
    ]
    filled = [number for number, point in enumerate(own["points"]) if point["volume"]]
    for number in filled[:2]:
        point, pooled = own["points"][number], whole["points"][number]
        named = {"window": step, "name": point["window"]["name"]}
        rates = await client.get(f"/v1/units/{code}/rates", **named, **looked)
        assert figures(point) == figures(rates)
        assert point["score_before"] == rates["score_before"]
        assert point["version"] == rates["policy"]["version"]
        ranking = await client.get("/v1/rankings", **named, **looked)
        assert figures(pooled) == figures(ranking["totals"])
    assert filled


async def test_steps_follow_each_other_and_a_running_one_is_marked(client: Client) -> None:
    answer = await client.get("/v1/series", step="day", **FROM)
    points = answer["points"]
    assert len(points) == 32  # noon to noon: the days at the cycle's edge are split
    assert points[0]["window"]["from"] == "2026-10-18T12:00:00+08:00"
    for one, next_ in pairwise(points):
        assert one["window"]["to"] == next_["window"]["from"]
    ended = [point["window"]["name"] for point in points if point["ended"]]
    assert ended[-1] == "2026-11-09"  # the clock stands at 10:07 of the 10th


async def test_days_add_up_to_the_interval_that_they_tile(client: Client) -> None:
    bounds = {"from_": "2026-10-19T12:00:00+08:00", "to": "2026-11-02T12:00:00+08:00"}
    days = await client.get("/v1/series", step="day", **bounds)
    whole = await client.get("/v1/rankings", **bounds)
    assert sum(point["volume"] for point in days["points"]) == whole["totals"]["volume"] > 0


async def test_a_group_is_pooled_alone(client: Client) -> None:
    answer = await client.get("/v1/series", step="cycle", group="core", **FROM)
    ranking = await client.get("/v1/rankings", group="core")
    assert [figures(point) for point in answer["points"]] == [figures(ranking["totals"])]


async def test_a_unit_that_is_not_registered_answers_if_orders_name_it(client: Client) -> None:
    found = await client.get(f"/v1/units/{UNKNOWN_UNIT}/series", step="cycle", **FROM)
    assert found["kind"] == ""
    assert found["points"][0]["volume"] > 0
    await client.refused("/v1/units/nobody/series", 404, "unknown_unit", step="cycle", **FROM)


async def test_a_series_is_a_table_too(client: Client) -> None:
    query = {"step": "week", "from": FROM["from_"], "to": FROM["to"], "format": "csv"}
    response = await client.http.get("/v1/series", params=query)
    assert response.status_code == 200
    lines = list(csv.reader(io.StringIO(response.text.removeprefix("\ufeff"))))
    heading = next(number for number, line in enumerate(lines) if line[:1] == ["期"])
    answer = await client.get("/v1/series", step="week", **FROM)
    column = lines[heading].index("工单量")
    assert [line[column] for line in lines[heading + 1 :]] == [
        str(point["volume"]) for point in answer["points"]
    ]


@pytest.mark.parametrize(
    ("begins", "ends"),
    [("2026-11-02", "2026-11-01"), ("2026-11-01", "2026-11-01"), ("2024-01-01", "2025-03-01")],
    ids=["reversed", "empty", "too many"],
)
async def test_a_series_has_one_to_400_steps(client: Client, begins: str, ends: str) -> None:
    bounds = {"from_": f"{begins}T00:00:00+08:00", "to": f"{ends}T00:00:00+08:00"}
    await client.refused("/v1/series", 422, "invalid_window", step="day", **bounds)


async def test_steps_that_do_not_exist_are_refused(client: Client) -> None:
    await client.refused("/v1/series", 422, "invalid_request", step="24h", **FROM)
    await client.refused("/v1/series", 422, "unknown_group", step="day", group="x", **FROM)
