"""What a process shows of itself: metrics and probes on a port of their own, and its log."""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, Final

from services.cli.http_server import bind, serving
from services.metrics.registry import Metrics
from services.settings import Settings
from services.web.metrics import metrics_app

_NAMED: Final = ("order", "event", "partition")
"""Given by whoever logs, as ``extra``; texts that were validated, or numbers."""


@asynccontextmanager
async def observing(
    settings: Settings, metrics: Metrics, is_ready: Callable[[], Mapping[str, bool]]
) -> AsyncIterator[None]:
    """Answer on the metrics port, if there is one, while the block runs.

    Args:
        settings: with the port.
        metrics: of this process.
        is_ready: names its parts; without any it is ready as soon as it answers.

    Raises:
        CommandError: the port cannot be used.
    """
    if not settings.metrics_port:
        yield
        return
    with bind(settings.host, settings.metrics_port) as listener:
        async with serving(metrics_app(metrics, is_ready), listener):
            yield


def use_log_format(settings: Settings) -> None:
    """Let every line of the log that follows have the form that is set."""
    if settings.log_format == "json":
        for handler in logging.getLogger().handlers:
            handler.setFormatter(JsonFormatter())


class JsonFormatter(logging.Formatter):
    """One JSON object a line: ``time``, ``level``, ``logger``, ``message``, and what is named.

    ``traceback`` names places in the program and the kind of the error. As in the text form nobody
    here logs a value that came from outside and was not validated.
    """

    def format(self, record: logging.LogRecord) -> str:
        """Write a record."""
        fields: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        fields |= {name: getattr(record, name) for name in _NAMED if hasattr(record, name)}
        if record.exc_info:
            fields["traceback"] = self.formatException(record.exc_info)
        return json.dumps(fields, ensure_ascii=False)
