"""``GET /v1/work-orders/{id}/explain`` over a stored city: the answer a street gets."""

from __future__ import annotations

from collections import Counter
from typing import Any

from schemas.instants import DAY, HOUR, MINUTE, format_instant
from tests.integration.api.city import NOW, STREETS, UNKNOWN_UNIT, City, city_events
from tests.integration.api.client import Client, connect
from tests.support.orders import event, local, moment, rated

START = local("2026-10-26 09:00")
UNIT, OTHER = STREETS[0].code, STREETS[1].code
NAMED = f"{STREETS[0].name}（{UNIT}）"


def key(contribution: dict[str, Any]) -> tuple[Any, ...]:
    fields = ("ranking", "unit", "indicator", "attributed_at", "denominator", "numerator")
    return tuple(contribution[field] for field in fields)


async def test_every_order_of_a_city_is_explained_as_it_is_counted(new_city: City) -> None:
    new_city.store(city_events())
    async with connect(new_city) as client:
        await check_orders(client)


async def check_orders(client: Client) -> None:
    units = [*(street.code for street in STREETS[:5]), UNKNOWN_UNIT, ""]
    orders = [order["id"] for unit in units for order in await client.orders(unit=unit)]
    assert len(orders) > 80
    reasons = Counter[str]()
    for order in orders:
        stored = await client.get(f"/v1/work-orders/{order}")
        found = await client.get(f"/v1/work-orders/{order}/explain")
        assert found["as_of"] == stored["as_of"]
        assert (found["state"], found["unit"]) == (stored["state"], stored["unit"])
        assert [key(c) for c in found["contributions"]] == [key(c) for c in stored["contributions"]]
        held = Counter[tuple[Any, ...]]()
        for step in found["steps"]:
            held.update(key(each) for each in step["began"])
            held.subtract(key(each) for each in step["ended"])
            if step["in_force"]:
                assert +held == Counter(map(key, found["contributions"]))
        assert [s["indicator"] for s in found["sentences"]] == [
            "response", "resolution", "satisfaction",
        ]  # fmt: skip
        reasons.update(sentence["reason"] for sentence in found["sentences"])
    assert reasons.keys() >= {
        "answered", "unreachable", "excluded_from", "is_suspended", "type_not_assessed",
        "call_pending", "not_called_yet",
    }  # fmt: skip


async def test_why_an_order_counts_against_a_street(new_city: City) -> None:
    where = {"subject": "热线/261026 1?#"}
    new_city.store(
        [
            event("received", START, demand_type="complaint", urgency="urgent", **where),
            event("dispatched", START + MINUTE, unit=UNIT, **where),
            event("resolved", START + 2 * DAY, unit=OTHER, **where),
            rated(START + 8 * DAY, "dissatisfied", solved="no", contacted="yes", **where),
        ]
    )
    async with connect(new_city) as client:
        found = await client.get("/v1/work-orders/热线%2F261026 1%3F%23/explain")
    assert found["id"] == where["subject"]
    assert found["unit"]["name"] == STREETS[0].name
    assert found["state_name"] == {"zh": "有效回访", "en": "valid callback"}
    assert [(s["indicator"], s["verdict"], s["zh"]) for s in found["sentences"]] == [
        (
            "response",
            "for",
            (
                f"计入{NAMED}的“响应率”，得分：2026-11-03 09:00 的回访中，"
                "对“是否联系”的回答是“已联系”。"
            ),
        ),
        (
            "resolution",
            "against",
            (
                f"计入{NAMED}的“解决率”，不得分，拉低该率：2026-11-03 09:00 的回访中，"
                "对“是否解决”的回答是“未解决”。"
            ),
        ),
        (
            "satisfaction",
            "against",
            (
                f"计入{NAMED}的“满意率”，不得分，拉低该率：2026-11-03 09:00 的回访中，"
                "对“是否满意”的回答是“不满意”。"
            ),
        ),
    ]
    assert found["sentences"][2]["en"] == (
        f"Counts against {STREETS[0].name} ({UNIT}) in Satisfaction rate because the answer to "
        "“satisfied?” in the callback of 2026-11-03 09:00 was “dissatisfied”."
    )
    (deadline,) = found["deadlines"]
    assert (deadline["step"], deadline["set_by"], deadline["rule"]) == ("resolve", "rule", 2)
    assert (deadline["started_at"], deadline["ends_at"]) == (
        "2026-10-26T09:01:00+08:00",
        "2026-10-27T09:01:00+08:00",
    )
    steps = found["steps"]
    assert [[e["type"] for e in s["events"]] or s["passed"][0]["what"] for s in steps] == [
        ["received"], ["dispatched"], "resolve", ["resolved"], ["callback"],
    ]  # fmt: skip
    assert steps[2]["passed"][0]["zh"] == "办结期限已过，尚未办结"
    assert steps[3]["events"][0]["lines"] == [
        {"zh": "没有变化：不是主办单位", "en": "changes nothing: the unit does not lead the order"}
    ]
    assert [step["in_force"] for step in steps] == [False] * 4 + [True]


async def test_what_lies_after_the_instant_is_not_yet(new_city: City) -> None:
    where = {"subject": "A-1"}
    new_city.store(
        [
            event("received", START, demand_type="complaint", **where),
            event("dispatched", START, unit=UNIT, **where),
            rated(START + 8 * DAY, **where),
        ]
    )
    async with connect(new_city) as client:
        path = "/v1/work-orders/A-1/explain"
        past = await client.get(path, as_of=format_instant(START + HOUR))
        await client.refused(path, 422, "future_as_of", as_of=format_instant(NOW + DAY))
        await client.refused(path, 422, "invalid_time", as_of="gestern")
        await client.refused("/v1/work-orders/B-1/explain", 404, "unknown_order")
    assert [(step["later"], step["in_force"]) for step in past["steps"]] == [
        (False, True), (True, False), (True, False),
    ]  # fmt: skip
    assert {sentence["zh"].split("：")[1] for sentence in past["sentences"]} == {
        "还没有回访，办结期限 2026-11-02 09:00 也未到。"
    }


async def test_corrections_show_what_was_told_and_what_counts(new_city: City) -> None:
    where = {"subject": "A-1"}
    new_city.store(
        [
            event("received", START, demand_type="complaint", **where),
            event("dispatched", START, unit=OTHER, id_="d", **where),
            event("corrected", START + DAY, event="d", field="unit", new=UNIT, **where),
            event("signed", START + DAY, unit=UNIT, id_="s", **where),
            event("corrected", START + 2 * DAY, event="s", field="time", **where),
            event(
                "corrected", START + 3 * DAY, event="x", field="time",
                new=moment("2026-10-26 10:00"), **where,
            ),
        ]
    )  # fmt: skip
    async with connect(new_city) as client:
        found = await client.get("/v1/work-orders/A-1/explain")
    told = [each for step in found["steps"] for each in step["events"]]
    assert [(each["type"], each["fate"]) for each in told] == [
        ("received", ""), ("dispatched", ""), ("signed", "withdrawn"), ("corrected", "corrects"),
        ("corrected", "corrects"), ("corrected", "no_target"),
    ]  # fmt: skip
    assert told[1]["corrections"] == [
        {
            "field": "unit",
            "told": {
                "zh": f"{STREETS[1].name}（{OTHER}）",
                "en": f"{STREETS[1].name} ({OTHER})",
            },
            "counts": {"zh": NAMED, "en": f"{STREETS[0].name} ({UNIT})"},
        }
    ]
    assert found["unit"]["code"] == UNIT
