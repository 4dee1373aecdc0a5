"""One event from the gateway through the log into the store and the ranking is one trace."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from services.ingest.gateway import Gateway
from services.ingest.intake import Intake
from services.ingest.sender import Sender
from services.scoring.worker import ScoringWorker
from services.storage.database import Database
from services.traces.spans import Traces
from tests.support.brokers import Broker
from tests.support.collected import Collected, context_of, parent_of
from tests.support.scoring_process import prepare_store
from tests.support.waiting import await_that

_NAME = "张三 13900000000"
_EVENT: dict[str, Any] = {
    "specversion": "1.0",
    "type": "workorder.dispatched",
    "source": "city",
    "id": "dispatch-1",
    "subject": "热线-260703-000001",
    "time": "2026-07-03T07:05:00+08:00",
    "data": {"unit": "110105001", "citizen": _NAME},
}


def clock() -> int:
    return time.time_ns() // 1000


@asynccontextmanager
async def running(
    broker: Broker, database: Database, *, gateway: Traces, worker: Traces
) -> AsyncIterator[Gateway]:
    """A gateway and a worker, which know nothing of each other but the broker."""
    scoring = ScoringWorker(
        bootstrap=broker.bootstrap,
        database=database,
        partitions=1,
        epoch=1,
        clock=clock,
        embedded_timeouts=True,
        traces=worker,
    )
    sender = Sender(broker.bootstrap)
    sender.start()
    try:
        await scoring.start()
        yield Gateway(
            sender=sender,
            partitions=1,
            clock=clock,
            wait_stored=scoring.wait_stored,
            store_seconds=60,
            traces=gateway,
        )
    finally:
        await asyncio.to_thread(sender.stop)
        await scoring.stop()


async def test_an_event_is_traced_from_the_gateway_to_the_ranking(
    broker: Broker, engine: str, database: Database
) -> None:
    broker.create_topics(1)
    prepare_store(engine)
    at_gateway, at_worker = Collected(), Collected()
    async with running(
        broker, database, gateway=at_gateway.traces, worker=at_worker.traces
    ) as gateway:
        await gateway.accept(Intake([_EVENT], single=True))
        await asyncio.to_thread(await_that, lambda: bool(at_worker.named("rank")))

    [accept], [produce] = at_gateway.named("accept"), at_gateway.named("produce")
    # The first of each: Kafka may deliver a message again.
    flush, fold = at_worker.named("flush")[0], at_worker.named("fold")[0]
    store, rank = at_worker.named("store")[0], at_worker.named("rank")[0]
    spans = [accept, produce, flush, fold, store, rank]
    assert {context_of(span).trace_id for span in spans} == {context_of(accept).trace_id}
    assert [parent_of(span) for span in spans] == [
        None,
        context_of(accept).span_id,
        context_of(produce).span_id,
        context_of(flush).span_id,
        context_of(flush).span_id,
        context_of(flush).span_id,
    ]
    for span in (accept, fold):
        assert span.attributes is not None
        assert span.attributes["hotline.events"] == ("dispatch-1",)
        assert span.attributes["hotline.orders"] == ("热线-260703-000001",)
    told = at_gateway.text() + at_worker.text()
    assert _NAME not in told
    assert "13900000000" not in told


async def test_a_worker_traces_nothing_that_the_gateway_does_not(
    tansu: Broker, engine: str, database: Database
) -> None:
    tansu.create_topics(1)
    prepare_store(engine)
    at_worker = Collected()
    async with running(tansu, database, gateway=Traces(), worker=at_worker.traces) as gateway:
        await gateway.accept(Intake([_EVENT], single=True))
    assert at_worker.spans() == ()
