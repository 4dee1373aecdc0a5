"""Reports of wrongdoing and orders marked secret: units see the order and not where it comes from."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from schemas.instants import HOUR
from schemas.records import Event
from tests.integration.api.city import STREETS, City, open_city
from tests.integration.api.test_access import asking as asking_with
from tests.integration.api.test_access import made
from tests.support.orders import event, local

STREET = STREETS[0].code
PLACE, TAG, CALLER = "110101001777", "锅炉房旁", "c0ffee" * 8
ORDERS = ("举报", "密件", "保密件", "后改", "平常")
SECRET = frozenset(ORDERS[:-1])
AT = local("2026-11-02 09:00")


def told(subject: str, **data: Any) -> list[Event]:
    place: dict[str, Any] = {
        "community": f"{subject}社区",
        "place_code": PLACE,
        "caller_hash": CALLER,
    }
    place |= {"category": ["环境"], "previous_order": f"{subject}之前"}
    given = {"demand_type": "complaint", "tags": [TAG]} | place | data
    return [
        event("received", AT, subject=subject, **given),
        event("dispatched", AT + HOUR, subject=subject, unit=STREET),
        event(
            "corrected", AT + 2 * HOUR, subject=subject, event="none", field="place_code", new=PLACE
        ),
    ]


def corrected_later() -> list[Event]:
    """It was taken as a report; the correction takes that back, and says another place."""
    first, *others = told("后改", demand_type="report")
    names = {"event": first.id, "old": "report", "new": "complaint"}
    return [
        first,
        *others,
        event("corrected", AT + 3 * HOUR, subject="后改", field="demand_type", **names),
        event(
            "corrected",
            AT + 4 * HOUR,
            subject="后改",
            event=first.id,
            field="community",
            old="后改社区",
            new="更正社区",
        ),
    ]


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    """One street with one order of each kind."""
    with open_city(tmp_path_factory.mktemp("confidential") / "engine") as found:
        events = [
            *told("举报", demand_type="report"),
            *told("密件", tags=["secret", TAG]),
            *told("保密件", tags=[TAG, "保密"]),
            *corrected_later(),
            *told("平常"),
        ]
        found.store(events)
        yield found


class Asking:
    """Answers to a key of the whole city, and to one of the street."""

    def __init__(self, city: City) -> None:
        self._city = city
        self.city = made(city, "read")
        self.street = made(city, "read", units=(STREET,))

    async def get(self, key: str, path: str, **query: str) -> Any:
        async with asking_with(self._city, key) as http:
            answer = await http.get(path, params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()


@pytest.fixture
def asking(city: City) -> Asking:
    return Asking(city)


def communities(answer: Any) -> dict[str, str]:
    return {order["id"]: order["community"] for order in answer["orders"]}


async def test_a_list_hides_communities_from_the_unit_only(asking: Asking) -> None:
    whole = communities(await asking.get(asking.city, "/v1/work-orders"))
    own = communities(await asking.get(asking.street, "/v1/work-orders"))

    assert whole == {**{order: f"{order}社区" for order in ORDERS}, "后改": "更正社区"}
    assert own == {order: "" if order in SECRET else f"{order}社区" for order in ORDERS}


@pytest.mark.parametrize("order", ORDERS)
async def test_nobody_finds_a_hidden_place_by_asking_for_it(asking: Asking, order: str) -> None:
    community = {"community": "更正社区" if order == "后改" else f"{order}社区", "window": "cycle"}
    whole = await asking.get(asking.city, "/v1/work-orders", **community)
    own = await asking.get(asking.street, "/v1/work-orders", **community)
    without = await asking.get(asking.street, "/v1/work-orders", community="", window="cycle")

    assert list(communities(whole)) == [order]
    assert list(communities(own)) == ([] if order in SECRET else [order])
    assert communities(without).keys() == SECRET


async def test_a_breakdown_counts_them_without_a_community(asking: Asking) -> None:
    query = {"by": "community", "unit": STREET, "window": "cycle"}
    whole = await asking.get(asking.city, "/v1/breakdowns", **query)
    own = await asking.get(asking.street, "/v1/breakdowns", **query)

    assert {line["value"]: line["volume"] for line in own["values"]} == {"": 4, "平常社区": 1}
    assert len(whole["values"]) == len(ORDERS)
    assert own["total"] == whole["total"]


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("explained", ["", "/explain"])
async def test_one_order_tells_the_unit_neither_place_nor_tags_nor_caller(
    asking: Asking, order: str, explained: str
) -> None:
    whole = str(await asking.get(asking.city, f"/v1/work-orders/{order}{explained}"))
    own = str(await asking.get(asking.street, f"/v1/work-orders/{order}{explained}"))

    leads = [PLACE, TAG, CALLER, f"{order}社区", "更正社区", f"{order}之前"]
    leads += [e.digest.hex() for e in told(order) if e.type == "received"]
    if order in SECRET:
        assert [lead for lead in leads if lead in own] == []
        assert explained or PLACE in whole
    else:
        assert own == whole


async def test_what_a_unit_sees_of_an_event_is_the_rest(asking: Asking) -> None:
    whole = await asking.get(asking.city, "/v1/work-orders/举报")
    own = await asking.get(asking.street, "/v1/work-orders/举报")

    assert own["steps"] == whole["steps"]
    assert own["contributions"] == whole["contributions"]
    received, dispatched, corrected = own["events"]
    assert received["data"] == {"demand_type": "report", "category": ["环境"]}
    assert received["digest"] == corrected["digest"] == ""
    assert dispatched == whole["events"][1]
    assert corrected["data"] == {"event": "none", "field": "place_code"}
