"""Every metric of the service, in one list. docs/metrics.md explains them; a test compares the two.

No label names a unit, an order or a person: the label sets are bounded by what the program is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from schemas.errors import REASONS

_SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)


class Metrics:
    """One for each process, made where the process is put together.

    Parts count as things happen; what only has a present value is set by the functions in
    `on_scrape`, which are called before each answer, in a thread.
    """

    def __init__(self) -> None:
        self.registry: Final = CollectorRegistry()
        self.on_scrape: Final[list[Callable[[], None]]] = []

        # HTTP
        self.http_requests = self._counter(
            "hotline_http_requests_total",
            "Requests answered, by the template of the route.",
            ("method", "route", "status"),
        )
        self.http_request_seconds = self._histogram(
            "hotline_http_request_seconds",
            "Seconds until an answer began.",
            ("method", "route"),
        )

        # Gateway
        self.gateway_events = self._counter(
            "hotline_gateway_events_total",
            "Events pushed to the gateway: accepted, duplicate or refused.",
            ("outcome",),
        )
        self.gateway_pending_bytes = self._gauge(
            "hotline_gateway_pending_bytes",
            "Bytes of requests in work and of frames that the broker has not acknowledged yet.",
        )
        self.gateway_limit_bytes = self._gauge(
            "hotline_gateway_limit_bytes",
            "Bytes from which on the gateway answers 503.",
        )

        # Scoring, by partition
        self.partition_lag = self._gauge(
            "hotline_partition_lag_messages",
            "Messages of work-order-events that are not stored yet.",
            ("partition",),
        )
        self.shard_behind_seconds = self._gauge(
            "hotline_shard_behind_seconds",
            "Seconds by which the stored clock of a shard is behind.",
            ("partition",),
        )
        self.shard_ready = self._gauge(
            "hotline_shard_ready",
            "1 if a partition held here is loaded and its store takes what is written, else 0.",
            ("partition",),
        )
        self.shard_counters = self._gauge(
            "hotline_shard_counters",
            "Counters of a shard that are not zero.",
            ("partition",),
        )
        self.shard_hot_orders = self._gauge(
            "hotline_shard_hot_orders",
            "Orders of a shard that are kept in memory.",
            ("partition",),
        )
        self.shard_hot_events = self._gauge(
            "hotline_shard_hot_events",
            "Events of the orders of a shard that are kept in memory.",
            ("partition",),
        )
        self.shard_boundaries = self._gauge(
            "hotline_shard_boundaries",
            "Instants to come, of orders of a shard, that are kept in memory.",
            ("partition",),
        )
        self.shard_mailbox_bytes = self._gauge(
            "hotline_shard_mailbox_bytes",
            "Bytes read from the log that wait for the next flush.",
            ("partition",),
        )
        self.flush_seconds = self._histogram(
            "hotline_flush_seconds",
            "Seconds of a flush that held messages: computed, stored, published, committed.",
        )
        self.events = self._counter(
            "hotline_events_total",
            "Events that were new and are stored.",
        )
        self.event_to_rank_seconds = self._histogram(
            "hotline_event_to_rank_seconds",
            "Seconds from the time of a message in the log until every ranking counts it.",
        )
        self.store_retries = self._counter(
            "hotline_store_retries_total",
            "Failed calls of the store that are repeated: unavailable, or refused.",
            ("cause",),
        )
        self.dead_letters = self._counter(
            "hotline_dead_letters_total",
            "Events that could not be counted; one that is read again counts again.",
            ("reason",),
        )

        # Push
        self.push_deliveries = self._counter(
            "hotline_push_deliveries_total",
            "Attempts to deliver a message: delivered, failed or given_up.",
            ("outcome",),
        )

        # Reconcile, by partition
        self.reconcile_differences = self._gauge(
            "hotline_reconcile_differences",
            "What differed when a shard was last compared with itself.",
            ("partition",),
        )
        self.reconcile_incomplete = self._gauge(
            "hotline_reconcile_incomplete",
            "1 if the last comparison never found all of a shard at rest, else 0.",
            ("partition",),
        )
        self._begin_at_zero()

    def text(self) -> bytes:
        """All values in Prometheus' text format (blocking)."""
        for update in self.on_scrape:
            update()
        return generate_latest(self.registry)

    def _begin_at_zero(self) -> None:
        """A series that begins with its first event has no increase that a rule could see."""
        for outcome in ("accepted", "duplicate", "refused"):
            self.gateway_events.labels(outcome)
        for cause in ("unavailable", "refused"):
            self.store_retries.labels(cause)
        for reason in REASONS:
            self.dead_letters.labels(reason)
        for outcome in ("delivered", "failed", "given_up"):
            self.push_deliveries.labels(outcome)

    def _counter(self, name: str, help_: str, labels: Iterable[str] = ()) -> Counter:
        return Counter(name, help_, labels, registry=self.registry)

    def _gauge(self, name: str, help_: str, labels: Iterable[str] = ()) -> Gauge:
        return Gauge(name, help_, labels, registry=self.registry)

    def _histogram(self, name: str, help_: str, labels: Iterable[str] = ()) -> Histogram:
        return Histogram(name, help_, labels, registry=self.registry, buckets=_SECONDS)
