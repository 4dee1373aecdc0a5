"""Who asks again gets 304 while the answer would be the same."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI, Response
from fastapi.responses import StreamingResponse

from services.web.etags import install_etags, is_known, tag_of


def build(counter: list[int]) -> FastAPI:
    app = FastAPI()
    install_etags(app)

    @app.get("/v1/count")
    async def count() -> dict[str, int]:
        return {"count": counter[0]}

    @app.post("/v1/count")
    async def add() -> dict[str, int]:
        counter[0] += 1
        return {"count": counter[0]}

    @app.get("/v1/own")
    async def own() -> Response:
        return Response("x", headers={"ETag": '"own"'})

    @app.get("/v1/fleeting")
    async def fleeting() -> Response:
        return Response("x", headers={"Cache-Control": "no-store"})

    @app.get("/v1/wrong", status_code=404)
    async def wrong() -> str:
        return "x"

    @app.get("/page")
    async def page() -> str:
        return "x"

    @app.get("/v1/stream")
    async def stream() -> StreamingResponse:
        async def parts() -> AsyncIterator[bytes]:
            yield b"a"
            yield b"b"

        return StreamingResponse(parts())

    return app


def connect(counter: list[int]) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(build(counter)), base_url="http://service"
    )


async def test_an_unchanged_answer_is_304_without_a_body() -> None:
    async with connect([0]) as http:
        first = await http.get("/v1/count")
        tag = first.headers["etag"]
        assert first.headers["cache-control"] == "no-cache"
        again = await http.get("/v1/count", headers={"if-none-match": f'"other", {tag}'})
        assert (again.status_code, again.content) == (304, b"")
        assert (again.headers["etag"], again.headers["cache-control"]) == (tag, "no-cache")
        assert "content-type" not in again.headers

        changed = await http.post("/v1/count")
        assert "etag" not in changed.headers
        now = await http.get("/v1/count", headers={"if-none-match": tag})
        assert (now.status_code, now.json()) == (200, {"count": 1})
        assert now.headers["etag"] != tag


@pytest.mark.parametrize("path", ["/v1/fleeting", "/v1/wrong", "/page", "/v1/stream"])
async def test_what_may_not_be_kept_has_no_tag(path: str) -> None:
    async with connect([0]) as http:
        answer = await http.get(path, headers={"if-none-match": "*"})
        assert "etag" not in answer.headers
        assert answer.content in (b"x", b'"x"', b"ab")


async def test_a_tag_of_the_route_itself_stays() -> None:
    async with connect([0]) as http:
        assert (await http.get("/v1/own")).headers["etag"] == '"own"'
        again = await http.get("/v1/own", headers={"if-none-match": '"own"'})
        assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize(
    ("header", "known"),
    [("", False), ("*", True), ('"a"', True), ('W/"a"', True), ('"b", W/"a"', True), ('"ab"', False)],
)  # fmt: skip
def test_tags_are_compared_weakly(header: str, known: bool) -> None:
    assert is_known('W/"a"', header) is known


def test_a_tag_is_that_of_the_content() -> None:
    assert tag_of(b"a") == tag_of(b"a") != tag_of(b"b")
