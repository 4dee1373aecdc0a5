"""Frozen cycles over a real engine: freeze, late facts, revisions, audit."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from typing import Any, Final

import pytest

from schemas.instants import DAY, HOUR, MINUTE, format_instant
from schemas.records import Event
from services.domain.policy import preset
from tests.integration.api.city import STREETS, City, city_events, open_city
from tests.integration.api.client import Client, Json, connect, problem
from tests.integration.api.test_scorings import RICH
from tests.support.orders import event, local, rated

CYCLE: Final = "2026-11"
ENDS: Final = local("2026-11-19 00:00")
FROZEN: Final = local("2026-11-20 10:00")
FEWER: Final = preset("beijing-district").replace("minimum_sample: 10", "minimum_sample: 1")
WHY: Final = {"ground": "committee_2026_11", "approver": "1101"}
UNIT: Final = STREETS[0].code
ORDER: Final = "热线-不满意"
BEGINS: Final = local("2026-11-03 09:00")
# The order of domain.md 7.9, which is excluded after the freeze.
DISSATISFIED: Final = (
    event("received", BEGINS, subject=ORDER, demand_type="complaint", urgency="normal"),
    event("dispatched", BEGINS + MINUTE, subject=ORDER, unit=UNIT),
    rated(BEGINS + 8 * DAY, "dissatisfied", solved="no", subject=ORDER),
)


@pytest.fixture
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    """A city after the end of the cycle, in which every street with a callback is ranked."""
    with open_city(tmp_path_factory.mktemp("frozen") / "engine", text=FEWER) as found:
        found.store([*city_events(), *DISSATISFIED])
        found.now = FROZEN
        found.store([])
        yield found


@pytest.fixture
async def client(city: City) -> AsyncIterator[Client]:
    async with connect(city) as found:
        yield found


async def post(client: Client, step: str, status: int = 201, cycle: str = CYCLE) -> Json:
    response = await client.http.post(f"/v1/cycles/{cycle}/{step}", json=WHY)
    assert response.status_code == status, response.text
    found: Json = response.json()
    return found


async def audited(client: Client, revision: int) -> Json:
    response = await client.http.post(f"/v1/cycles/{CYCLE}/audit", params={"revision": revision})
    assert response.status_code == 200, response.text
    lines: list[Json] = [json.loads(line) for line in response.text.splitlines()]
    assert all(line["done"] <= line["of"] for line in lines[:-1])
    assert lines[-2]["done"] == lines[-2]["of"] > 0
    return lines[-1]


def exclude(city: City, *more: Event) -> None:
    """On the 25th, five days after the freeze, one order is excluded as unreasonable."""
    late = event("excluded", local("2026-11-25 09:00"), subject=ORDER, ground="不合理诉求")
    city.now = local("2026-11-25 10:00")
    city.store([*DISSATISFIED, late, *more])


def line_of(answer: Json, unit: str = UNIT) -> dict[str, Any]:
    found: dict[str, Any] = next(each for each in answer["ranked"] if each["unit"]["code"] == unit)
    return found


async def test_a_freeze_is_the_live_ranking_of_its_instant(client: Client) -> None:
    live = await client.get("/v1/rankings", window="cycle", name=CYCLE)
    assert (live["standing"], live["revision"]) == ("live", None)
    frozen = await post(client, "freeze")
    assert (frozen["revision"], frozen["standing"], frozen["as_of"]) == (
        1, "frozen", live["as_of"],
    )  # fmt: skip
    assert frozen["not_evaluable"] == []
    for kind, group in (("street", ""), ("street", "core"), ("district", "")):
        asked = {"window": "cycle", "name": CYCLE, "kind": kind, "group": group}
        live = await client.get("/v1/rankings", **asked)
        held = await client.get("/v1/rankings", **asked, revision=1)
        assert (held.pop("standing"), held.pop("revision"), held.pop("live")) == (
            "frozen", 1, False,
        )  # fmt: skip
        assert held == {name: live[name] for name in held}
    whole = await client.get(f"/v1/cycles/{CYCLE}")
    (streets,) = (
        each for each in whole["lists"] if (each["kind"], each["group"]) == ("street", "")
    )
    live = await client.get("/v1/rankings", window="cycle", name=CYCLE)
    assert [(each["unit"], each["rank"], each["score"]) for each in streets["ranked"]] == [
        (each["unit"]["code"], each["rank"], each["score"]) for each in live["ranked"]
    ]
    assert len(streets["ranked"]) == 24


async def test_an_exclusion_after_the_freeze_gives_a_second_revision(
    city: City, client: Client
) -> None:
    """domain.md 7.9: revision 1 unchanged, revision 2 has V-1 and its own bottom ten."""
    first = await post(client, "freeze")
    held = await client.get("/v1/rankings", name=CYCLE, revision=1)
    exclude(city)
    assert await client.get("/v1/rankings", name=CYCLE, revision=1) == held
    pending = await client.get(f"/v1/cycles/{CYCLE}/pending", limit=1_000)
    (order,) = [each for each in pending["orders"] if each["order"] == ORDER]
    assert (order["causes"], order["events"]) == (["exclusion"], ["excluded"])
    assert {each["indicator"] for each in order["removed"]} >= {"resolution", "state:valid"}
    second = await post(client, "revise")
    assert (second["revision"], second["standing"]) == (2, "revised")
    assert second["checksum"] != first["checksum"]
    changes = await client.get(f"/v1/cycles/{CYCLE}/changes", limit=1_000)
    assert {"orders": changes["orders"]} == {"orders": pending["orders"]}
    after = await client.get("/v1/rankings", name=CYCLE, revision=2)
    was, now = line_of(held), line_of(after)
    assert now["states"]["valid"] == was["states"]["valid"] - 1
    assert now["states"]["excluded"]["不合理诉求"] == (
        was["states"]["excluded"].get("不合理诉求", 0) + 1
    )
    assert len(held["bottom"]) == len(after["bottom"]) == 10
    (change,) = [
        each
        for each in second["changes"]
        if (each["unit"], each["kind"], each["group"]) == (UNIT, "street", "")
    ]
    assert (change["score_before"], change["score"]) == (was["score"], now["score"])
    assert change["score"] != change["score_before"]
    assert not change["adjusted"]
    assert (await client.get(f"/v1/cycles/{CYCLE}/pending"))["orders"] == []
    listed = (await client.get("/v1/cycles"))["revisions"]
    assert [(each["revision"], each["checksum"]) for each in listed] == [
        (1, first["checksum"]),
        (2, second["checksum"]),
    ]
    for revision in (1, 2):
        assert (await audited(client, revision))["equal"]


async def test_late_orders_are_pending_and_named_with_their_cause(
    city: City, client: Client
) -> None:
    await post(client, "freeze")
    late = {"subject": "迟到-0001"}
    begins = local("2026-11-10 09:00")
    other = {"subject": "下期-0001"}
    exclude(
        city,
        event("received", begins, demand_type="complaint", urgency="normal", **late),
        event("dispatched", begins + MINUTE, unit=UNIT, **late),
        event("received", ENDS + HOUR, demand_type="complaint", urgency="normal", **other),
        event("dispatched", ENDS + 2 * HOUR, unit=UNIT, **other),
    )
    found: dict[str, Json] = {}
    page = await client.get(f"/v1/cycles/{CYCLE}/pending", limit=1)
    while True:
        found |= {each["order"]: each for each in page["orders"]}
        if page["next"] is None:
            break
        page = await client.get(f"/v1/cycles/{CYCLE}/pending", limit=1, after=page["next"])
    assert found["迟到-0001"]["causes"] == ["late_event"]
    assert found["迟到-0001"]["removed"] == []
    assert "下期-0001" not in found
    by_time = [each for each in found.values() if each["causes"] == ["deadline"]]
    assert all(each["events"] == [] for each in by_time)
    whole = await client.get(f"/v1/cycles/{CYCLE}/pending", limit=1_000)
    assert {each["order"] for each in whole["orders"]} == set(found)
    assert (await audited(client, 1))["equal"]


@pytest.mark.parametrize(
    ("change", "path"),
    [
        (
            "UPDATE contributions = '[]' WHERE subject = '热线-不满意'",
            "/orders/热线-不满意",
        ),
        ("DELETE WHERE subject = '热线-不满意'", "/orders/热线-不满意"),
    ],
)
async def test_an_order_that_was_tampered_with_is_named(
    city: City, client: Client, change: str, path: str
) -> None:
    await post(client, "freeze")
    city.database.execute(f"ALTER TABLE cycle_orders {change} SETTINGS mutations_sync = 2")
    found = await audited(client, 1)
    assert not found["equal"]
    assert found["differences"][0]["path"] == path


async def test_positions_in_a_log_that_was_left_are_told(city: City, client: Client) -> None:
    await post(client, "freeze")
    city.database.execute(
        "ALTER TABLE events UPDATE epoch = epoch + 1 WHERE 1 SETTINGS mutations_sync = 2"
    )
    response = await client.http.post(f"/v1/cycles/{CYCLE}/audit", params={"revision": 1})
    found = json.loads(response.text.splitlines()[-1])
    assert not found["equal"]
    assert [each["path"] for each in found["differences"]] == ["/inputs/positions"]


@pytest.mark.parametrize(
    ("column", "change", "path"),
    [
        ("ground", "'another'", "/checksum"),
        ("results", "replaceOne(results, '\"rank\":1,', '\"rank\":2,')", "/results/lists/"),
        ("inputs", "replaceOne(inputs, '\"ruleset\":1', '\"ruleset\":9')", "/checksum"),
        ("checksum", "repeat('0', 64)", "/checksum"),
    ],
)
async def test_a_revision_that_was_tampered_with_is_named(
    city: City, client: Client, column: str, change: str, path: str
) -> None:
    await post(client, "freeze")
    city.database.execute(
        f"ALTER TABLE cycle_revisions UPDATE {column} = {change} WHERE 1"
        " SETTINGS mutations_sync = 2"
    )
    found = await audited(client, 1)
    assert not found["equal"]
    assert found["differences"][0]["path"].startswith(path)


async def test_what_cannot_be_frozen_says_how_to_mend_it(city: City, client: Client) -> None:
    at = f"/v1/cycles/{CYCLE}"

    async def refused(step: str, status: int, code: str, cycle: str = CYCLE, **more: str) -> None:
        path = f"/v1/cycles/{cycle}/{step}"
        problem(await client.http.post(path, json=WHY | more), status, code)

    await refused("freeze", 409, "cycle_not_ended", "2026-12")
    await refused("freeze", 422, "invalid_window", "november")
    await refused("revise", 404, "cycle_not_frozen")
    await refused("freeze", 422, "invalid_time", as_of=format_instant(ENDS - 1))
    await refused("freeze", 422, "future_as_of", as_of=format_instant(FROZEN + 1))
    city.now = FROZEN + HOUR
    await refused("freeze", 503, "shards_behind", as_of=format_instant(FROZEN + MINUTE))
    await client.refused(at, 404, "cycle_not_frozen")
    await post(client, "freeze")
    await refused("freeze", 409, "cycle_frozen")
    await refused("revise", 422, "invalid_time", as_of=format_instant(FROZEN - 1))
    await client.refused(at, 404, "unknown_revision", revision=2)
    await client.refused("/v1/rankings", 404, "unknown_revision", name=CYCLE, revision=2)
    await client.refused("/v1/rankings", 422, "invalid_window", revision=1)
    await client.refused(
        "/v1/rankings", 422, "unknown_group", name=CYCLE, revision=1, group="nowhere"
    )


async def test_a_shard_that_lags_is_waited_for(city: City, client: Client) -> None:
    at = local("2026-12-20 00:00")
    city.now = at
    city.store([], {0: at})
    response = await client.http.post("/v1/cycles/2026-12/freeze", json=WHY)
    problem(response, 503, "shards_behind")
    assert int(response.headers["retry-after"]) > 0
    city.store([], {1: at})
    assert (await post(client, "freeze", cycle="2026-12"))["revision"] == 1


async def test_an_adjustment_after_the_freeze_is_of_the_next_revision(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    with open_city(tmp_path_factory.mktemp("adjusted") / "engine", text=RICH) as city:
        city.store(city_events(streets=6))
        city.now = FROZEN
        city.store([])
        async with connect(city) as client:
            await post(client, "freeze")
            body = {"id": "a", "unit": UNIT, "cycle": CYCLE, "points": "1.5", "approver": "1101"}
            body |= {"ground": "innovation", "decided_at": format_instant(FROZEN)}
            assert (await client.http.post("/v1/adjustments", json=body)).status_code == 201
            city.now += MINUTE
            city.store([])
            revised = await post(client, "revise")
            assert revised["adjustments"] == 1
            changes = [each for each in revised["changes"] if each["adjusted"]]
            assert {each["unit"] for each in changes} == {UNIT}
            first, second = [
                line_of(await client.get("/v1/rankings", name=CYCLE, revision=number))
                for number in (1, 2)
            ]
            assert (first["adjusted_by"], second["adjusted_by"]) == ([], ["a"])
            assert second["score_before"] == first["score"] != second["score"]
            assert (await audited(client, 2))["equal"]
