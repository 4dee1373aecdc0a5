"""One order explained: what happened, what it adds when, and why."""

from __future__ import annotations

from schemas.instants import DAY, HOUR, MINUTE, format_instant
from services.domain.outcome import contributions_at, evaluate
from tests.integration.api.city import NOW, STREETS, City
from tests.integration.api.client import connect
from tests.support.orders import event, local, rated

START = local("2026-10-26 09:00")
UNIT = STREETS[0].code


async def test_an_order_tells_its_state_its_events_and_its_steps(new_city: City) -> None:
    where = {"subject": "热线/261026 1?#"}
    received = event("received", START, demand_type="complaint", category=["环境", "噪声"], **where)
    dispatched = event("dispatched", START + MINUTE, unit=UNIT, **where)
    called = rated(START + 8 * DAY, "basically_satisfied", **where)
    new_city.store([called, received, dispatched])
    async with connect(new_city) as client:
        found = await client.get("/v1/work-orders/热线%2F261026 1%3F%23")
    assert found["id"] == where["subject"]
    assert found["unit"]["name"] == STREETS[0].name
    assert (found["state"], found["open"], found["overdue"]) == ("valid", True, True)
    assert found["resolve_due"] == "2026-11-02T09:01:00+08:00"
    assert found["summary"]["category"] == ["环境", "噪声"]
    assert [each["type"] for each in found["events"]] == ["callback", "received", "dispatched"]
    assert [each["position"]["offset"] for each in found["events"]] == [0, 1, 2]
    assert all(each["counts"] for each in found["events"])
    assert found["events"][0]["data"]["answers"]["satisfaction"] == "basically_satisfied"
    assert [(step["from"], step["causes"], step["in_force"]) for step in found["steps"]] == [
        ("2026-10-26T09:00:00+08:00", [received.id], False),
        ("2026-10-26T09:01:00+08:00", [dispatched.id], False),
        ("2026-11-02T09:01:00+08:00", [], False),
        ("2026-11-03T09:00:00+08:00", [called.id], True),
    ]
    assert found["steps"][-1]["contributions"] == found["contributions"]
    satisfaction = [c for c in found["contributions"] if c["indicator"] == "satisfaction"]
    assert satisfaction == [
        {
            "ranking": "lead",
            "unit": UNIT,
            "indicator": "satisfaction",
            "attributed_at": "2026-10-26T09:00:00+08:00",
            "denominator": 1,
            "numerator": "0.9",
        }
    ]


async def test_a_past_instant_shows_the_order_as_it_stood(new_city: City) -> None:
    where = {"subject": "A-1"}
    events = [
        event("received", START, demand_type="complaint", **where),
        event("dispatched", START + MINUTE, unit=UNIT, **where),
        event("resolved", START + DAY, unit=UNIT, **where),
        rated(START + 8 * DAY, **where),
        event("excluded", START + 9 * DAY, ground="不合理诉求", **where),
    ]
    new_city.store(events)
    seen = {}
    async with connect(new_city) as client:
        for hours in (-1, 0, 1, 30, 8 * 24 + 1, 9 * 24 + 1):
            instant = START + hours * HOUR
            found = await client.get("/v1/work-orders/A-1", as_of=format_instant(instant))
            assert found["as_of"] == f"{found['as_of'][:19]}+08:00"
            until = [each for each in events if each.occurred_at <= instant]
            expected = contributions_at(evaluate(until, new_city.policy).spans, instant)
            assert sorted((c["unit"], c["indicator"], c["denominator"]) for c in found["contributions"]) == sorted(
                (c.unit, c.indicator, c.denominator) for c in expected
            )  # fmt: skip
            seen[hours] = (found["state"], found["open"], found["unit"] and found["unit"]["code"])
    assert seen == {
        -1: (None, False, None),
        0: ("not_yet_due", True, None),
        1: ("not_yet_due", True, UNIT),
        30: ("callback_pending", False, UNIT),
        193: ("valid", False, UNIT),
        217: ("excluded:不合理诉求", False, UNIT),
    }


async def test_a_deadline_to_come_is_a_step_to_come(new_city: City) -> None:
    new_city.store(
        [
            event("received", NOW - HOUR, subject="A-1", demand_type="help"),
            event("dispatched", NOW - HOUR, subject="A-1", unit=UNIT),
        ]
    )
    async with connect(new_city) as client:
        steps = (await client.get("/v1/work-orders/A-1"))["steps"]
    assert [(step["in_force"], bool(step["causes"])) for step in steps] == [
        (True, True),
        (False, False),
    ]
    assert steps[1]["from"] > "2026-11-10T10:07:00+08:00"
    assert "overdue" in {each["indicator"] for each in steps[1]["contributions"]}


async def test_of_two_contents_under_one_id_the_first_counts(new_city: City) -> None:
    new_city.store(
        [
            event("received", START, subject="A-1", id_="e1", demand_type="help"),
            event("dispatched", START, subject="A-1", id_="e2", unit=UNIT),
            event("dispatched", START, subject="A-1", id_="e2", unit=STREETS[1].code),
        ]
    )
    async with connect(new_city) as client:
        found = await client.get("/v1/work-orders/A-1")
    assert [each["counts"] for each in found["events"]] == [True, True, False]
    assert found["unit"]["code"] == UNIT
