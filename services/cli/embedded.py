"""`hotline up`: broker, engine, scoring and HTTP in one process.

Started in the order port, engine, broker, topics, scoring, HTTP; stopped in the opposite one, so
that a request in work is still logged, scored, stored and answered.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import Final, NamedTuple

from schemas.topics import WORK_ORDER_EVENTS, topic_name
from services.cli.engine import Engine, make_directory, prepare_engine
from services.cli.epochs import checked_epoch, next_epoch
from services.cli.errors import CommandError
from services.cli.guarded import GuardedProcess
from services.cli.http_server import bind, serving, url_of
from services.cli.interpreter import prefer_short_waits
from services.cli.keys_command import first_key
from services.cli.local_broker import LocalBroker
from services.cli.observing import observing
from services.cli.pushing import pushing
from services.cli.topics import ensure_topics, topic_id
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
from services.ingest.router import create_router as push_router
from services.metrics.registry import Metrics
from services.scoring.faust_app import TopicsMissingError
from services.scoring.worker import ScoringWorker
from services.settings import Settings
from services.traces.spans import Traces

_WORKER_STOP_SECONDS: Final = 10
_DEMO_STOP_SECONDS: Final = 3


class Log(NamedTuple):
    """The log of this run. ``broker`` is None with a Kafka of one's own."""

    bootstrap: str
    epoch: int
    broker: LocalBroker | None


async def run_embedded(
    settings: Settings, on_ready: Callable[[str, float], None], *, demo: bool = False
) -> None:
    """Run until cancelled.

    Args:
        settings: of the service.
        on_ready: gets the base URL and the seconds that the start took.
        demo: send the demo city, from a process of its own.

    Raises:
        CommandError: something cannot be started, or ended by itself.
        Exception: the others of `services.cli.errors.EXPECTED`.
    """
    began = time.monotonic()
    if demo and settings.access == "keys":
        raise CommandError(
            "The demo city has no key: start without --demo, then run `hotline simulate` with "
            "HOTLINE_KEY. 演示城市没有密钥：请不带 --demo 启动，再设置 HOTLINE_KEY 运行 hotline simulate。"
        )
    async with AsyncExitStack() as stack:
        listener = stack.enter_context(bind(settings.host, settings.port))
        traces = await stack.enter_async_context(tracing(settings, "up"))
        warn_if_open(settings, listener)
        make_directory(settings.data_dir)
        engine = await asyncio.to_thread(prepare_engine, settings, now())
        stack.push_async_callback(asyncio.to_thread, engine.database.close)
        await asyncio.to_thread(_show_first_key, settings, engine)
        log = await asyncio.to_thread(_open_log, settings, engine)
        if log.broker:
            stack.push_async_callback(asyncio.to_thread, log.broker.process.stop)
        metrics = Metrics()
        worker = scoring_worker(
            settings,
            engine,
            log.bootstrap,
            log.epoch,
            embedded_timeouts=True,
            metrics=metrics,
            traces=traces,
        )
        stack.push_async_callback(_stop, worker)
        await started(worker)
        sender = await stack.enter_async_context(running_sender(log.bootstrap, settings))
        gateway = build_gateway(
            settings, engine, sender, worker.wait_stored, metrics, traces=traces
        )
        context = api_context(settings, engine, lambda: _state(log, worker), emitter(gateway))
        routers = [push_router(gateway), *query_routers(context)]
        prefer_short_waits()
        await stack.enter_async_context(
            serving(guarded_app(routers, settings, engine.database, metrics), listener)
        )
        await stack.enter_async_context(observing(settings, metrics, lambda: _state(log, worker)))
        await stack.enter_async_context(pushing(settings, context, metrics))
        on_ready(url_of(listener), time.monotonic() - began)
        if demo:
            await stack.enter_async_context(_demo_city(url_of(listener)))
        try:
            await _until_something_ends(log, worker)
        except CommandError:
            stack.pop_all()  # nobody is left to stop politely; what was acknowledged is stored
            raise


def _show_first_key(settings: Settings, engine: Engine) -> None:
    if settings.access == "keys" and (key := first_key(engine.database)):
        sys.stdout.write(f"\nadmin key, shown this once · 管理密钥，仅显示这一次\n\n  {key}\n")
        sys.stdout.flush()


def _open_log(settings: Settings, engine: Engine) -> Log:
    if settings.kafka_bootstrap:
        bootstrap = settings.kafka_bootstrap
        ensure_topics(
            bootstrap,
            settings.partitions,
            replication=settings.kafka_replication,
            suffix=settings.topic_suffix,
        )
        epoch = checked_epoch(
            engine.database,
            settings.epoch,
            topic_id(bootstrap, topic_name(WORK_ORDER_EVENTS, settings.topic_suffix)),
            settings.data_dir,
        )
        return Log(bootstrap, epoch, None)
    broker = LocalBroker.start(settings.data_dir / "broker.log")
    try:
        ensure_topics(broker.bootstrap, settings.partitions, suffix=settings.topic_suffix)
        return Log(broker.bootstrap, next_epoch(engine.database), broker)
    except BaseException:
        broker.process.stop()
        raise


def scoring_worker(
    settings: Settings,
    engine: Engine,
    bootstrap: str,
    epoch: int,
    *,
    embedded_timeouts: bool,
    metrics: Metrics,
    traces: Traces,
    ranks: bool = True,
) -> ScoringWorker:
    """Make a worker for one log, not yet started."""
    return ScoringWorker(
        bootstrap=bootstrap,
        database=engine.database,
        partitions=settings.partitions,
        epoch=epoch,
        clock=now,
        flush_interval=settings.flush_interval,
        embedded_timeouts=embedded_timeouts,
        timeout=settings.worker_timeout,
        reconcile_every=settings.reconcile_every,
        metrics=metrics,
        traces=traces,
        suffix=settings.topic_suffix,
        ranks=ranks,
    )


async def started(worker: ScoringWorker) -> None:
    """Return when the worker has an assignment and has loaded it.

    Raises:
        CommandError: topics are missing, or the broker refuses.
    """
    try:
        await worker.start()
    except (TopicsMissingError, RuntimeError) as error:
        raise CommandError(f"Scoring cannot start: {error}. 计算进程无法启动。") from error


def _state(log: Log, worker: ScoringWorker) -> dict[str, bool]:
    broker = log.broker is None or log.broker.process.alive()
    return {"broker": broker, "scoring": worker.ready()}


async def _stop(worker: ScoringWorker) -> None:
    """Stop the worker, for some seconds at most: what was acknowledged is stored anyway."""
    try:
        async with asyncio.timeout(_WORKER_STOP_SECONDS):
            await worker.stop()
    except TimeoutError as error:
        raise CommandError(
            "Scoring does not stop in time; nothing acknowledged is lost. 停止超时，已确认的数据均已保存。"
        ) from error


@asynccontextmanager
async def _demo_city(url: str) -> AsyncIterator[None]:
    """Run `hotline simulate`; its progress shows in our terminal."""
    city = GuardedProcess.spawn(
        [sys.executable, "-m", "services.cli.main", "simulate", "--url", url]
    )
    try:
        yield
    finally:
        city.send(signal.SIGINT)  # so that it leaves the terminal in order
        with contextlib.suppress(subprocess.TimeoutExpired):
            await asyncio.to_thread(city.wait, _DEMO_STOP_SECONDS)
        await asyncio.to_thread(city.stop)


async def _until_something_ends(log: Log, worker: ScoringWorker) -> None:
    """Wait for what should never happen.

    Raises:
        CommandError: the local broker or the worker has ended.
    """
    scoring = asyncio.create_task(worker.failed())
    broker = asyncio.create_task(_ended(log.broker))
    try:
        await asyncio.wait({scoring, broker}, return_when=asyncio.FIRST_COMPLETED)
        await asyncio.sleep(0)
        if log.broker and not log.broker.process.alive():
            raise CommandError(
                "The local broker has ended. What was acknowledged is stored: start again. "
                f"本地消息代理已退出，已确认的数据均已保存，请重新启动。\n{log.broker.process.last_words()}"
            )
        raise CommandError(f"Scoring has ended: {scoring.result()!r}. 计算进程已退出。")
    finally:
        scoring.cancel()
        broker.cancel()


async def _ended(broker: LocalBroker | None) -> None:
    """Return when the broker has ended; never with a Kafka of one's own."""
    ended = asyncio.Event()
    if broker:
        tell = partial(asyncio.get_running_loop().call_soon_threadsafe, ended.set)

        def watch() -> None:
            broker.process.wait()
            tell()

        threading.Thread(target=watch, name="broker-watch", daemon=True).start()
    await ended.wait()
