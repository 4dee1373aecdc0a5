"""Traces of events on their way into the store and the rankings. Off unless a provider is given.

    accept ─▶ produce ─ work-order-events ─▶ flush ─ street-rates ─▶ rank
                                             └ fold, store

Only the gateway begins a trace. What comes after it continues the traces that it is told of in
`traceparent`, the header of W3C Trace Context, and makes no span where there is none. One step
serves many traces: it belongs to the first one and is linked to the others.

Attributes are numbers and validated identifiers; of an error only its kind is told.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from opentelemetry.trace import (
    INVALID_SPAN,
    Link,
    NonRecordingSpan,
    NoOpTracer,
    Span,
    SpanContext,
    SpanKind,
    StatusCode,
    TracerProvider,
    get_current_span,
    set_span_in_context,
    use_span,
)
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from schemas.records import Event

TRACEPARENT: Final = "traceparent"
LINKS: Final = 64  # of one span; the others of a flood go without
_NAMED: Final = 64  # events and orders that a span names

_propagator: Final = TraceContextTextMapPropagator()


class Traces:
    """One for each process, made where the process is put together.

    Args:
        provider: makes the spans; without one there are none.
    """

    def __init__(self, provider: TracerProvider | None = None) -> None:
        self._is_on = provider is not None
        self._tracer = NoOpTracer() if provider is None else provider.get_tracer("hotline-rates")

    @contextmanager
    def begun(self, name: str, caller: str | None) -> Iterator[Span]:
        """A span that begins a trace, or continues the caller's; current while the block runs.

        Args:
            name: of the span.
            caller: what its `traceparent` says.
        """
        if not self._is_on:
            yield INVALID_SPAN
            return
        context = _propagator.extract({TRACEPARENT: caller} if caller else {})
        span = self._tracer.start_span(name, context=context, kind=SpanKind.SERVER)
        with _running(span):
            yield span

    def follow(self, name: str, origins: Sequence[SpanContext], kind: SpanKind) -> Span:
        """A span that continues traces; it is ended by the caller, with `end`."""
        if not origins:
            return INVALID_SPAN
        return self._tracer.start_span(
            name,
            context=set_span_in_context(NonRecordingSpan(origins[0])),
            kind=kind,
            links=[Link(origin) for origin in origins[1 : LINKS + 1]],
        )

    @contextmanager
    def continued(
        self, name: str, origins: Sequence[SpanContext], kind: SpanKind = SpanKind.INTERNAL
    ) -> Iterator[Span]:
        """The same, current while the block runs, and ended with it."""
        if not origins:
            yield INVALID_SPAN
            return
        with _running(self.follow(name, origins, kind)) as span:
            yield span

    @contextmanager
    def part(self, name: str) -> Iterator[Span]:
        """A part of the current span, if there is one."""
        if not self._is_on or not get_current_span().is_recording():
            yield INVALID_SPAN
            return
        with _running(self._tracer.start_span(name)) as span:
            yield span

    def current(self) -> list[SpanContext]:
        """What follows from the current span continues: its trace, if it is recorded."""
        span = get_current_span() if self._is_on else INVALID_SPAN
        return [span.get_span_context()] if span.is_recording() else []

    def read(self, told: Iterable[str | None]) -> list[SpanContext]:
        """The recorded traces that headers tell of, each once, in their order."""
        if not self._is_on:
            return []
        found: dict[tuple[int, int], SpanContext] = {}
        for header in told:
            if header and len(found) <= LINKS:
                context = _propagator.extract({TRACEPARENT: header})
                origin = get_current_span(context).get_span_context()
                if origin.is_valid and origin.trace_flags.sampled:
                    found[origin.trace_id, origin.span_id] = origin
        return list(found.values())


def traceparent(span: Span) -> str:
    """The header that tells of a span; empty if it is not recorded."""
    if not span.is_recording():
        return ""
    carrier: dict[str, str] = {}
    _propagator.inject(carrier, set_span_in_context(span))
    return carrier[TRACEPARENT]


def current_traceparent() -> str:
    """The header that tells of the current span; empty if there is none."""
    return traceparent(get_current_span())


def name_events(span: Span, events: Iterable[Event]) -> None:
    """Let a span say which events it is about: how many, and the first of them by name."""
    if not span.is_recording():
        return
    known = list(events)
    orders = list(dict.fromkeys(event.subject for event in known))
    span.set_attributes(
        {
            "hotline.event_count": len(known),
            "hotline.order_count": len(orders),
            "hotline.events": [event.id for event in known[:_NAMED]],
            "hotline.orders": orders[:_NAMED],
        }
    )


def end(span: Span, error: BaseException | None = None) -> None:
    """End a span that `Traces.follow` has made; of an error it tells the kind."""
    if error is not None:
        span.set_status(StatusCode.ERROR, type(error).__name__)
    span.end()


@contextmanager
def _running(span: Span) -> Iterator[Span]:
    failure: BaseException | None = None
    try:
        # What an error says may quote what an event holds.
        with use_span(span, record_exception=False, set_status_on_exception=False):
            yield span
    except BaseException as error:
        failure = error
        raise
    finally:
        end(span, failure)
