"""The ranking under another policy, beside the present one, over a stored city."""

from __future__ import annotations

import asyncio
import csv
from collections import defaultdict
from collections.abc import Iterator, Mapping
from decimal import Decimal
from io import StringIO
from typing import Any, Final

import pytest

from schemas.records import Sums
from services.domain.outcome import contributions_at, evaluate
from services.domain.policy import Policy, load_policy, preset
from services.domain.ranking import rank_units
from services.domain.registry import Registry, beijing_units
from services.domain.windows import window
from services.storage.readers import Readers
from tests.integration.api.city import City, city_events, open_city
from tests.integration.api.client import Client, Json, problem

CYCLE: Final = "2026-11"
AT: Final = "/v1/policies/what-if"
BEIJING: Final = preset("beijing-district")
FEWER: Final = BEIJING.replace("minimum_sample: 10", "minimum_sample: 1")
TABLES: Final = (
    "events", "work_orders", "counters", "shard_flushes", "shard_claims", "rulesets", "units",
    "dead_letters", "evaluations",
)  # fmt: skip


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    """A city in which every street with a callback is ranked."""
    with open_city(tmp_path_factory.mktemp("city") / "engine") as found:
        found.store(city_events())
        yield found


async def ask(client: Client, policy: str, **more: str) -> Json:
    """Ask, wait, and give the result."""
    response = await client.http.post(AT, json={"document": policy, "cycle": CYCLE, **more})
    assert response.status_code == 202, response.text
    return await finished(client, response.headers["Location"])


async def finished(client: Client, location: str) -> Json:
    async with asyncio.timeout(120):
        while (  # noqa: ASYNC110 - over HTTP nothing tells: it can only be asked again
            answer := await client.get(location)
        )["state"] == "running":
            await asyncio.sleep(0.02)
    assert answer["state"] == "done", answer
    assert answer["orders"]["done"] == answer["orders"]["of"]
    result: Json = answer["result"]
    return result


def places(result: Json, side: str) -> dict[str, Any]:
    """Rank, score and rates by unit, of one side."""
    return {
        line["unit"]["code"]: (
            line[side]["rank"],
            line[side]["score"],
            line[side]["volume"],
            {code: rate["rate"] for code, rate in line[side]["indicators"].items()},
        )
        for line in result["units"]
    }


def evaluated(city: City, policy: Policy) -> dict[str, Any]:
    """The same by evaluating every stored order whole."""
    readers = Readers(city.database)
    of = window(policy, "cycle", CYCLE, 0)
    marks = readers.flush_marks(city.ruleset)
    rules = policy.at(of.ends_at - 1)
    sums: defaultdict[tuple[str, str], Sums] = defaultdict(lambda: Sums(0, 0))
    subjects = {each.subject for each in city_events()}
    for logged in readers.order_events(sorted(subjects)).values():
        found = evaluate([each.event for each in logged], policy)
        for one in contributions_at(found.spans, marks[0].clock):
            if one.ranking == "lead" and of.begins_at <= one.attributed_at < of.ends_at:
                before = sums[one.unit, one.indicator]
                sums[one.unit, one.indicator] = Sums(
                    before.denominator + one.denominator, before.numerator + one.numerator
                )
    streets = Registry(beijing_units()).of_kind("street")
    ranking = rank_units(streets, sums, rules, "street")
    places: dict[str, Any] = {}
    for entry in ranking.ranked:
        rank, score = entry.rank, f"{entry.score:f}"
        places[entry.unit.code] = (rank, score, entry.volume, _written(entry.rates))
    for other in ranking.unranked:
        places[other.unit.code] = (None, None, other.volume, _written(other.rates))
    return places


def _written(rates: Mapping[str, Decimal | None]) -> dict[str, str | None]:
    return {code: None if rate is None else f"{rate:f}" for code, rate in rates.items()}


def stored(city: City) -> dict[str, Any]:
    """How many rows each table holds."""
    counts = "SELECT count() FROM {table:Identifier}"
    return {table: city.database.query(counts, {"table": table}) for table in TABLES}


async def test_the_present_policy_gives_the_present_ranking_without_evaluating(
    city: City, client: Client
) -> None:
    before = stored(city)

    result = await ask(client, BEIJING)

    ranking = await client.get("/v1/rankings", window="cycle", name=CYCLE)
    assert result["evaluated"] == 0
    assert places(result, "present") == places(result, "other")
    assert {line["move"] for line in result["units"]} <= {0, None}
    assert [
        (line["unit"]["code"], line["other"]["rank"], line["other"]["score"])
        for line in result["units"]
        if line["other"]["rank"]
    ] == [(e["unit"]["code"], e["rank"], e["score"]) for e in ranking["ranked"]]
    assert result["positions"] == ranking["positions"]
    assert result["present"]["window"] == ranking["window"]
    assert stored(city) == before


async def test_evaluating_again_reproduces_the_present_ranking(client: Client) -> None:
    """A ground of exclusion that nobody uses changes the rules of counting, and no number."""
    other = BEIJING.replace(
        "classes:", "exclusions: [{ground: 不合理诉求}, {ground: 不可抗力}, {ground: x}]\nclasses:"
    )

    result = await ask(client, other)

    assert result["evaluated"] == len({each.subject for each in city_events()})
    assert result["not_evaluable"] == 0
    assert places(result, "present") == places(result, "other")


async def test_a_what_if_equals_evaluating_every_order_under_the_other_policy(
    city: City, client: Client
) -> None:
    other = (
        FEWER.replace("basis: last", "basis: first")
        .replace("[help, complaint, report, suggestion]", "[help, complaint]")
        .replace("basically_satisfied: 900", "basically_satisfied: 500")
    )
    before = stored(city)

    result = await ask(client, other)

    assert places(result, "other") == evaluated(city, load_policy(other))
    assert places(result, "present") == evaluated(city, city.policy)
    assert places(result, "other") != places(result, "present")
    assert result["evaluated"] > 0
    assert stored(city) == before


async def test_moves_are_places_won(client: Client) -> None:
    result = await ask(
        client, FEWER.replace("response: 10, resolution: 50", "response: 50, resolution: 10")
    )

    assert result["evaluated"] == 0  # stored sums, other weights
    moves = [
        (line["present"]["rank"], line["other"]["rank"], line["move"]) for line in result["units"]
    ]
    assert all(move == (was - now if was and now else None) for was, now, move in moves)
    assert any(move for _, _, move in moves)
    ranks = [now for _, now, _ in moves if now]
    assert ranks == sorted(ranks)
    assert result["present"]["ranked"] < result["other"]["ranked"]  # the smaller sample


async def test_units_without_a_rank_tell_why_on_both_sides(client: Client) -> None:
    result = await ask(client, FEWER)

    lines = {line["unit"]["code"]: line for line in result["units"]}
    ranking = await client.get("/v1/rankings", window="cycle", name=CYCLE)
    assert len(lines) == len(ranking["ranked"]) + len(ranking["unranked"])
    for entry in ranking["unranked"]:
        was = lines[entry["unit"]["code"]]["present"]
        assert (was["rank"], was["reason"], was["reason_zh"]) == (
            None, entry["reason"], entry["reason_zh"],
        )  # fmt: skip
    assert {line["other"]["reason"] for line in lines.values()} == {None, "no_demand"}


async def test_a_window_that_spans_versions_is_scored_by_the_one_at_its_end(
    city: City, client: Client
) -> None:
    other = FEWER.replace('version: "1"\n', "") + (
        'versions:\n  - {version: "1"}\n'
        '  - {version: "2", effective: {from: 2026-10-25}, assessed_types: [help]}\n'
    )

    result = await ask(client, other)

    assert result["other"]["version"] == "2"
    assert result["other"]["versions"] == ["1", "2"]
    assert places(result, "other") == evaluated(city, load_policy(other))


async def test_cycles_that_begin_elsewhere_are_compared_by_name(city: City, client: Client) -> None:
    other = FEWER.replace("start_day: 19", "start_day: 1")

    result = await ask(client, other)

    assert result["evaluated"] == 0
    assert result["present"]["window"]["from"] == "2026-10-19T00:00:00+08:00"
    assert result["other"]["window"]["from"] == "2026-11-01T00:00:00+08:00"
    assert places(result, "other") == evaluated(city, load_policy(other))


async def test_a_peer_group_and_another_kind(client: Client) -> None:
    core = await ask(client, FEWER, group="core")
    districts = await ask(client, FEWER, kind="district")

    assert {line["unit"]["group"] for line in core["units"]} == {"core"}
    assert {line["unit"]["kind"] for line in districts["units"]} == {"district"}


async def test_the_table_as_csv(client: Client) -> None:
    response = await client.http.post(AT, json={"document": FEWER, "cycle": CYCLE})
    result = await finished(client, response.headers["Location"])

    answer = await client.http.get(response.headers["Location"], headers={"Accept": "text/csv"})

    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.text[0] == "\ufeff"
    lines = list(csv.DictReader(StringIO(answer.text[1:])))
    assert len(lines) == len(result["units"])
    for line, unit in zip(lines, result["units"], strict=True):
        assert line["unit"] == unit["unit"]["code"]
        assert line["rank"] == str(unit["other"]["rank"] or "")
        assert line["present_response"] == (unit["present"]["indicators"]["response"]["rate"] or "")


async def test_a_bad_policy_is_refused_with_its_lines(client: Client) -> None:
    text = BEIJING.replace("response: 10,", "response: 11,").replace("decimals: 1 ", "decimals: x ")

    response = await client.http.post(AT, json={"document": text, "cycle": CYCLE})

    found = problem(response, 422, "invalid_policy")
    line = next(n for n, row in enumerate(text.splitlines(), 1) if "decimals: x" in row)
    assert any(
        (error["line"], error["path"]) == (line, "score.decimals") for error in found["errors"]
    )


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"cycle": "november"}, "invalid_window"),
        ({"kind": "planet"}, "unknown_kind"),
        ({"group": "nobody"}, "unknown_group"),
        ({"limit": "3"}, "invalid_request"),
    ],
)
async def test_other_mistakes_are_named(client: Client, more: dict[str, str], code: str) -> None:
    problem(await client.http.post(AT, json={"document": BEIJING} | more), 422, code)


async def test_one_at_a_time_and_stopped_by_delete(client: Client) -> None:
    other = FEWER.replace("basis: last", "basis: first")
    location = (await client.http.post(AT, json={"document": other, "cycle": CYCLE})).headers[
        "Location"
    ]

    second = await client.http.post(AT, json={"document": BEIJING, "cycle": CYCLE})
    table = await client.http.get(location, headers={"Accept": "text/csv"})

    if second.status_code == 202:  # the first one was done by then
        await finished(client, second.headers["Location"])
    else:
        problem(second, 409, "what_if_running")
    if table.status_code != 200:
        problem(table, 409, "what_if_unfinished")
    assert (await client.http.delete(location)).status_code == 204
    await client.refused(location, 404, "unknown_what_if")
    assert (await ask(client, BEIJING))["evaluated"] == 0  # the next one may run
