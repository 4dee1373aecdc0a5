"""Builds the FastAPI application of a process out of the routers it serves."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import contextmanager
from collections.abc import Iterator
from importlib.metadata import version

from fastapi import APIRouter, FastAPI

from schemas.instants import Instant
from services.cli.engine import Engine
from services.ingest.archive import known_events
from services.ingest.gateway import Gateway
from services.ingest.sender import MIB, Sender
from services.settings import Settings
from services.web.problems import install_problem_handlers


def now() -> Instant:
    """Return the present instant; the only clock of the service."""
    return time.time_ns() // 1000


def build_app(routers: Iterable[APIRouter]) -> FastAPI:
    """Put the routers into one application, with problem JSON for every error."""
    app = FastAPI(
        title="三率直播 · hotline-rates",
        description="Response, resolution and satisfaction rates of 12345 hotlines: "
        "live, exact, explainable. 响应率、解决率、满意率，实时、准确、可解释。",
        version=version("hotline-rates"),
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
    )
    install_problem_handlers(app)
    for router in routers:
        app.include_router(router)
    return app


@contextmanager
def running_sender(bootstrap: str, settings: Settings) -> Iterator[Sender]:
    """Run the producer while the block runs."""
    sender = Sender(bootstrap, limit_bytes=max(64 * MIB, 4 * settings.max_body_bytes))
    sender.start()
    try:
        yield sender
    finally:
        sender.stop()
