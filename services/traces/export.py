"""Sends spans to a collector by OTLP over HTTP. Needs the optional part ``otel``."""

from __future__ import annotations

from importlib.metadata import version
from typing import Final

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased

_SECONDS: Final = 3  # of one attempt and its repetitions; a stop waits for the last of them


def exporting(url: str, ratio: float, process: str) -> TracerProvider:
    """Make a provider whose spans go to a collector, in batches, by a thread of its own.

    A collector that is away costs nothing but the spans: what waits for it is bounded.

    Args:
        url: such as ``http://collector:4318/v1/traces``.
        ratio: which part of the traces that begin here is recorded, from 0 to 1.
        process: what this process does.
    """
    provider = TracerProvider(
        sampler=ParentBased(TraceIdRatioBased(ratio)),
        resource=Resource(
            {
                "service.name": f"hotline-{process}",
                "service.version": version("hotline-rates"),
            }
        ),
        shutdown_on_exit=False,
    )
    provider.add_span_processor(
        BatchSpanProcessor(OTLPSpanExporter(endpoint=url, timeout=_SECONDS))
    )
    return provider
