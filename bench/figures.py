"""What a benchmark hands back, and how its figures are made from raw times."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple


class Figure(NamedTuple):
    """One measured number, written as it shall be read."""

    what: str
    value: str


@dataclass(frozen=True, slots=True)
class Result:
    """What one benchmark found: how it was done, its figures, what bounds them, what we want."""

    title: str
    method: str
    figures: tuple[Figure, ...]
    bound: str
    goal: str = ""


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much is measured. Everything else is fixed, so that two runs compare."""

    codec_events: int = 50_000
    rules_events: int = 50_000
    rules_compiled: bool = True  # it takes half a minute to build
    explained_orders: int = 1_000
    replay_events: int = 200_000
    single_events: int = 40_000
    scaling_events: int = 300_000
    live_rates: tuple[int, ...] = (500, 2_000)
    live_seconds: int = 20
    ranking_orders: int = 2_000_000
    ranking_seconds: int = 20
    stream_clients: int = 1_000
    open_orders: int = 500_000
    import_rows: int = 40_000
    what_if_orders: int = 200_000


QUICK = Sizes(
    codec_events=5_000,
    rules_events=5_000,
    rules_compiled=False,
    explained_orders=50,
    replay_events=10_000,
    single_events=2_000,
    scaling_events=10_000,
    live_rates=(200,),
    live_seconds=4,
    ranking_orders=2_000,
    ranking_seconds=2,
    stream_clients=50,
    open_orders=2_000,
    import_rows=1_000,
    what_if_orders=1_000,
)


def per_second(what: str, count: int, seconds: float, unit: str = "events/s") -> Figure:
    """Write a rate and what it was computed from."""
    return Figure(what, f"{count / seconds:,.0f} {unit} ({count:,} in {seconds:.2f} s)")


def quantiles(what: str, seconds: Sequence[float]) -> Figure:
    """Write the median, the 99th percentile (nearest rank) and the worst, in milliseconds."""
    if not seconds:
        return Figure(what, "no sample")
    ordered = sorted(seconds)
    p50, p99 = (ordered[-(-len(ordered) * percent // 100) - 1] for percent in (50, 99))
    return Figure(
        what,
        f"p50 {p50 * 1000:.1f} ms, p99 {p99 * 1000:.1f} ms, "
        f"worst {ordered[-1] * 1000:.1f} ms ({len(ordered):,} samples)",
    )


def ratio(what: str, numerator: float, denominator: float) -> Figure:
    """Write how many times one is the other."""
    return Figure(what, f"{numerator / denominator:.1f} x")
