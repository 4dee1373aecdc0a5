"""Appeals over a real engine: filed, reviewed, excluded, listed, and what they would change."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from typing import Any, Final

import httpx
import pytest

from schemas.codec import decode_event
from schemas.instants import DAY, HOUR, format_instant
from schemas.records import Event
from services.storage.readers import Readers
from tests.integration.api.city import City, city_events, open_city
from tests.integration.api.client import Client, Json, connect, problem
from tests.integration.api.test_access import asking, made
from tests.integration.api.test_cycles import CYCLE, DISSATISFIED, FEWER, ORDER, UNIT
from tests.support.orders import event, local

TOLD: Final = local("2026-11-11 09:00")
FILED: Final = local("2026-11-12 10:00")
DISTRICT: Final = UNIT[:6]
PATH: Final = "/v1/appeals"


class Log:
    """Stores what is emitted as a shard does: with all events of the order, at once.

    ``fails_on`` a type of event it breaks off, as a process that is killed: nothing of it is logged.
    """

    def __init__(self, city: City) -> None:
        self.city = city
        self.types: list[str] = []
        self.fails_on = ""

    async def emit(self, raws: Sequence[Mapping[str, Any]]) -> None:
        for raw in raws:
            new = decode_event(raw).event
            if new.type == self.fails_on:
                raise ConnectionError
            self.types.append(new.type)
            self.add(new)

    def add(self, new: Event) -> None:
        known = Readers(self.city.database).order_events([new.subject])[new.subject]
        self.city.store([*(logged.event for logged in known), new])


@pytest.fixture
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    with open_city(tmp_path_factory.mktemp("appeals") / "engine", text=FEWER) as found:
        found.now = FILED
        found.store([*city_events(streets=6), *DISSATISFIED])
        yield found


@pytest.fixture
def log(city: City) -> Log:
    made = Log(city)
    city.emit = made.emit
    return made


@pytest.fixture
async def client(city: City, log: Log) -> AsyncIterator[Client]:
    assert log.city is city
    async with connect(city) as found:
        yield found


def appeal(id_: str = "申诉-1", **more: Any) -> Json:
    return {
        "id": id_,
        "order": ORDER,
        "unit": UNIT,
        "indicator": "satisfaction",
        "ground": "unreasonable_demand",
        "evidence": ["file/1"],
    } | more


def decision(level: str, decided: str = "upheld", **more: Any) -> Json:
    reviewer = f"{DISTRICT}-review" if level == "district" else "1101-review"
    return {"level": level, "decision": decided, "reviewer": reviewer} | more


async def post(client: Client, path: str, body: Json, status: int = 201) -> Json:
    response = await client.http.post(path, json=body)
    assert response.status_code == status, response.text
    found: Json = response.json()
    return found


async def review(client: Client, body: Json, status: int = 201) -> Json:
    return await post(client, f"{PATH}/申诉-1/reviews", body, status)


async def refused(client: Client, path: str, body: Json, status: int, code: str) -> Json:
    return problem(await client.http.post(path, json=body), status, code)


def pass_time(city: City, until: int) -> None:
    city.now = until
    city.store([])


async def test_from_the_filing_to_the_exclusion(client: Client, city: City, log: Log) -> None:
    before = await client.get(f"/v1/units/{UNIT}/rates", name=CYCLE)
    filed = await post(client, PATH, appeal())
    assert (filed["state"], filed["level"], filed["filer"]) == ("filed", "district", UNIT)
    assert filed["term_ends_at"] == "2026-11-20T00:00:00+08:00"
    promised = (await client.get(f"{PATH}/申诉-1"))["if_upheld"]
    assert promised["now"]["score"] == before["score"]
    assert promised["now"]["denominator"] == before["indicators"]["satisfaction"]["denominator"]
    assert promised["if_upheld"]["denominator"] == promised["now"]["denominator"] - 1
    assert promised["if_upheld"]["numerator"] == promised["now"]["numerator"]

    pass_time(city, FILED + HOUR)
    assert (await review(client, decision("district")))["state"] == "in_review"
    assert (await client.get(f"{PATH}/申诉-1"))["if_upheld"] == promised
    pass_time(city, FILED + 2 * HOUR)
    upheld = await review(client, decision("city"))
    assert (upheld["state"], upheld["excluded_at"]) == ("upheld", upheld["decided_at"])
    assert log.types == ["appealed", "reviewed", "reviewed", "excluded"]

    after = await client.get(f"/v1/units/{UNIT}/rates", name=CYCLE)
    assert (after["score"], after["rank"]) == (
        promised["if_upheld"]["score"], promised["if_upheld"]["rank"],
    )  # fmt: skip
    assert after["score"] != before["score"]
    assert after["indicators"]["satisfaction"]["rate"] == promised["if_upheld"]["rate"]
    assert after["indicators"]["resolution"] == before["indicators"]["resolution"]
    found = (await client.get(f"{PATH}/申诉-1"))["if_upheld"]
    assert found["now"] == found["if_upheld"] == promised["if_upheld"]
    assert (found["score_change"], found["rank_change"]) == ("0", 0)

    explained = await client.get(f"/v1/work-orders/{ORDER}/explain")
    assert [(each["id"], each["state"]) for each in explained["appeals"]] == [("申诉-1", "upheld")]
    verdicts = {each["indicator"]: each["verdict"] for each in explained["sentences"]}
    assert (verdicts["satisfaction"], verdicts["resolution"]) == ("out", "against")
    (cause,) = [
        each for step in explained["steps"] for each in step["events"] if each["type"] == "excluded"
    ]
    assert (cause["id"], cause["source"]) == ("申诉-1/excluded", "hotline-rates/appeals")


async def test_the_same_request_again_changes_nothing(client: Client, city: City, log: Log) -> None:
    first = await post(client, PATH, appeal())
    pass_time(city, FILED + HOUR)
    assert await post(client, PATH, appeal(), 200) == first
    await review(client, decision("district"))
    pass_time(city, FILED + 2 * HOUR)
    decided = await review(client, decision("district"), 200)
    assert decided["state"] == "in_review"
    await review(client, decision("city"))
    assert (await review(client, decision("city"), 200))["state"] == "upheld"
    assert log.types == ["appealed", "reviewed", "reviewed", "excluded"]
    for body in (appeal(indicator="resolution"), appeal(order="x"), appeal(filer="other")):
        await refused(client, PATH, body, 409, "appeal_conflict")
    path = f"{PATH}/申诉-1/reviews"
    await refused(client, path, decision("city", "rejected"), 409, "appeal_conflict")


async def test_an_exclusion_that_a_crash_kept_back_is_mended(
    client: Client, city: City, log: Log
) -> None:
    await post(client, PATH, appeal())
    pass_time(city, FILED + HOUR)
    await review(client, decision("district"))
    pass_time(city, FILED + 2 * HOUR)
    log.fails_on = "excluded"
    path = f"{PATH}/申诉-1/reviews"
    await refused(client, path, decision("city"), 500, "internal_error")
    broken = (await client.get(f"{PATH}/申诉-1"))["appeal"]
    assert (broken["state"], broken["excluded_at"]) == ("upheld", None)
    log.fails_on = ""
    pass_time(city, FILED + 3 * DAY)
    mended = await review(client, decision("city"))
    assert mended["excluded_at"] == broken["decided_at"]
    assert log.types[-1] == "excluded"
    order = await client.get(f"/v1/work-orders/{ORDER}/explain")
    assert "satisfaction" not in {each["indicator"] for each in order["contributions"]}


REFUSED: Final[list[tuple[Json, int, str]]] = [
    ({"order": "nowhere"}, 404, "unknown_order"),
    ({"unit": "999"}, 422, "invalid_appeal"),
    ({"unit": f"{DISTRICT}002"}, 422, "invalid_appeal"),
    ({"indicator": "kindness"}, 409, "appeal_refused"),
    ({"evidence": []}, 422, "invalid_request"),
    ({"evidence": ["13900000000"]}, 422, "invalid_request"),
    ({"id": "x" * 97}, 422, "invalid_request"),
    ({"note": "she shouted"}, 422, "invalid_request"),
]


async def test_what_is_no_appeal_is_not_filed(client: Client, log: Log) -> None:
    for changed, status, code in REFUSED:
        found = await refused(client, PATH, appeal() | changed, status, code)
        assert "13900000000" not in str(found)
    assert log.types == []
    assert (await client.get(PATH))["appeals"] == []


async def test_who_files_never_decides(client: Client, log: Log) -> None:
    path = f"{PATH}/申诉-1/reviews"
    await refused(client, path, decision("district"), 404, "unknown_appeal")
    await post(client, PATH, appeal())
    for body in (
        decision("district", reviewer=UNIT),
        decision("district", reviewer=f"{UNIT}-office"),
        decision("district", reviewer="110102"),
        decision("city"),
    ):
        found = await refused(client, path, body, 409, "appeal_refused")
        assert UNIT not in found["detail"]
    assert log.types == ["appealed"]
    assert (await client.get(f"{PATH}/申诉-1"))["appeal"]["state"] == "filed"


async def test_terms_run_out(client: Client, city: City, log: Log) -> None:
    pass_time(city, local("2026-11-17 00:00"))
    late = await refused(client, PATH, appeal(), 409, "appeal_refused")
    assert late["detail"] == "The term had run out."
    pass_time(city, local("2026-11-17 00:00") - 1)  # the shards' clocks are as they were told
    await post(client, PATH, appeal())
    pass_time(city, local("2026-11-25 09:00"))
    found = (await client.get(f"{PATH}/申诉-1"))["appeal"]
    assert (found["level"], found["missed"], found["overdue"]) == ("city", ["district"], True)
    path = f"{PATH}/申诉-1/reviews"
    await refused(client, path, decision("district"), 409, "appeal_refused")
    past = await client.get(f"{PATH}/申诉-1", as_of="2026-11-20T00:00:00+08:00")
    assert past["appeal"]["level"] == "district"
    assert log.types == ["appealed"]


async def test_a_list_by_unit_state_and_cycle_in_pages(
    client: Client, city: City, log: Log
) -> None:
    for number in range(5):
        pass_time(city, FILED + number)
        indicator = ("satisfaction", "resolution", "response")[number % 3]
        body = appeal(f"申诉-{number}", indicator=indicator)
        if number < 3:
            await post(client, PATH, body)
        else:  # a platform tells it, of its own number; the indicator is contested already
            data = {"appeal": f"申诉-{number}", "unit": UNIT, "indicator": indicator}
            log.add(event("appealed", FILED + number, subject=ORDER, id_=f"p{number}", **data))
    await review(client, decision("district", "rejected"))

    async def ids(**query: str | int) -> list[str]:
        found: list[str] = []
        while True:
            page = await client.get(PATH, **query)
            found += [each["id"] for each in page["appeals"]]
            if page["next"] is None:
                return found
            query["after"] = page["next"]

    newest_first = [f"申诉-{number}" for number in (4, 3, 2, 1, 0)]
    for limit in (1, 2, 3, 5, 6):
        assert await ids(limit=limit) == newest_first
    assert await ids(unit=UNIT) == newest_first
    assert await ids(unit="110101002") == []
    assert await ids(state="refused") == ["申诉-1"]
    assert await ids(state="void") == ["申诉-4", "申诉-3"]
    assert await ids(state="filed", limit=1) == ["申诉-2", "申诉-0"]
    assert await ids(cycle=CYCLE) == newest_first
    assert await ids(cycle="2026-10") == []
    assert await ids(overdue="true") == []
    assert await ids(as_of=format_instant(FILED + 1)) == ["申诉-1", "申诉-0"]
    pass_time(city, FILED + 30 * DAY)
    assert await ids(overdue="true") == ["申诉-2", "申诉-0"]
    assert await ids(state="lapsed") == ["申诉-2", "申诉-0"]
    await client.refused(PATH, 422, "invalid_cursor", after="x")
    await client.refused(PATH, 422, "invalid_window", cycle="x")


async def test_a_correction_gives_an_appeal_to_another_unit(
    client: Client, log: Log, city: City
) -> None:
    other = f"{DISTRICT}002"
    data = {"appeal": "p", "unit": other, "indicator": "satisfaction"}
    log.add(event("appealed", FILED, subject=ORDER, id_="p1", **data))
    for field, new in (("unit", UNIT), ("appeal", "q")):
        told = {"event": "p1", "field": field, "new": new}
        log.add(event("corrected", FILED, subject=ORDER, id_=f"c-{field}", **told))
    assert [each["id"] for each in (await client.get(PATH, unit=UNIT))["appeals"]] == ["q"]
    assert (await client.get(PATH, unit=other))["appeals"] == []
    assert (await client.get(f"{PATH}/q"))["appeal"]["unit"] == UNIT
    await client.refused(f"{PATH}/p", 404, "unknown_appeal")
    assert city.now == FILED


async def test_two_platforms_gave_one_number(client: Client, log: Log) -> None:
    second = "另一工单"
    data = {"appeal": "p", "unit": UNIT, "indicator": "satisfaction"}
    for subject in (ORDER, second):
        if subject == second:
            for each in DISSATISFIED:
                moved = each._replace(subject=subject, id=f"{each.id}-2", digest=each.digest[::-1])
                log.city.store([moved])
        log.add(event("appealed", FILED, subject=subject, id_=f"p-{subject}", **data))
    for subject in (ORDER, second):
        found = await client.get(f"{PATH}/p", order=subject)
        assert found["appeal"]["order"] == subject
    path = f"{PATH}/p/reviews?order={second}"
    decided = await post(client, path, decision("district", ground="g"))
    assert (decided["order"], decided["state"]) == (second, "in_review")
    missing = await refused(
        client, f"{PATH}/p/reviews?order={ORDER}", decision("district"), 422, "invalid_appeal"
    )
    assert "ground" in missing["detail"]


async def test_the_list_as_a_table(client: Client) -> None:
    await post(client, PATH, appeal("=申诉"))
    answer = await client.http.get(PATH, params={"format": "csv"})
    lines = answer.text.splitlines()
    assert any(line.startswith("'=申诉,") and "已受理" in line for line in lines)
    answer = await client.http.get(PATH, params={"format": "xlsx"})
    assert answer.status_code == 200
    assert answer.content.startswith(b"PK")


async def test_a_process_that_only_reads_says_so(client: Client, city: City) -> None:
    city.emit = None
    async with connect(city) as reader:
        await refused(reader, PATH, appeal(), 501, "read_only")
    await post(client, PATH, appeal())


async def test_a_key_of_some_units_sees_no_appeal_of_another(client: Client, city: City) -> None:
    await post(client, PATH, appeal())

    async def asked(of: str, path: str) -> httpx.Response:
        async with asking(city, made(city, "govern", units=(of,))) as http:
            return await http.get(path)

    for own in (UNIT, DISTRICT):
        assert (await asked(own, f"{PATH}/申诉-1")).json()["appeal"]["unit"] == UNIT
        assert len((await asked(own, f"{PATH}?unit={UNIT}")).json()["appeals"]) == 1
    other = f"{DISTRICT}002"
    problem(await asked(other, f"{PATH}/申诉-1"), 404, "unknown_appeal")
    problem(await asked(other, f"{PATH}?unit={UNIT}"), 403, "outside_restriction")
    problem(await asked(other, PATH), 403, "outside_restriction")


async def test_a_decision_after_the_freeze_waits_for_the_next_revision(
    client: Client, city: City
) -> None:
    why = {"ground": "committee", "approver": "1101"}
    pass_time(city, local("2026-11-16 10:00"))
    await post(client, PATH, appeal())
    pass_time(city, local("2026-11-19 10:00"))
    await post(client, f"/v1/cycles/{CYCLE}/freeze", why)
    pass_time(city, local("2026-11-20 10:00"))
    await review(client, decision("district"))
    at = f"/v1/cycles/{CYCLE}/pending"
    assert (await client.get(at))["orders"] == []
    promised = (await client.get(f"{PATH}/申诉-1"))["if_upheld"]
    assert (promised["cycle"], promised["frozen"]) == (CYCLE, True)
    pass_time(city, local("2026-11-23 10:00"))
    await review(client, decision("city"))

    (late,) = (await client.get(at))["orders"]
    assert (late["order"], late["causes"]) == (ORDER, ["exclusion"])
    first = await client.get("/v1/rankings", name=CYCLE, revision=1)
    await post(client, f"/v1/cycles/{CYCLE}/revise", why)
    second = await client.get("/v1/rankings", name=CYCLE, revision=2)

    def score(ranking: Json) -> str:
        return next(
            str(each["score"]) for each in ranking["ranked"] if each["unit"]["code"] == UNIT
        )

    assert score(first) == promised["now"]["score"]
    assert score(second) == promised["if_upheld"]["score"] != score(first)
