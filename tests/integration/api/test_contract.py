"""Refusals, health, findings, and what /openapi.json says: the contract with callers."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from tests.integration.api.city import City
from tests.integration.api.client import Client, problem

PHONE = "13900000000"


@pytest.mark.parametrize(
    ("query", "code", "path", "reason"),
    [
        ({"from_": "2026-11-02T00:00:00+08:00", "to": "2026-11-01T00:00:00+08:00"}, "invalid_window", "from", "empty_window"),
        ({"from_": "2026-11-01T00:00:00+08:00", "to": "2026-11-01T00:00:00+08:00"}, "invalid_window", "from", "empty_window"),
        ({"from_": "2026-11-01T00:00:00+08:00"}, "invalid_window", "to", "missing"),
        ({"to": "2026-11-01T00:00:00+08:00"}, "invalid_window", "from", "missing"),
        ({"from_": "2026-11-01T00:00:00", "to": "2026-11-02T00:00:00+08:00"}, "invalid_time", "from", "time_without_offset"),
        ({"from_": "2026-11-01T00:00:00+08:00", "to": PHONE}, "invalid_time", "to", "invalid_time"),
        ({"window": "day", "from_": "2026-11-01T00:00:00Z", "to": "2026-11-02T00:00:00Z"}, "invalid_window", "window", "two_windows"),
        ({"window": PHONE}, "invalid_window", "window", "unknown_window"),
        ({"window": "week", "name": "2026-11-25"}, "invalid_window", "name", "invalid_name"),
        ({"window": "month", "name": "2026-13"}, "invalid_window", "name", "invalid_name"),
        ({"as_of": "2026-11-10"}, "invalid_time", "as_of", "time_without_offset"),
        ({"as_of": "2026-11-10T10:07:00.000001+08:00"}, "future_as_of", "as_of", "future_as_of"),
        ({"kind": PHONE}, "unknown_kind", "kind", "unknown_kind"),
        ({"as_of": "1066-10-14T09:00:00Z"}, "invalid_time", "as_of", "invalid_time"),
        ({"group": PHONE}, "unknown_group", "group", "unknown_group"),
        ({"windw": "day"}, "invalid_request", "windw", "unknown_name"),
        ({PHONE: "x"}, "invalid_request", "(other)", "unknown_name"),
        ({"window": "x" * 21}, "invalid_request", "window", "too_long"),
    ],
)  # fmt: skip
async def test_a_wrong_question_is_refused_by_name(
    client: Client, query: dict[str, str], code: str, path: str, reason: str
) -> None:
    found = await client.refused("/v1/rankings", 422, code, **query)
    (error,) = found["errors"]
    assert (error["in"], error["path"], error["reason"]) == ("query", path, reason)
    assert PHONE not in str(found)


@pytest.mark.parametrize(
    "path",
    [
        f"/v1/rankings?window=month&window={PHONE}",
        f"/v1/work-orders?unit={PHONE}&window=month&unit=x&window=day",
        f"/v1/units?kind=street&window=1&window={PHONE}",
    ],
)
async def test_a_parameter_said_twice_is_refused(client: Client, path: str) -> None:
    found = problem(await client.http.get(path), 422, "invalid_request")
    assert "repeated_name" in {error["reason"] for error in found["errors"]}
    assert "window" in {error["path"] for error in found["errors"]}
    assert PHONE not in str(found)


async def test_a_plus_sign_that_was_not_escaped_is_understood(client: Client) -> None:
    path = "/v1/rankings?from=2026-11-01T00:00:00+08:00&to=2026-11-02T00:00:00+08:00"
    response = await client.http.get(path)
    assert response.status_code == 200
    assert response.json()["window"]["from"] == "2026-11-01T00:00:00+08:00"


@pytest.mark.parametrize(
    ("path", "status", "code", "query"),
    [
        ("/v1/units/nowhere/rates", 404, "unknown_unit", {}),
        ("/v1/work-orders", 422, "invalid_request", {"state": PHONE}),
        ("/v1/work-orders", 422, "unknown_indicator", {"unit": "", "indicator": PHONE}),
        ("/v1/work-orders", 422, "invalid_request", {"unit": "", "limit": 0}),
        ("/v1/work-orders", 422, "invalid_request", {"unit": "", "limit": 10_001}),
        ("/v1/units", 422, "unknown_kind", {"kind": PHONE}),
        ("/v1/dead-letters", 422, "invalid_cursor", {"after": PHONE}),
        ("/v1/work-orders/a", 422, "future_as_of", {"as_of": "2027-01-01T00:00:00Z"}),
        ("/v1/nothing", 404, "not_found", {}),
        ("/pages/../app.py", 404, "not_found", {}),
    ],
)
async def test_other_refusals(
    client: Client, path: str, status: int, code: str, query: dict[str, str | int]
) -> None:
    found = await client.refused(path, status, code, **query)
    assert PHONE not in str(found)


@pytest.mark.parametrize(
    ("body", "code", "path", "reason"),
    [
        ([], "invalid_request", "", "too_short"),
        ([{"code": "1", "name": "甲", "kind": "village"}], "invalid_request", "/0/kind", "unknown_value"),
        ([{"code": "1", "name": "甲", "kind": "street"}] * 2, "invalid_units", "/1/code", "repeated_code"),
        ([{"code": "1", "kind": "street"}], "invalid_request", "/0/name", "missing"),
        ([{"code": "1", "name": f"张三 {PHONE}", "kind": "street"}], "invalid_request", "/0/name", "invalid_value"),
        ({"code": "1"}, "invalid_request", "", "not_a_list"),
    ],
)  # fmt: skip
async def test_bad_units_are_refused_and_none_is_registered(
    client: Client, body: Any, code: str, path: str, reason: str
) -> None:
    before = (await client.get("/v1/units"))["units"]
    found = problem(await client.http.post("/v1/units", json=body), 422, code)
    assert (found["errors"][0]["path"], found["errors"][0]["reason"]) == (path, reason)
    assert PHONE not in str(found)
    assert (await client.get("/v1/units"))["units"] == before


async def test_the_policy_in_force(client: Client, city: City) -> None:
    policy = await client.get("/v1/policy")
    assert (policy["id"], policy["time_zone"], policy["bottom"]) == (
        "beijing-district", "Asia/Shanghai", 10,
    )  # fmt: skip
    assert policy["document"] == city.policy.document
    assert sum(int(indicator["weight"]) for indicator in policy["indicators"]) == 100
    assert await client.get("/v1/dropped-fields") == {"fields": {}}


async def test_openapi_describes_every_route_in_both_languages(client: Client) -> None:
    document = await client.get("/openapi.json")
    assert set(document["paths"]) == {
        "/v1/rankings", "/v1/rankings/gains", "/v1/breakdowns", "/v1/elapsed", "/v1/reports/monthly.xlsx", "/v1/units",
        "/v1/units/{code}/rates", "/v1/units/{code}/series", "/v1/series",
        "/v1/work-orders", "/v1/work-orders/{order}", "/v1/work-orders/{order}/explain",
        "/v1/dead-letters", "/v1/dropped-fields", "/v1/adjustments",
        "/v1/adjustments/{id}/withdrawal", "/v1/policy", "/v1/policies", "/v1/policies/{ruleset}",
        "/v1/governed", "/v1/classes", "/v1/cycles", "/v1/cycles/{name}", *(f"/v1/cycles/{{name}}/{step}" for step in (
            "freeze", "revise", "changes", "pending", "audit", "talks", "talks/{unit}",
        )),
        "/v1/policies/what-if", "/v1/policies/what-if/{id}", "/livez", "/readyz", "/v1/stream",
        "/v1/keys", "/v1/keys/{id}", "/v1/audit-log", "/v1/alerts/trial",
        "/v1/alerts/{id}/acknowledgements",
        "/v1/alerts", "/v1/appeals", "/v1/appeals/{id}", "/v1/appeals/{id}/reviews",
        *(f"/v1/{kind}{path}" for kind in ("webhooks", "channels") for path in (
            "", "/{id}", "/{id}/test", "/{id}/deliveries", "/{id}/deliveries/{delivery}/replay",
            "/{id}/replay",
        )),
    }  # fmt: skip
    page = (Path(__file__).parents[3] / "docs" / "api.md").read_text(encoding="utf-8")
    for path, methods in document["paths"].items():
        assert path.replace("{order}", "{id}") in page
        for operation in methods.values():
            text = f"{operation['summary']} {operation['description']}"
            assert re.search(r"[a-z]{4}", text), path
            assert re.search(r"[\u4e00-\u9fff]{2}", text), path
    ranked = document["components"]["schemas"]["Ranked"]["properties"]
    assert ranked["score"]["type"] == "string"


async def test_the_page_comes_from_the_package_and_from_nowhere_else(client: Client) -> None:
    page = await client.http.get("/")
    assert page.status_code == 200
    assert "default-src 'none'" in page.headers["content-security-policy"]
    for name in re.findall(r'(?:src|href)="(/pages/[^"]+)"', page.text):
        part = await client.http.get(name)
        assert part.status_code == 200
        assert not re.search(r"https?://(?!www\.w3\.org/)", part.text), name
    assert not re.search(r"https?://(?!www\.w3\.org/)", page.text)
