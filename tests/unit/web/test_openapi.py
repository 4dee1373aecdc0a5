"""What the description says about errors is what the service answers."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from jsonschema import Draft202012Validator

from services.web.openapi import install_openapi
from services.web.problems import MEDIA_TYPE, Problem, install_problem_handlers


def build() -> FastAPI:
    app = FastAPI()
    install_problem_handlers(app)
    install_openapi(app)

    @app.get("/number", responses={404: {"description": "none"}, 304: {"description": "same"}})
    async def number(number: int) -> int:
        return number

    @app.get("/broken")
    async def broken() -> None:
        raise ValueError

    @app.get("/own")
    async def own() -> None:
        raise Problem(
            409,
            "clash",
            title="t",
            title_zh="冲突",
            detail="d",
            errors=[{"path": "/", "reason": "r", "index": 1}],
        )

    return app


def test_every_error_is_a_problem() -> None:
    app = build()
    document = app.openapi()
    assert app.openapi() is document
    responses = document["paths"]["/number"]["get"]["responses"]
    assert set(responses) == {"200", "304", "404", "default"}
    assert set(responses["404"]["content"]) == set(responses["default"]["content"]) == {MEDIA_TYPE}
    assert "content" not in responses["304"]
    assert set(document["components"]["schemas"]) == {"Problem"}


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/number?number=x", 422),
        ("GET", "/number", 422),
        ("POST", "/number", 405),
        ("GET", "/nowhere", 404),
        ("GET", "/broken", 500),
        ("GET", "/own", 409),
    ],
)
async def test_a_problem_has_the_form_described(method: str, path: str, status: int) -> None:
    app = build()
    schema: dict[str, Any] = app.openapi()["components"]["schemas"]["Problem"]
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://service") as http:
        answer = await http.request(method, path)
    assert answer.status_code == status
    Draft202012Validator(schema).validate(answer.json())
