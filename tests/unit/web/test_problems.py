"""Every error that an application can give has one form, and repeats nothing of the request."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from typing import Annotated, Any, Literal

import httpx
import pytest
from fastapi import FastAPI, Query
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict

from services.web.problems import MEDIA_TYPE, Problem, install_problem_handlers

PHONE = "13900000000"


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid")
    count: int


def build() -> FastAPI:
    app = FastAPI()
    install_problem_handlers(app)

    @app.get("/own")
    async def own() -> None:
        raise Problem(
            409,
            "clash",
            title="They clash",
            title_zh="冲突",
            detail="Send one.",
            errors=[{"index": 3, "path": "/id"}],
            headers={"Retry-After": "1"},
        )

    @app.get("/query")
    async def query(
        limit: Annotated[int, Query(ge=1, le=5)], kind: Literal["a", "b"] = "a"
    ) -> dict[str, Any]:
        return {"limit": limit, "kind": kind}

    @app.post("/body")
    async def body(body: list[Body]) -> int:
        return len(body)

    @app.get("/broken")
    async def broken() -> None:
        raise ValueError(f"cannot call {PHONE}")

    @app.get("/broken-off")
    async def broken_off() -> StreamingResponse:
        async def parts() -> AsyncIterator[bytes]:
            yield b"begun"
            raise ValueError(PHONE)

        return StreamingResponse(parts())

    return app


async def ask(method: str, url: str, **more: Any) -> httpx.Response:
    transport = httpx.ASGITransport(build())
    async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
        return await client.request(method, url, **more)


def problem(response: httpx.Response, status: int, code: str) -> dict[str, Any]:
    assert response.status_code == status
    assert response.headers["content-type"] == MEDIA_TYPE
    found: dict[str, Any] = response.json()
    assert found["status"] == status
    assert found["type"] == f"/problems/{code}"
    assert found["instance"].startswith("urn:uuid:")
    assert found["title"]
    assert found["title_zh"]
    assert found["detail"]
    assert PHONE not in response.text
    return found


async def test_a_problem_of_our_own_keeps_code_errors_and_headers() -> None:
    response = await ask("GET", "/own")
    found = problem(response, 409, "clash")
    assert found["errors"] == [{"index": 3, "path": "/id"}]
    assert (found["title"], found["title_zh"], found["detail"]) == (
        "They clash",
        "冲突",
        "Send one.",
    )
    assert response.headers["retry-after"] == "1"


@pytest.mark.parametrize(
    ("query", "path", "reason", "detail_zh"),
    [
        ("", "limit", "missing", "缺少该项"),
        (f"?limit={PHONE}", "limit", "too_large", "应不大于 5"),
        ("?limit=0", "limit", "too_small", "应不小于 1"),
        (f"?limit=x{PHONE}", "limit", "not_an_integer", "应为整数"),
        (f"?limit=1&kind={PHONE}", "kind", "unknown_value", "应为 'a' or 'b' 之一"),
    ],
)
async def test_a_bad_parameter_is_named(query: str, path: str, reason: str, detail_zh: str) -> None:
    (error,) = problem(await ask("GET", f"/query{query}"), 422, "invalid_request")["errors"]
    assert (error["in"], error["path"], error["reason"]) == ("query", path, reason)
    assert error["detail_zh"] == detail_zh
    assert error["detail"]


async def test_a_bad_place_in_a_body_is_a_pointer() -> None:
    response = await ask("POST", "/body", json=[{"count": 1}, {"count": PHONE + "x"}])
    (error,) = problem(response, 422, "invalid_request")["errors"]
    assert (error["in"], error["path"], error["reason"]) == ("body", "/1/count", "not_an_integer")


async def test_a_name_that_is_no_plain_name_is_not_repeated() -> None:
    response = await ask("POST", "/body", json=[{"count": 1, PHONE: 1}])
    (error,) = problem(response, 422, "invalid_request")["errors"]
    assert (error["path"], error["reason"]) == ("/0/(other)", "unknown_name")


async def test_a_body_that_is_no_json() -> None:
    headers = {"content-type": "application/json"}
    response = await ask("POST", "/body", content=f"[{PHONE},", headers=headers)
    (error,) = problem(response, 422, "invalid_request")["errors"]
    assert (error["in"], error["path"], error["reason"]) == ("body", "", "malformed_json")


async def test_errors_of_the_framework() -> None:
    problem(await ask("GET", f"/{PHONE}"), 404, "not_found")
    response = await ask("DELETE", "/own")
    problem(response, 405, "method_not_allowed")
    assert response.headers["allow"] == "GET"


async def test_a_failure_is_logged_by_place_and_not_by_message(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.ERROR):
        found = problem(await ask("GET", "/broken"), 500, "internal_error")
    assert found["instance"] in caplog.text
    assert "in broken" in caplog.text
    assert PHONE not in caplog.text


async def test_a_failure_after_the_first_byte_breaks_the_answer_off() -> None:
    with pytest.raises(ConnectionAbortedError) as raised:
        await ask("GET", "/broken-off")
    assert PHONE not in str(raised.value)
