"""Rankings: each number is its orders, a past instant is a replay, and what is missing is said."""

from __future__ import annotations

import asyncio
from decimal import Decimal

import pytest
from anyio.to_thread import current_default_thread_limiter

from schemas.instants import DAY, format_instant
from schemas.records import Sums
from services.domain.outcome import contributions_at, evaluate
from services.domain.ranking import rank_units
from services.domain.registry import beijing_units
from services.domain.uncertainty import METHOD
from services.domain.windows import window
from tests.integration.api.city import (
    CYCLE_BEGINS,
    STREETS,
    UNKNOWN_UNIT,
    City,
    city_events,
)
from tests.integration.api.client import Client, Json, cells

SURE = ("rank_interval", "score_interval", "bottom_probability")
PAST = format_instant(CYCLE_BEGINS + 13 * DAY)


async def test_no_question_waits_for_a_thread_of_the_web_framework(client: Client) -> None:
    """There it would queue behind flushes. `ask` has threads of its own, for the store only."""
    taken = current_default_thread_limiter()
    borrowers = [object() for _ in range(int(taken.total_tokens))]
    for each in borrowers:
        taken.acquire_on_behalf_of_nowait(each)
    try:
        async with asyncio.timeout(60):
            assert (await client.get("/v1/rankings"))["ranked"]
    finally:
        for each in borrowers:
            taken.release_on_behalf_of(each)


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"window": "month", "name": "2026-10"},
        {"from_": "2026-10-20T10:07:03+08:00", "to": "2026-10-29T23:59:59.5+08:00"},
        {"as_of": PAST},
    ],
    ids=["live", "month", "inside quarter hours", "as of"],
)
async def test_every_number_equals_the_orders_behind_it(
    client: Client, query: dict[str, str]
) -> None:
    ranking = await client.get("/v1/rankings", **query)
    lines = {line["unit"]["code"]: line for line in ranking["ranked"] + ranking["unranked"]}
    lines = {code: line for code, line in lines.items() if line["volume"]}
    lines |= {entry["code"]: entry["figures"] for entry in ranking["unknown_units"]}
    lines[""] = ranking["undispatched"]
    assert len(lines) > 20
    followed = 0
    for code, line in [*list(lines.items())[:2], *list(lines.items())[-3:]]:
        for indicator, denominator, numerator in cells(line):
            orders = await client.orders(unit=code, indicator=indicator, limit=9, **query)
            parts = [part for order in orders for part in order["contributions"]]
            assert sum(part["denominator"] for part in parts) == denominator, (code, indicator)
            if numerator is not None:
                assert sum(Decimal(part["numerator"]) for part in parts) == Decimal(numerator)
            followed += denominator
    assert followed > 60


async def test_all_fates_are_in_the_city(client: Client) -> None:
    ranking = await client.get("/v1/rankings")
    totals = ranking["totals"]
    assert all(count for name, count in totals["states"].items() if name != "excluded")
    assert totals["states"]["excluded"]["不合理诉求"]
    assert all(totals[name] for name in ("returned", "reopened", "open", "overdue"))
    assert ranking["incomplete"] == 2
    assert ranking["undispatched"]["volume"] == 1
    assert [entry["code"] for entry in ranking["unknown_units"]] == [UNKNOWN_UNIT]


async def test_the_seven_states_add_up_to_the_volume(client: Client) -> None:
    ranking = await client.get("/v1/rankings")
    for line in [*ranking["ranked"], *ranking["unranked"], ranking["totals"]]:
        states = line["states"]
        excluded = sum(states["excluded"].values())
        others = sum(count for name, count in states.items() if name != "excluded")
        assert excluded + others == line["volume"]


async def test_totals_pool_the_list(client: Client) -> None:
    ranking = await client.get("/v1/rankings")
    lines = ranking["ranked"] + ranking["unranked"]
    assert len(lines) == len(STREETS) == 343
    for indicator, total in ranking["totals"]["indicators"].items():
        rates = [line["indicators"][indicator] for line in lines]
        assert total["denominator"] == sum(rate["denominator"] for rate in rates)
        assert Decimal(total["numerator"]) == sum(Decimal(rate["numerator"]) for rate in rates)
    assert ranking["totals"]["volume"] == sum(line["volume"] for line in lines)


async def test_a_past_instant_equals_a_replay_of_the_events_until_then(
    client: Client, city: City
) -> None:
    for day in (9, 13, 20):
        instant = CYCLE_BEGINS + day * DAY
        as_of = format_instant(instant)
        seen = await client.get("/v1/rankings", as_of=as_of, window="cycle", name="2026-11")
        until = [each for each in city_events() if each.occurred_at <= instant]
        sums: dict[tuple[str, str], Sums] = {}
        period = window(city.policy, "cycle", "2026-11", instant)
        for subject in {each.subject for each in until}:
            spans = evaluate([e for e in until if e.subject == subject], city.policy).spans
            for part in contributions_at(spans, instant):
                if period.begins_at <= part.attributed_at < period.ends_at:
                    known = sums.get((part.unit, part.indicator), Sums(0, 0))
                    sums[part.unit, part.indicator] = Sums(
                        known.denominator + part.denominator, known.numerator + part.numerator
                    )
        expected = rank_units(STREETS, sums, city.policy.versions[-1], "street")
        assert [
            (line["rank"], line["unit"]["code"], line["score"], line["volume"])
            for line in seen["ranked"]
        ] == [(e.rank, e.unit.code, f"{e.score:f}", e.volume) for e in expected.ranked]
        assert [line["reason"] for line in seen["unranked"]] == [
            entry.reason for entry in expected.unranked
        ]
        assert seen["undispatched"]["volume"] == sums.get(("", "volume"), Sums(0, 0)).denominator


async def test_live_equals_the_same_instant_asked_for(client: Client) -> None:
    live = await client.get("/v1/rankings")
    asked = await client.get("/v1/rankings", as_of=live["as_of"])
    assert live["as_of"] == "2026-11-10T10:07:00+08:00"
    assert (live["live"], asked["live"]) == (True, False)
    assert {**asked, "live": True} == live


async def test_one_unit_has_the_figures_of_its_line(client: Client) -> None:
    ranking = await client.get("/v1/rankings", group="core")
    for line in (*ranking["ranked"][:2], ranking["unranked"][0]):
        code = line["unit"]["code"]
        own = await client.get(f"/v1/units/{code}/rates", group="core")
        assert own["known"] is True
        assert own["ranked_units"] == len(ranking["ranked"])
        for fact in ("unit", "indicators", "volume", "states", "valid_callback_rate"):
            assert own[fact] == line[fact]
        for fact in ("rank", "score", "reason", *SURE):
            assert own[fact] == line.get(fact)
        assert own["uncertainty"] == ranking["uncertainty"]


async def test_every_place_says_how_sure_it_is(client: Client) -> None:
    ranking = await client.get("/v1/rankings")
    assert ranking["uncertainty"] == {"method": METHOD, "level": "0.95"}
    count = len(ranking["ranked"])
    for line in ranking["ranked"]:
        ranks, scores = line["rank_interval"], line["score_interval"]
        assert 1 <= ranks["from"] <= line["rank"] <= ranks["to"] <= count
        assert Decimal(scores["from"]) < Decimal(scores["to"])
        assert Decimal(scores["from"]) <= Decimal(line["score"]) <= Decimal(scores["to"])
        assert line["bottom_probability"] is None  # too few are ranked for a bottom


async def test_a_group_ranks_only_its_own(client: Client) -> None:
    ranking = await client.get("/v1/rankings", group="core")
    lines = ranking["ranked"] + ranking["unranked"]
    assert {line["unit"]["group"] for line in lines} == {"core"}
    assert ranking["ranked"][0]["rank"] == 1


async def test_numbers_are_texts_or_integers_and_times_have_the_zone_of_the_policy(
    client: Client,
) -> None:
    ranking = await client.get("/v1/rankings")

    def walk(value: object) -> None:
        assert not isinstance(value, float)
        for part in value.values() if isinstance(value, dict) else ():
            walk(part)
        for part in value if isinstance(value, list) else ():
            walk(part)

    walk(ranking)
    assert ranking["window"] == {
        "kind": "cycle",
        "name": "2026-11",
        "from": "2026-10-19T00:00:00+08:00",
        "to": "2026-11-19T00:00:00+08:00",
    }
    assert ranking["policy"] == {"id": "beijing-district", "version": "1", "ruleset": 1}
    assert [place["shard"] for place in ranking["positions"]] == [0, 1]
    idle = next(line for line in ranking["unranked"] if line["reason"] == "no_demand")
    assert idle["indicators"]["response"]["rate"] is None
    assert (idle["reason_zh"], idle["valid_callback_rate"]) == ("无诉求", None)


async def test_other_kinds_of_units_are_ranked_apart(client: Client) -> None:
    zones = await client.get("/v1/rankings", kind="functional_zone")
    assert len(zones["ranked"] + zones["unranked"]) == 6
    units: list[Json] = (await client.get("/v1/units"))["units"]
    assert [unit["code"] for unit in units] == sorted(unit.code for unit in beijing_units())
