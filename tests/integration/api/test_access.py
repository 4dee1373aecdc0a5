"""Keys: who is let in where, on every route of the service, and what the audit log tells of it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from io import BytesIO
from typing import Final

import httpx
import pytest
from fastapi import FastAPI
from openpyxl import load_workbook

from schemas.instants import DAY, Instant
from services.api.access.keys import StoredKeys, create
from services.cli.web_app import build_app, query_routers
from services.storage import access_keys, units
from services.web.access.caller import Caller, Scope
from services.web.access.guard import install_access
from services.web.access.needs import NEEDS, OWN, PUBLIC_PATHS, WHOLE_CITY
from tests.integration.api.city import STREETS, City, city_events, open_city
from tests.integration.api.client import Json, problem

STREET: Final = STREETS[0]
OTHER: Final = next(unit for unit in STREETS if unit.parent != STREET.parent)


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    """A city; its tests leave keys and log entries to each other."""
    with open_city(tmp_path_factory.mktemp("access") / "engine") as found:
        found.store(city_events())
        yield found


def app_of(city: City, *, keys: bool = True) -> FastAPI:
    app = build_app(query_routers(city.context()))
    install_access(app, StoredKeys(city.database, lambda: city.now, read_every=0), keys=keys)
    return app


@asynccontextmanager
async def asking(
    city: City, key: str | None, *, keys: bool = True
) -> AsyncIterator[httpx.AsyncClient]:
    headers = {} if key is None else {"authorization": f"Bearer {key}"}
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app_of(city, keys=keys)),
        base_url="http://service",
        headers=headers,
    ) as http:
        yield http


def made(city: City, *scopes: Scope, units: tuple[str, ...] = (), expires_at: Instant = 0) -> str:
    _, text = create(
        city.database, city.now, label="test", scopes=scopes, units=units, expires_at=expires_at
    )
    return text


def described(city: City) -> set[str]:
    paths = app_of(city).openapi()["paths"]
    return {f"{method.upper()} {path}" for path, item in paths.items() for method in item}


def test_every_route_is_declared_and_nothing_else(city: City) -> None:
    public = {f"GET {path}" for path in PUBLIC_PATHS}

    assert described(city) - public == NEEDS.keys() - {"POST /v1/events"}


async def test_nobody_is_let_in_without_a_key_on_any_route(city: City) -> None:
    async with asking(city, None) as http:
        for name in sorted(NEEDS):
            method, path = name.split(" ")
            refused = problem(await http.request(method, path), 401, "unauthenticated")
            assert refused["detail_zh"]


async def test_probes_and_the_page_need_no_key(city: City) -> None:
    async with asking(city, None) as http:
        for path in ("/livez", "/", "/openapi.json"):
            assert (await http.get(path)).status_code == 200


@pytest.mark.parametrize(
    "header",
    ["", "Bearer", "Bearer hk_0123456789abcdef_", "Basic aGs6aGs=", "Bearer \u00e4"],
)
async def test_what_is_no_key_is_refused(city: City, header: str) -> None:
    async with asking(city, None) as http:
        answer = await http.get(
            "/v1/policy", headers=[(b"authorization", header.encode("latin-1"))]
        )

    problem(answer, 401, "unauthenticated")
    assert answer.headers["www-authenticate"].endswith('error="invalid_token"')


async def test_another_secret_under_a_known_id_is_refused(city: City) -> None:
    first, second = made(city, "admin"), made(city, "admin")
    mixed = first[:19] + second[19:]

    assert mixed not in {first, second}
    async with asking(city, mixed) as http:
        problem(await http.get("/v1/policy"), 401, "unauthenticated")


@pytest.mark.parametrize("held", ["ingest", "read", "govern"])
async def test_a_scope_opens_its_routes_and_no_others(city: City, held: Scope) -> None:
    caller = Caller("test", frozenset({held}))
    async with asking(city, made(city, held)) as http:
        for name, need in sorted(NEEDS.items()):
            if caller.may(need.scope):
                continue
            method, path = name.split(" ")
            answer = await http.request(method, path)
            refused = problem(answer, 403, "missing_scope")
            assert need.scope in refused["detail"]
            assert need.scope in refused["detail_zh"]
            assert f'scope="{need.scope}"' in answer.headers["www-authenticate"]


async def test_a_reader_reads(city: City) -> None:
    async with asking(city, made(city, "read")) as http:
        assert (await http.get("/v1/rankings")).status_code == 200
        problem(await http.get("/v1/nowhere"), 403, "missing_scope")


async def test_a_restricted_key_sees_nothing_of_other_units_on_any_route(city: City) -> None:
    """Walks all routes, asking as one does and asking for the others."""
    asked: list[dict[str, str]] = [{}, {"unit": OTHER.code}, {"unit": STREET.code}]
    asked += [{"format": form} for form in ("csv", "xlsx")]
    asked += [{"window": "cycle", "compare": "both"}, {"by": "channel", "unit": STREET.code}]
    paths = {"code": OTHER.code, "order": _orders_of(OTHER.code)[0], "ruleset": "1"}
    opened: set[str] = set()
    async with asking(city, made(city, "admin", units=(STREET.code,))) as http:
        for name, need in sorted(NEEDS.items()):
            method, template = name.split(" ")
            if method != "GET":
                if not need.free and need.unit != OWN:
                    path = template.replace("{code}", OTHER.code)
                    problem(await http.request(method, path), 403, "outside_restriction")
                continue
            for place in (paths, {**paths, "code": STREET.code}):
                for parameters in asked:
                    path = template.format_map(_Filled(place))
                    answer = await http.get(path, params=parameters)
                    _tells_nothing_of_others(answer)
                    if answer.status_code == 200:
                        opened.add(name)
    whole = {name for name, need in NEEDS.items() if need.unit == WHOLE_CITY and not need.free}
    assert not opened & whole
    assert opened >= {
        "GET /v1/alerts",
        "GET /v1/breakdowns",
        "GET /v1/policy",
        "GET /v1/rankings",
        "GET /v1/units",
        "GET /v1/units/{code}/rates",
        "GET /v1/work-orders",
    }


class _Filled(dict[str, str]):
    def __missing__(self, name: str) -> str:
        return "2026-11"


def _tells_nothing_of_others(answer: httpx.Response) -> None:
    if answer.headers.get("content-type", "").endswith("spreadsheetml.sheet"):
        book = load_workbook(BytesIO(answer.content), read_only=True)
        text = "\n".join(
            str(cell) for sheet in book for row in sheet.iter_rows(values_only=True) for cell in row
        )
        book.close()
    else:
        text = answer.text
    for unit in STREETS:
        if unit.code != STREET.code:
            assert unit.code not in text
            assert not unit.name or unit.name not in text or unit.name in STREET.name
    for order in _orders_of(OTHER.code):
        assert order not in text


def _orders_of(unit: str) -> list[str]:
    own = {e.subject for e in city_events() if e.data.get("unit") == unit}
    assert own
    return sorted(own)


async def test_a_restricted_key_sees_its_own_place_numbers_and_orders(city: City) -> None:
    async with asking(city, made(city, "read")) as http:
        whole: Json = (await http.get("/v1/rankings")).json()
        line, another = whole["ranked"][3], whole["ranked"][4]["unit"]["code"]
        code = line["unit"]["code"]
        listed = (await http.get("/v1/work-orders", params={"unit": code})).json()
    async with asking(city, made(city, "read", units=(code,))) as http:
        ranking: Json = (await http.get("/v1/rankings")).json()
        orders: Json = (await http.get("/v1/work-orders")).json()
        shown = [await http.get(f"/v1/work-orders/{each['id']}") for each in orders["orders"]]
        told = await http.get(f"/v1/work-orders/{orders['orders'][0]['id']}/explain")
        unseen = await http.get(f"/v1/work-orders/{_orders_of(another)[0]}")
        missing = await http.get("/v1/work-orders/none")
        rates: Json = (await http.get(f"/v1/units/{code}/rates")).json()
    assert ranking["ranked"] == [line]
    assert ranking["unranked"] == ranking["unknown_units"] == []
    assert ranking["totals"]["volume"] == line["volume"] == rates["volume"] > 0
    assert ranking["bottom"] == [each for each in whole["bottom"] if each == code]
    assert [each["id"] for each in orders["orders"]] == [each["id"] for each in listed["orders"]]
    assert {answer.status_code for answer in (*shown, told)} == {200}
    first, second = problem(unseen, 404, "unknown_order"), problem(missing, 404, "unknown_order")
    assert {**first, "instance": ""} == {**second, "instance": ""}


async def test_a_ranking_that_is_kept_for_one_is_not_given_to_another(city: City) -> None:
    app = app_of(city)
    found: list[tuple[str, list[str]]] = []
    keys: list[tuple[str, ...]] = [()]
    while keys:
        headers = {"authorization": f"Bearer {made(city, 'read', units=keys.pop())}"}
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(app), base_url="http://service", headers=headers
        ) as http:
            answer = await http.get("/v1/rankings")
        codes = [each["unit"]["code"] for each in answer.json()["ranked"]]
        if not found:
            keys = [(), (codes[1],), (codes[0],)]
        found.append((answer.headers["etag"], codes))
    (whole, codes), *others, last = found
    assert [listed for _, listed in others] == [[codes[0]], [codes[1]]]
    assert last == (whole, codes)
    assert len({tag for tag, _ in found}) == 3


async def test_free_answers_name_no_unit(city: City) -> None:
    async with asking(city, made(city, "read", units=(STREET.code,))) as http:
        for name in (name for name, need in NEEDS.items() if need.free):
            answer = await http.get(name.removeprefix("GET ").replace("{ruleset}", "1"))
            assert answer.status_code == 200
            assert not any(unit.code in answer.text for unit in STREETS)


async def test_a_unit_listens_to_itself_only(city: City) -> None:
    asked = [
        {"topics": "rankings", "units": STREET.code},
        {"topics": "alerts"},
        {"topics": "alerts", "units": OTHER.code},
        {"topics": "rates,alerts", "units": f"{STREET.code},{OTHER.code}"},
    ]
    async with asking(city, made(city, "read", units=(STREET.code,))) as http:
        for query in asked:
            answer = await http.get("/v1/stream", params=query)
            problem(answer, 403, "outside_restriction")


async def test_a_unit_finds_itself_in_the_registry(city: City) -> None:
    async with asking(city, made(city, "read", units=(STREET.parent,))) as http:
        listed: Json = (await http.get("/v1/units")).json()
    own = {unit.code for unit in STREETS if unit.parent == STREET.parent} | {STREET.parent}
    assert {unit["code"] for unit in listed["units"]} == own


async def test_a_unit_appeals_for_itself_only(city: City) -> None:
    body = {
        "id": "申诉-9",
        "order": _orders_of(OTHER.code)[0],
        "unit": OTHER.code,
        "indicator": "satisfaction",
        "ground": "不可抗力",
        "evidence": ["材料-1"],
    }
    async with asking(city, made(city, "govern", units=(STREET.code,))) as http:
        refused = await http.post("/v1/appeals", json=body)
        problem(refused, 403, "outside_restriction")
        own = await http.post("/v1/appeals", json={**body, "unit": STREET.code, "order": "无"})
        problem(own, 404, "unknown_order")
    async with asking(city, made(city, "read", units=(STREET.code,))) as http:
        problem(await http.post("/v1/appeals", json=body), 403, "missing_scope")


async def test_a_district_sees_its_streets(city: City) -> None:
    assert STREET.parent in {unit.code for unit in units.all_units(city.database)}
    async with asking(city, made(city, "read", units=(STREET.parent,))) as http:
        assert (await http.get(f"/v1/units/{STREET.code}/rates")).status_code == 200
        assert (await http.get(f"/v1/units/{STREET.parent}/rates")).status_code == 200
        problem(await http.get(f"/v1/units/{OTHER.code}/rates"), 403, "outside_restriction")


async def test_an_expired_key_opens_nothing(city: City) -> None:
    async with asking(city, made(city, "read", expires_at=city.now + 1)) as http:
        assert (await http.get("/v1/policy")).status_code == 200
    async with asking(city, made(city, "read", expires_at=city.now)) as http:
        problem(await http.get("/v1/policy"), 401, "unauthenticated")


async def test_a_key_is_made_used_listed_and_revoked(city: City) -> None:
    async with asking(city, made(city, "admin")) as http:
        answer = await http.post("/v1/keys", json={"label": "BI", "scopes": ["read"], "days": 1})
        assert answer.status_code == 201
        assert answer.headers["cache-control"] == "no-store"
        new: Json = answer.json()
        async with asking(city, new["key"]) as reader:
            assert (await reader.get("/v1/policy")).status_code == 200
            listed = await http.get("/v1/keys")
            assert new["key"] not in listed.text
            (shown,) = [key for key in listed.json()["keys"] if key["id"] == new["id"]]
            assert shown == {name: value for name, value in new.items() if name != "key"}
            assert (shown["state"], shown["scopes"]) == ("valid", ["read"])

            for _ in range(2):
                revoked = await http.delete(f"/v1/keys/{new['id']}")
                assert (revoked.status_code, revoked.json()["state"]) == (200, "revoked")
            problem(await reader.get("/v1/policy"), 401, "unauthenticated")
        problem(await http.delete("/v1/keys/none"), 404, "unknown_key")


def test_the_store_does_not_hold_the_secret(city: City) -> None:
    text = made(city, "read")

    (row,) = [key for key in access_keys.all_keys(city.database) if key.id == text[3:19]]
    assert text[20:] not in repr(row)
    assert row.expires_at == 0
    assert row.opens(city.now + 1000 * DAY)


async def test_the_audit_log_tells_who_changed_what_page_by_page(city: City) -> None:
    admin, reader = made(city, "admin"), made(city, "read")
    async with asking(city, admin) as http:
        new = (await http.post("/v1/keys", json={"label": "x", "scopes": ["read"]})).json()
        await http.post("/v1/keys", json={"label": "13800000000"})  # refused: no scopes
        await http.delete(f"/v1/keys/{new['id']}")
        async with asking(city, reader) as other:
            await other.delete("/v1/keys/13800000000")
        await http.get("/v1/keys")

        entries: list[Json] = []
        page = (await http.get("/v1/audit-log", params={"limit": 1})).json()
        while page["next"] is not None:
            entries += page["entries"]
            page = (
                await http.get("/v1/audit-log", params={"limit": 1, "after": page["next"]})
            ).json()
        whole = await http.get("/v1/audit-log", params={"limit": 1000})
        problem(await http.get("/v1/audit-log", params={"after": "x"}), 422, "invalid_cursor")
    assert whole.json()["entries"] == entries
    assert "13800000000" not in whole.text
    by_admin, by_reader = f"key:{admin[3:19]}", f"key:{reader[3:19]}"
    told = {
        (each["who"], each["method"], each["route"], each["target"], each["status"])
        for each in entries
        if each["who"] in {by_admin, by_reader}
    }
    assert told == {
        (by_admin, "POST", "/v1/keys", "", 201),
        (by_admin, "POST", "/v1/keys", "", 422),
        (by_admin, "DELETE", "/v1/keys/{id}", new["id"], 200),
        (by_reader, "DELETE", "/v1/keys/{id}", "", 403),
    }


async def test_without_keys_everybody_may_and_changes_are_logged(city: City) -> None:
    async with asking(city, None, keys=False) as http:
        new = (await http.post("/v1/keys", json={"label": "open", "scopes": ["read"]})).json()
        assert (await http.delete(f"/v1/keys/{new['id']}")).status_code == 200
        found = (await http.get("/v1/audit-log", params={"limit": 1000})).json()["entries"]

    mine = [each for each in found if each["who"] == "open"]
    assert {(each["method"], each["target"]) for each in mine} == {
        ("POST", ""),
        ("DELETE", new["id"]),
    }
