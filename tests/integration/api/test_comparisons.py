"""Each line beside earlier windows: the numbers are those that these windows' own answers give."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from decimal import Decimal

import pytest

from schemas.instants import DAY, format_instant
from schemas.records import Event
from tests.integration.api.city import CYCLE_BEGINS, NOW, STREETS, City, city_events, open_city
from tests.integration.api.client import Client, Json, connect
from tests.support.orders import event, local, rated


def earlier_events(month: str, solved: int) -> list[Event]:
    """Twelve orders of each street that the city has, some solved: most of the first street."""
    events = []
    for place, unit in enumerate(STREETS[:24]):
        for number in range(12):
            subject, at = f"{month}-{place}-{number}", local(f"{month}-01 09:00")
            is_solved = number < solved - place % 3
            events += [
                event("received", at, subject=subject, demand_type="complaint"),
                event("dispatched", at, subject=subject, unit=unit.code),
                event("resolved", at + DAY, subject=subject, unit=unit.code),
                rated(
                    at + 2 * DAY,
                    "satisfied" if is_solved else "dissatisfied",
                    solved="yes" if is_solved else "no",
                    subject=subject,
                ),
            ]
    return events


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    with open_city(tmp_path_factory.mktemp("compared") / "engine") as found:
        found.store([*city_events(), *earlier_events("2026-10", 9), *earlier_events("2025-11", 7)])
        yield found


@pytest.fixture
async def client(city: City) -> AsyncIterator[Client]:
    async with connect(city) as found:
        yield found


def lines(answer: Json) -> dict[str, Json]:
    return {line["unit"]["code"]: line for line in answer["ranked"] + answer["unranked"]}


async def earlier_answer(client: Client, head: Json, **query: str) -> Json:
    """What the compared window itself answers."""
    window = head["window"]
    named = {"window": window["kind"], "name": window["name"]}
    if window["kind"] not in {"cycle", "month", "day", "week", "quarter", "year"}:
        named = {"from_": window["from"], "to": window["to"]}
    return await client.get("/v1/rankings", as_of=head["as_of"], **named, **query)


@pytest.mark.parametrize(
    "query",
    [{}, {"window": "month"}, {"window": "30d"}, {"group": "core"}],
    ids=["cycle", "month", "rolling", "group"],
)
async def test_lines_are_put_beside_what_the_earlier_windows_answer(
    client: Client, query: dict[str, str]
) -> None:
    answer = await client.get("/v1/rankings", compare="both", **query)
    assert answer["compared"].keys() == {"previous", "year"}
    ranked_in_both = 0
    for basis, head in answer["compared"].items():
        group = {name: value for name, value in query.items() if name == "group"}
        then = await earlier_answer(client, head, **group)
        assert head["as_of"] == then["as_of"]
        assert head["version"] == then["policy"]["version"]
        before = lines(then)
        assert before.keys() == lines(answer).keys()
        for code, line in lines(answer).items():
            old, found = before[code], line["changes"][basis]
            rank, score = old.get("rank"), old.get("score")
            assert (found["rank"], found["score"]) == (rank, score)
            assert found["volume"] == old["volume"]
            if rank is not None and "rank" in line:
                ranked_in_both += 1
                assert found["rank_change"] == rank - line["rank"]
                assert Decimal(found["score_change"]) == Decimal(line["score"]) - Decimal(
                    old["score"]
                )
            else:
                assert (found["rank_change"], found["score_change"]) == (None, None)
            assert (found["volume_change"] is None) == (old["volume"] == 0)
            for indicator, rate in line["indicators"].items():
                told, was = found["indicators"][indicator], old["indicators"][indicator]["rate"]
                assert told["rate"] == was
                if was is None or rate["rate"] is None:
                    assert told["change"] is None
                else:
                    assert Decimal(told["change"]) == Decimal(rate["rate"]) - Decimal(was)
    # Ten days of November are too few for a rank.
    assert ranked_in_both or query == {"window": "month"}


async def test_the_windows_compared_are_named(client: Client) -> None:
    head = (await client.get("/v1/rankings", compare="both"))["compared"]
    assert {basis: (each["window"]["name"], each["as_of"]) for basis, each in head.items()} == {
        "previous": ("2026-10", "2026-10-10T10:07:00+08:00"),
        "year": ("2025-11", "2025-11-10T10:07:00+08:00"),
    }


async def test_a_line_by_hand(client: Client) -> None:
    """Nine of twelve solved and satisfied in October: 75 %, 10 + 0.9 x 75 = 77.5."""
    answer = await client.get("/v1/rankings", compare="previous")
    found = lines(answer)[STREETS[0].code]["changes"]
    assert found.keys() == {"previous"}
    then = found["previous"]
    assert (then["rank"], then["score"], then["volume"]) == (1, "77.5", 12)
    assert then["indicators"]["resolution"]["rate"] == "75.00"


async def test_one_unit_is_compared_as_in_its_ranking(client: Client) -> None:
    ranking = await client.get("/v1/rankings", compare="both")
    for line in (ranking["ranked"][0], ranking["unranked"][0]):
        own = await client.get(f"/v1/units/{line['unit']['code']}/rates", compare="both")
        assert own["compared"] == ranking["compared"]
        assert own["changes"] == line["changes"]


async def test_a_unit_that_is_not_registered_is_compared_too(client: Client) -> None:
    own = await client.get("/v1/units/999999999/rates", compare="year")
    assert (own["known"], own["changes"]["year"]["rank"]) == (False, None)
    assert own["changes"]["year"]["volume_change"] is None


async def test_nothing_is_compared_unasked(client: Client) -> None:
    answer = await client.get("/v1/rankings")
    assert answer["compared"] is None
    assert all(line["changes"] is None for line in lines(answer).values())


async def test_the_tag_tells_comparisons_apart(client: Client) -> None:
    tags = {
        (await client.http.get("/v1/rankings", params=query)).headers["ETag"]
        for query in ({}, {"compare": "previous"}, {"compare": "year"}, {"compare": "both"})
    }
    assert len(tags) == 4


async def test_what_cannot_be_compared_is_refused(client: Client) -> None:
    await client.refused("/v1/rankings", 422, "invalid_request", compare="decade")
    await client.refused("/v1/rankings", 422, "invalid_window", compare="year", revision=1)
    ancient = {"from_": "1900-02-01T00:00:00Z", "to": "1900-03-01T00:00:00Z"}
    await client.refused("/v1/rankings", 422, "invalid_window", compare="year", **ancient)


@pytest.mark.parametrize("window", ["24h", "7d", "30d"])
@pytest.mark.parametrize("as_of", [None, format_instant(CYCLE_BEGINS + 13 * DAY + 7)])
async def test_a_rolling_window_is_the_interval_that_ends_at_as_of(
    client: Client, window: str, as_of: str | None
) -> None:
    looked = {} if as_of is None else {"as_of": as_of}
    rolling = await client.get("/v1/rankings", window=window, **looked)
    found = rolling["window"]
    ends_at = NOW if as_of is None else CYCLE_BEGINS + 13 * DAY + 7
    assert (found["kind"], found["name"]) == (window, format_instant(ends_at))
    same = await client.get("/v1/rankings", from_=found["from"], to=found["to"], **looked)
    assert {**same, "window": found} == rolling
    counted = rolling["totals"]["volume"]
    orders = await client.orders(window=window, indicator="volume", limit=50, **looked)
    listed = {unit.code for unit in STREETS}
    assert counted == sum(
        part["denominator"]
        for order in orders
        for part in order["contributions"]
        if part["unit"] in listed
    )


async def test_a_rolling_window_has_no_name(client: Client) -> None:
    found = await client.refused("/v1/rankings", 422, "invalid_window", window="7d", name="2026-11")
    assert found["errors"][0]["path"] == "name"
