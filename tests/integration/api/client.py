"""Asks the query layer as a caller does, and checks what every answer must have."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import httpx

from services.api.app import create_app
from services.web.problems import MEDIA_TYPE
from tests.integration.api.city import City

Json = dict[str, Any]


class Client:
    """One caller."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self.http = http

    async def get(self, path: str, **query: str | int) -> Json:
        response = await self.http.get(path, params=_named(query))
        assert response.status_code == 200, response.text
        found: Json = response.json()
        return found

    async def refused(self, path: str, status: int, code: str, **query: str | int) -> Json:
        response = await self.http.get(path, params=_named(query))
        return problem(response, status, code)

    async def orders(self, **query: str | int) -> list[Json]:
        """All pages of the orders behind a number."""
        found: list[Json] = []
        while True:
            page = await self.get("/v1/work-orders", **query)
            found += page["orders"]
            if page["next"] is None:
                return found
            query["after"] = page["next"]


def problem(response: httpx.Response, status: int, code: str) -> Json:
    """Check the form of a problem."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == MEDIA_TYPE
    found: Json = response.json()
    assert found["type"] == f"/problems/{code}"
    assert found["status"] == status
    assert found["instance"].startswith("urn:uuid:")
    for field in ("title", "title_zh", "detail", "detail_zh"):
        assert isinstance(found[field], str)
        assert found[field]
    assert any("\u4e00" <= letter <= "\u9fff" for letter in found["title_zh"])
    for error in found["errors"]:
        assert {"path", "reason", "detail", "detail_zh"} <= error.keys()
    return found


@asynccontextmanager
async def connect(city: City) -> AsyncIterator[Client]:
    """A caller of the query layer over a city."""
    transport = httpx.ASGITransport(create_app(city.context()))
    async with httpx.AsyncClient(transport=transport, base_url="http://service") as http:
        yield Client(http)


def cells(line: Json) -> Iterator[tuple[str, int, str | None]]:
    """Every number of one line: indicator or count, denominator, numerator (None for a count)."""
    for code, rate in line["indicators"].items():
        yield code, rate["denominator"], rate["numerator"]
    yield "volume", line["volume"], None
    for name, count in line["states"].items():
        if name != "excluded":
            yield f"state:{name}", count, None
    for ground, count in line["states"]["excluded"].items():
        yield f"state:excluded:{ground}", count, None
    for name in ("open", "overdue", "returned", "reopened", "incomplete"):
        yield name, line[name], None


def _named(query: dict[str, str | int]) -> dict[str, str | int]:
    """``from_`` stands for ``from``."""
    return {name.removesuffix("_"): value for name, value in query.items()}
