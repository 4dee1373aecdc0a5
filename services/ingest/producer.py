"""Making and disposing of a `KafkaProducer` without leaving anything behind.

kafka-python 3.0.12 keeps its sockets and threads when its constructor fails, and does not close
while it cannot flush. A gateway that outlives a broker's outage meets both, so the client is
closed here by hand in the one case and by force in the other.
"""

from __future__ import annotations

import contextlib
from typing import Any, Final

from kafka import KafkaProducer
from kafka.errors import KafkaTimeoutError
from kafka.net.compat import KafkaNetClient

from schemas.topics import FRAME_BYTES

_RECONNECT_AT_MOST_MS: Final = 1_000
LARGEST: Final = FRAME_BYTES + 64 * 1024


def connect(bootstrap: list[str], delivery_limit: float, largest: int = LARGEST) -> Any:
    """Connect an idempotent producer that waits for all in-sync replicas; blocks.

    Args:
        bootstrap: each `host:port`.
        delivery_limit: seconds after which a message fails; connecting may take half of it.
        largest: bytes of a message with its headers.

    Raises:
        KafkaError: no broker answers.
    """
    clients: list[Any] = []

    def client(**config: Any) -> Any:
        clients.append(KafkaNetClient(**config))
        return clients[-1]

    limit_ms = int(delivery_limit * 1000)
    try:
        return KafkaProducer(
            bootstrap_servers=bootstrap,
            acks="all",
            enable_idempotence=True,
            allow_auto_create_topics=False,
            max_request_size=largest,
            delivery_timeout_ms=limit_ms,
            request_timeout_ms=limit_ms // 2,
            bootstrap_timeout_ms=limit_ms // 2,
            max_block_ms=limit_ms // 2,
            reconnect_backoff_max_ms=_RECONNECT_AT_MOST_MS,
            metrics_enabled=False,
            kafka_client=client,
        )
    except BaseException:
        for opened in clients:
            opened.close()
        raise


def dispose(producer: Any, limit: float) -> None:
    """Flush for at most `limit` seconds, then close, if need be by force; blocks."""
    with contextlib.suppress(KafkaTimeoutError):
        producer.close(timeout=limit)
        return
    # close() gave up flushing and left its network thread running.
    producer._sender.force_close()  # noqa: SLF001
    producer._sender.join(limit)  # noqa: SLF001
    with contextlib.suppress(KafkaTimeoutError):
        producer.close(timeout=0)
