"""The processes of the cluster profile: each one serves one part, as often as it is needed.

`prepare` runs once before them; everything else only looks.
"""

from __future__ import annotations

import asyncio
import sys
from contextlib import AbstractAsyncContextManager, AsyncExitStack

from fastapi import APIRouter

from services.api.context import Emit
from services.api.health import create_health_router
from services.cli.embedded import scoring_worker, started
from services.cli.engine import Engine, current_engine, prepare_engine
from services.cli.errors import CommandError
from services.cli.http_server import bind, serving, url_of
from services.cli.interpreter import prefer_short_waits
from services.cli.observing import observing
from services.cli.pushing import pushing
from services.cli.topics import ensure_topics
from services.cli.tracing import tracing
from services.cli.web_app import (
    api_context,
    build_gateway,
    emitter,
    guarded_app,
    now,
    query_routers,
    running_sender,
    warn_if_open,
)
from services.ingest.router import create_router
from services.metrics.registry import Metrics
from services.settings import Settings


def prepare(settings: Settings) -> None:
    """Bring tables, policy, units and topics up to date.

    Raises:
        Exception: one of `services.cli.errors.EXPECTED`.
    """
    prepare_engine(settings, now()).database.close()
    ensure_topics(
        bootstrap_of(settings),
        settings.partitions,
        replication=settings.kafka_replication,
        suffix=settings.topic_suffix,
    )


def bootstrap_of(settings: Settings) -> str:
    """Return the address of Kafka.

    Raises:
        CommandError: it is not set.
    """
    if not settings.kafka_bootstrap:
        raise CommandError(
            "Set HOTLINE_KAFKA_BOOTSTRAP to the address of Kafka, as host:9092. "
            "请设置 Kafka 地址 HOTLINE_KAFKA_BOOTSTRAP。"
        )
    return settings.kafka_bootstrap


async def run_worker(settings: Settings, *, ranks: bool = True) -> None:
    """Score until cancelled; with ``ranks`` also rank, if this worker gets the feed."""
    async with AsyncExitStack() as stack:
        engine = await _engine(settings, stack)
        metrics = Metrics()
        traces = await stack.enter_async_context(tracing(settings, "worker"))
        worker = scoring_worker(
            settings,
            engine,
            bootstrap_of(settings),
            settings.epoch,
            embedded_timeouts=False,
            metrics=metrics,
            traces=traces,
            ranks=ranks,
        )
        await stack.enter_async_context(
            observing(settings, metrics, lambda: {"scoring": worker.ready()})
        )
        stack.push_async_callback(worker.stop)
        await started(worker)
        say_ready("worker")
        raise CommandError(f"Scoring has ended: {await worker.failed()!r}. 计算进程已退出。")


async def run_gateway(settings: Settings) -> None:
    """Take events until cancelled."""
    async with AsyncExitStack() as stack:
        engine = await _engine(settings, stack)
        sender = await stack.enter_async_context(running_sender(bootstrap_of(settings), settings))
        metrics = Metrics()
        traces = await stack.enter_async_context(tracing(settings, "gateway"))
        gateway = build_gateway(
            settings, engine, sender, wait_stored=None, metrics=metrics, traces=traces
        )
        health = create_health_router(api_context(settings, engine, dict))
        await _serve(settings, engine, stack, metrics, [create_router(gateway), health])


async def run_api(settings: Settings) -> None:
    """Answer questions until cancelled."""
    async with AsyncExitStack() as stack:
        engine = await _engine(settings, stack)
        context = api_context(settings, engine, dict, await _emit(settings, engine, stack))
        metrics = Metrics()
        beside = pushing(settings, context, metrics)
        await _serve(settings, engine, stack, metrics, query_routers(context), beside)


async def _emit(settings: Settings, engine: Engine, stack: AsyncExitStack) -> Emit | None:
    """What logs appeals; None without an address of Kafka: such a process only reads."""
    if not settings.kafka_bootstrap:
        return None
    sender = await stack.enter_async_context(running_sender(settings.kafka_bootstrap, settings))
    traces = await stack.enter_async_context(tracing(settings, "api"))
    return emitter(build_gateway(settings, engine, sender, wait_stored=None, traces=traces))


async def _engine(settings: Settings, stack: AsyncExitStack) -> Engine:
    engine = await asyncio.to_thread(current_engine, settings)
    stack.push_async_callback(asyncio.to_thread, engine.database.close)
    return engine


async def _serve(
    settings: Settings,
    engine: Engine,
    stack: AsyncExitStack,
    metrics: Metrics,
    routers: list[APIRouter],
    *beside: AbstractAsyncContextManager[None],
) -> None:
    listener = stack.enter_context(bind(settings.host, settings.port))
    warn_if_open(settings, listener)
    prefer_short_waits()
    await stack.enter_async_context(
        serving(guarded_app(routers, settings, engine.database, metrics), listener)
    )
    await stack.enter_async_context(observing(settings, metrics, dict))
    for part in beside:
        await stack.enter_async_context(part)
    say_ready(url_of(listener))
    await asyncio.Event().wait()


def say_ready(what: str) -> None:
    """Tell the log, and whoever waits for it, that the process works."""
    sys.stdout.write(f"ready: {what}\n")
    sys.stdout.flush()
