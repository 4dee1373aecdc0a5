"""The traces of a process, sent to a collector if the settings name one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from services.cli.errors import CommandError
from services.settings import Settings
from services.traces.spans import Traces


@asynccontextmanager
async def tracing(settings: Settings, process: str) -> AsyncIterator[Traces]:
    """Trace while the block runs; what is not sent yet is sent at its end.

    Args:
        settings: with the collector's address.
        process: what this process does, as the collector shall name it.

    Raises:
        CommandError: the optional part ``otel`` is not installed.
    """
    if not settings.traces_url:
        yield Traces()
        return
    try:
        from services.traces.export import exporting  # noqa: PLC0415 - optional, and slow to import
    except ImportError as error:
        raise CommandError(
            "Traces need an optional part: pip install 'hotline-rates[otel]'. 链路追踪需要安装可选组件 otel。"
        ) from error
    provider = exporting(settings.traces_url, settings.traces_ratio, process)
    try:
        yield Traces(provider)
    finally:
        await asyncio.to_thread(provider.shutdown)
