"""What a process that serves the query layer runs beside it: deliveries, and the end of streams."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from services.api.context import ApiContext
from services.api.push.channels import ChannelSender
from services.api.push.courier import Courier
from services.api.push.lease import Lease
from services.api.push.messages import Messages
from services.api.push.sending import WebhookSender
from services.metrics.registry import Metrics
from services.settings import Settings
from services.storage.endpoints import CHANNEL, WEBHOOK


@asynccontextmanager
async def pushing(
    settings: Settings, context: ApiContext, metrics: Metrics | None = None
) -> AsyncIterator[None]:
    """Deliver alerts while the block runs; then end the streams, which never end by themselves.

    Of all such processes of a cluster one delivers; `services.storage.beats` says which.
    """
    courier = Courier(
        database=context.database,
        clock=context.clock,
        senders={
            WEBHOOK: WebhookSender(private=settings.webhook_private_networks),
            CHANNEL: ChannelSender(),
        },
        messages=Messages(
            context.database,
            zone=lambda: context.rules.read().current.policy.time_zone,
            link=settings.public_url,
        ),
        lease=Lease(context.database),
        metrics=metrics,
    )
    task = asyncio.create_task(courier.run())
    try:
        yield
    finally:
        for stop in context.on_stop:
            stop()
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
