"""Builds the FastAPI application of a process out of the routers it serves."""

from __future__ import annotations

import asyncio
import logging
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from importlib.metadata import version
from ipaddress import ip_address
from typing import Any, Final

from fastapi import APIRouter, FastAPI

from schemas.instants import Instant
from schemas.topics import WORK_ORDER_EVENTS, topic_name
from services.api.access.issuer_keys import IssuerKeys
from services.api.access.keys import StoredKeys
from services.api.access.tokens import BearerTokens, Trusted
from services.api.context import ApiContext, Emit
from services.api.push.options import PushOptions
from services.api.router import create_router
from services.cli.engine import Engine, calendar_text
from services.ingest.archive import known_events
from services.ingest.gateway import Gateway
from services.ingest.import_router import create_import_router
from services.ingest.intake import Intake
from services.ingest.sender import MIB, Sender
from services.metrics.registry import Metrics
from services.settings import Settings
from services.storage.database import Database
from services.storage.readers import Readers
from services.storage.rules import RuleBook
from services.traces.spans import Traces
from services.web.access.caller import Doorkeeper
from services.web.access.guard import install_access
from services.web.access.rate_limit import RateLimit
from services.web.etags import install_etags
from services.web.metrics import install_request_metrics
from services.web.openapi import install_openapi
from services.web.problems import install_problem_handlers

_LOG: Final = logging.getLogger(__name__)

WaitStored = Callable[[Mapping[int, int]], Awaitable[None]]


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
        docs_url=None,  # the interactive pages would load scripts from elsewhere
        redoc_url=None,
    )
    install_problem_handlers(app)
    install_etags(app)
    install_openapi(app)
    for router in routers:
        app.include_router(router)
    return app


def guarded_app(
    routers: Iterable[APIRouter], settings: Settings, database: Database, metrics: Metrics
) -> FastAPI:
    """Build the application as it is served: behind keys if the settings ask for them."""
    app = build_app(routers)
    install_access(
        app,
        doorkeeper(settings, database),
        keys=settings.access == "keys",
        limit=RateLimit(settings.rate_limit),
    )
    install_request_metrics(app, metrics)
    return app


def doorkeeper(settings: Settings, database: Database) -> Doorkeeper:
    """Build what knows the keys, and the tokens of an OpenID provider if there is one."""
    if not settings.oidc_issuer:
        return StoredKeys(database, now)
    trusted = Trusted(
        issuer=settings.oidc_issuer,
        audience=settings.oidc_audience,
        scopes_claim=settings.oidc_scopes_claim,
        units_claim=settings.oidc_units_claim,
    )
    keys = StoredKeys(database, now, always_units=True)
    return BearerTokens(keys, IssuerKeys(settings.oidc_issuer), trusted, now)


def warn_if_open(settings: Settings, listener: socket.socket) -> None:
    """Log a warning if everybody who reaches the process from elsewhere may do everything.

    The address that was bound decides, not the name in the settings: a name may stand for either.
    """
    address = listener.getsockname()[0]
    if settings.access == "open" and not ip_address(address).is_loopback:
        _LOG.warning(
            "%s is not a loopback address and HOTLINE_ACCESS is open: whoever reaches the port may "
            "read and change everything (docs/access.md). 监听地址对外且未启用密钥，任何人均可读写。",
            address,
        )


def build_gateway(
    settings: Settings,
    engine: Engine,
    sender: Sender,
    wait_stored: WaitStored | None,
    metrics: Metrics | None = None,
    *,
    traces: Traces | None = None,
) -> Gateway:
    """Build the push gateway; with ``wait_stored`` acknowledged means stored."""
    readers = Readers(engine.database)
    rules = RuleBook(engine.database, settings.partitions)
    return Gateway(
        sender=sender,
        partitions=settings.partitions,
        clock=now,
        future_tolerance=settings.future_tolerance_us,
        archived=known_events(
            readers.archived,
            lambda: readers.flush_marks(rules.read().current.ruleset),
            settings.partitions,
        ),
        wait_stored=wait_stored,
        body_limit=settings.max_body_bytes,
        metrics=metrics,
        traces=traces,
    )


def emitter(gateway: Gateway) -> Emit:
    """Log events of our own through the gateway, as those of a caller (decision 0013)."""

    async def emit(events: Sequence[Mapping[str, Any]]) -> None:
        await gateway.accept(Intake(list(events), single=False))

    return emit


def api_context(
    settings: Settings,
    engine: Engine,
    is_ready: Callable[[], Mapping[str, bool]],
    emit: Emit | None = None,
) -> ApiContext:
    """Gather what the routes share; ``is_ready`` names the parts of the process besides storage."""
    return ApiContext(
        database=engine.database,
        partitions=settings.partitions,
        clock=now,
        is_ready=is_ready,
        time_zone=settings.time_zone,
        calendar=calendar_text(settings.calendar) or "",
        fresh_for=settings.fresh_for,
        emit=emit,
        push=PushOptions(
            stream_interval=settings.stream_interval,
            stream_clients=settings.stream_clients,
            private_networks=settings.webhook_private_networks,
            public_url=settings.public_url,
        ),
    )


def query_routers(context: ApiContext) -> list[APIRouter]:
    """Build what only reads: rankings, rates, orders, page, probes, and what imports ask."""
    return [create_router(context), create_import_router(context.readers)]


@asynccontextmanager
async def running_sender(bootstrap: str, settings: Settings) -> AsyncIterator[Sender]:
    """Run the producer while the block runs."""
    sender = Sender(
        bootstrap,
        topic=topic_name(WORK_ORDER_EVENTS, settings.topic_suffix),
        limit_bytes=max(64 * MIB, 4 * settings.max_body_bytes),
    )
    sender.start()
    try:
        yield sender
    finally:
        await asyncio.to_thread(sender.stop)
