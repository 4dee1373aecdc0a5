from __future__ import annotations

import pytest
from opentelemetry.trace import SpanKind, StatusCode, get_current_span

from schemas.codec import decode_event
from services.traces.spans import (
    LINKS,
    Traces,
    current_traceparent,
    end,
    name_events,
    traceparent,
)
from tests.integration.ingest.support import dispatched
from tests.support.collected import Collected, context_of, header_of, parent_of

CALLER = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
UNRECORDED = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"


def other(number: int) -> str:
    """The header of another recorded trace."""
    return f"00-{number:032x}-{number:016x}-01"


def test_without_a_provider_there_is_no_trace_and_nothing_is_told() -> None:
    traces = Traces()
    with traces.begun("accept", CALLER) as span, traces.part("fold") as part:
        assert not span.is_recording()
        assert not part.is_recording()
        assert traces.current() == []
        assert current_traceparent() == ""
    assert traces.read([CALLER]) == []


def test_a_trace_goes_from_step_to_step() -> None:
    collected = Collected()
    traces = collected.traces
    with traces.begun("accept", None):
        produce = traces.follow("produce", traces.current(), SpanKind.PRODUCER)
        told = traceparent(produce)
        end(produce)
    with traces.continued("flush", traces.read([None, told])), traces.part("fold"):
        pass
    fold, flush = collected.named("fold")[0], collected.named("flush")[0]
    assert told == header_of(collected.named("produce")[0])
    assert len({context_of(span).trace_id for span in collected.spans()}) == 1
    assert parent_of(fold) == context_of(flush).span_id
    assert parent_of(flush) == context_of(collected.named("produce")[0]).span_id
    assert (
        parent_of(collected.named("produce")[0]) == context_of(collected.named("accept")[0]).span_id
    )
    assert parent_of(collected.named("accept")[0]) is None
    assert not get_current_span().is_recording()


def test_the_trace_of_a_caller_goes_on() -> None:
    collected = Collected()
    with collected.traces.begun("accept", CALLER):
        pass
    [span] = collected.spans()
    assert f"{context_of(span).trace_id:032x}" in CALLER
    assert f"{parent_of(span):016x}" in CALLER


@pytest.mark.parametrize("caller", ["", "nonsense", "00-0-0-01", "13900000000"])
def test_a_header_that_is_none_begins_a_trace(caller: str) -> None:
    collected = Collected()
    with collected.traces.begun("accept", caller):
        pass
    assert parent_of(collected.spans()[0]) is None
    assert collected.traces.read([caller]) == []


def test_what_the_caller_does_not_record_is_not_recorded_here_either() -> None:
    collected = Collected()
    traces = collected.traces
    with traces.begun("accept", UNRECORDED) as span:
        assert traces.current() == []
        assert traceparent(span) == ""
    assert traces.read([UNRECORDED]) == []
    assert collected.spans() == ()


def test_a_step_of_no_trace_makes_no_span() -> None:
    collected = Collected()
    with collected.traces.continued("flush", []), collected.traces.part("fold"):
        pass
    end(collected.traces.follow("produce", [], SpanKind.PRODUCER))
    assert collected.spans() == ()


def test_one_step_of_many_traces_belongs_to_the_first_and_is_linked_to_the_others() -> None:
    collected = Collected()
    origins = collected.traces.read([CALLER, *map(other, range(1, 4)), CALLER])
    with collected.traces.continued("flush", origins):
        pass
    [span] = collected.spans()
    assert f"{parent_of(span):016x}" in CALLER
    assert [link.context.span_id for link in span.links] == [1, 2, 3]


def test_the_links_of_a_flood_are_bounded() -> None:
    collected = Collected()
    origins = collected.traces.read(map(other, range(1, 10_000)))
    with collected.traces.continued("flush", origins):
        pass
    assert len(collected.spans()[0].links) == LINKS


def test_of_an_error_only_its_kind_is_told() -> None:
    collected = Collected()
    with pytest.raises(ValueError, match="张三"), collected.traces.begun("accept", None):
        raise ValueError("张三 13900000000")
    [span] = collected.spans()
    assert (span.status.status_code, span.status.description) == (StatusCode.ERROR, "ValueError")
    assert not span.events
    assert "13900000000" not in collected.text()


def test_a_span_names_events_and_orders_and_not_what_they_hold() -> None:
    collected = Collected()
    events = [decode_event(dispatched(number)).event for number in range(100)]
    with collected.traces.begun("accept", None) as span:
        name_events(span, [*events, *events])
    attributes = collected.spans()[0].attributes
    assert attributes is not None
    assert attributes["hotline.event_count"] == 200
    assert attributes["hotline.order_count"] == 100
    assert attributes["hotline.orders"] == tuple(event.subject for event in events[:64])
    assert attributes["hotline.events"] == tuple(event.id for event in events[:64])
    assert "110105001" not in collected.text()
