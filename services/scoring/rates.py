"""Messages of `street-rates`: what one flush of one shard changed, as absolute values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Final, NamedTuple

import orjson

from schemas.records import CounterKey, Fence, FlushMark, Position, Sums

# About 100 bytes each; a message stays well below Kafka's default limit of 1 MiB.
_COUNTERS_IN_ONE: Final = 5_000


class RatesMessage(NamedTuple):
    """Part ``part`` of ``parts`` of one flush; a flush holds only when all parts are there."""

    shard: int
    ruleset: int
    mark: FlushMark
    part: int
    parts: int
    counters: Mapping[CounterKey, Sums]


def encode_rates(
    shard: int, ruleset: int, mark: FlushMark, counters: Mapping[CounterKey, Sums]
) -> list[bytes]:
    """Write the messages of one flush, at least one: it carries position and clock too."""
    parts = max(1, -(-len(counters) // _COUNTERS_IN_ONE))
    head = {
        "shard": shard,
        "ruleset": ruleset,
        "epoch": mark.fence.epoch,
        "token": mark.fence.token,
        "flush": mark.flush,
        "position": [*mark.position],
        "clock": mark.clock,
        "parts": parts,
    }
    return [
        orjson.dumps({**head, "part": part, "counters": chunk})
        for part, chunk in enumerate(_chunks(counters, parts))
    ]


def decode_rates(value: bytes) -> RatesMessage:
    """Read one message.

    Raises:
        ValueError: not one of ours.
    """
    try:
        raw = orjson.loads(value)
        mark = FlushMark(
            fence=Fence(raw["epoch"], raw["token"]),
            flush=raw["flush"],
            position=Position(*raw["position"]),
            clock=raw["clock"],
        )
        counters = {
            CounterKey(ranking, unit, indicator, bucket): Sums(denominator, numerator)
            for ranking, unit, indicator, bucket, denominator, numerator in raw["counters"]
        }
        return RatesMessage(raw["shard"], raw["ruleset"], mark, raw["part"], raw["parts"], counters)
    except (KeyError, TypeError) as error:
        raise ValueError("not a message of street-rates") from error


def _chunks(counters: Mapping[CounterKey, Sums], parts: int) -> Iterator[list[tuple[object, ...]]]:
    rows = iter(counters.items())
    for _ in range(parts):
        yield [(*key, *sums) for key, sums in islice(rows, _COUNTERS_IN_ONE)]
