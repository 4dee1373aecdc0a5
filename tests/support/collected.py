"""Spans kept in memory, as a collector would get them."""

from __future__ import annotations

from collections.abc import Sequence

from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanContext, format_span_id, format_trace_id

from services.traces.spans import Traces


class Collected:
    """A collector in this process; ``traces`` are what sends to it."""

    def __init__(self) -> None:
        self._exporter = InMemorySpanExporter()
        self._provider = TracerProvider(shutdown_on_exit=False)
        self._provider.add_span_processor(SimpleSpanProcessor(self._exporter))
        self.traces = Traces(self._provider)

    def spans(self) -> Sequence[ReadableSpan]:
        """All that have ended."""
        return self._exporter.get_finished_spans()

    def named(self, name: str) -> list[ReadableSpan]:
        """Those of one name."""
        return [span for span in self.spans() if span.name == name]

    def text(self) -> str:
        """All that is known of them."""
        return "".join(span.to_json() for span in self.spans())


def context_of(span: ReadableSpan) -> SpanContext:
    """Which span it is."""
    context = span.get_span_context()
    assert context is not None
    return context


def parent_of(span: ReadableSpan) -> int | None:
    """The id of the span that it is part of."""
    return None if span.parent is None else span.parent.span_id


def header_of(span: ReadableSpan) -> str:
    """The `traceparent` that tells of it."""
    context = context_of(span)
    trace_id, span_id = format_trace_id(context.trace_id), format_span_id(context.span_id)
    return f"00-{trace_id}-{span_id}-{context.trace_flags:02x}"
