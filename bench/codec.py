"""From bytes to validated events and back, without anything around it."""

from __future__ import annotations

from collections.abc import Iterator
from time import perf_counter

import orjson

from bench.city import encoded, month
from bench.figures import Figure, Result, Sizes, per_second, ratio
from schemas.codec import Decoded, decode_frame, encode_event, encode_frame
from schemas.topics import BATCH_JSON, FRAME_EVENTS


def measure(sizes: Sizes) -> Result:
    """Decode and encode frames of 500 events."""
    events = encoded(month(sizes.codec_events))
    bodies = [
        encode_frame(events[start : start + FRAME_EVENTS])
        for start in range(0, len(events), FRAME_EVENTS)
    ]
    for body in bodies:
        orjson.loads(body)
    began = perf_counter()
    for body in bodies:
        orjson.loads(body)
    parsing = perf_counter() - began

    began = perf_counter()
    read = [decode_frame(BATCH_JSON, body) for body in bodies]
    decoding = perf_counter() - began
    decoded = [item for frame in read for item in frame if isinstance(item, Decoded)]
    assert len(decoded) == len(events), "every event of the demo city is valid"

    began = perf_counter()
    for event in decoded:
        encode_event(event)
    encoding = perf_counter() - began
    ours = [encode_frame([encode_event(item) for item in items]) for items in _framed(decoded)]
    began = perf_counter()
    for body in ours:
        decode_frame(BATCH_JSON, body)
    again = perf_counter() - began
    size = sum(map(len, bodies)) // len(events)
    return Result(
        "Codec",
        f"{len(events):,} events of the demo city, {size} bytes each, in frames of {FRAME_EVENTS}; "
        "one thread.",
        (
            per_second("decode and validate", len(events), decoding),
            per_second("decode what the gateway has written", len(events), again),
            per_second("encode", len(events), encoding),
            per_second("JSON parser alone (orjson), the floor", len(events), parsing),
            ratio("decode, compared with the parser alone", decoding, parsing),
            Figure("decode, one event", f"{decoding / len(events) * 1e6:.1f} µs"),
        ),
        "One core: the fields' checks, the instants, the canonical JSON and its BLAKE2b digest.",
    )


def _framed(decoded: list[Decoded]) -> Iterator[list[Decoded]]:
    for start in range(0, len(decoded), FRAME_EVENTS):
        yield decoded[start : start + FRAME_EVENTS]
