"""`/metrics` and the probes on a port of their own, and the counting of requests."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Final

from fastapi import FastAPI
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.metrics.registry import Metrics
from services.web.access.needs import NEEDS, matches

OTHER: Final = "other"
"""In place of the template of a route that is not in `services.web.access.needs`."""

_PAGES: Final = "/pages/{name}"
_UNAVAILABLE: Final = 503
_TROUBLES: Final = (500, 503)


def metrics_app(metrics: Metrics, is_ready: Callable[[], Mapping[str, bool]]) -> ASGIApp:
    """What a process tells on its metrics port; ``is_ready`` names its parts."""

    async def scrape(_: Request) -> Response:
        text = await asyncio.to_thread(metrics.text)
        return Response(text, media_type=CONTENT_TYPE_LATEST)

    async def livez(_: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def readyz(_: Request) -> Response:
        checks = dict(is_ready())
        if all(checks.values()):
            return JSONResponse({"status": "ok", "checks": checks})
        return JSONResponse(
            {"status": "not_ready", "checks": checks}, _UNAVAILABLE, {"Retry-After": "1"}
        )

    return Starlette(
        routes=[Route("/metrics", scrape), Route("/livez", livez), Route("/readyz", readyz)]
    )


def install_request_metrics(app: FastAPI, metrics: Metrics) -> None:
    """Count what the application answers. To be installed after all else, so that it sees all."""
    app.add_middleware(_Counting, metrics=metrics)
    for name in NEEDS:  # as `Metrics` does for what it knows by itself
        method, route = name.split(" ", 1)
        for status in _TROUBLES:
            metrics.http_requests.labels(method, route, status)


class _Counting:
    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        method, route = _template(scope)

        async def counting(message: Message) -> None:
            if message["type"] == "http.response.start":
                seconds = time.perf_counter() - began
                self._metrics.http_request_seconds.labels(method, route).observe(seconds)
                self._metrics.http_requests.labels(method, route, message["status"]).inc()
            await send(message)

        await self._app(scope, receive, counting)


def _template(scope: Scope) -> tuple[str, str]:
    """Method and route; what a caller can make up becomes no label."""
    route = matches(scope["method"], scope["path"])[0].route
    if not route:
        return OTHER, OTHER
    return scope["method"], _PAGES if route.startswith("/pages/") else route
