"""Messages of the log by their place: the originals of dead letters, which are kept nowhere else."""

from __future__ import annotations

import time
from typing import Any, Final, NamedTuple, Self

from kafka import KafkaConsumer, TopicPartition

_CONNECT_MS: Final = 10_000
_POLL_MS: Final = 500
_PATIENCE: Final = 10.0  # seconds for one message that should be there


class Original(NamedTuple):
    """One message. ``value`` is b"" for a tombstone."""

    content_type: str | None
    value: bytes


class Originals:
    """Reads single messages, commits nothing and belongs to no group. For one thread; close it.

    Args:
        bootstrap: ``host:port``, several separated by commas.
        patience: Seconds to wait for a message before it counts as gone.

    Raises:
        KafkaError: no broker answers; also by `read`.
    """

    def __init__(self, bootstrap: str, *, patience: float = _PATIENCE) -> None:
        self._patience = patience
        self._consumer: Any = KafkaConsumer(
            bootstrap_servers=bootstrap.split(","),
            group_id=None,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            fetch_max_wait_ms=100,
            max_poll_records=1,
            metrics_enabled=False,
            bootstrap_timeout_ms=_CONNECT_MS,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._consumer.close()

    def read(self, topic: str, partition: int, offset: int) -> Original | None:
        """The message at a place; None if the log does not hold it any more."""
        at = TopicPartition(topic, partition)
        self._consumer.assign([at])
        self._consumer.seek(at, offset)
        # No look at the end of the log: not every broker tells it rightly.
        deadline = time.monotonic() + self._patience
        while time.monotonic() < deadline:
            for records in self._consumer.poll(timeout_ms=_POLL_MS).values():
                record = records[0]
                if record.offset != offset:  # the log begins later, or was compacted
                    return None
                return Original(content_type_of(record.headers), record.value or b"")
        return None


def content_type_of(headers: Any) -> str | None:
    """The content type among the headers of a message."""
    for name, value in headers or ():
        if name.lower() == "content-type" and value is not None:
            return str(value.decode("ascii", "replace"))
    return None
