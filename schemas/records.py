"""What the rooms hand to each other: plain immutable tuples, cheap enough for the stream."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from schemas.instants import Instant


class Event(NamedTuple):
    """One validated work-order event.

    The first four fields are the fold's sort key (occurred_at, place of the type in the life
    cycle, source, id), so events sort by content alone as plain tuples. ``type`` has no
    ``workorder.`` prefix. ``data`` holds the listed fields only; instants in it are RFC 3339
    texts in UTC as `schemas.instants.format_instant` writes them. ``digest`` is BLAKE2b-128
    over the content (type, subject, time, data), not over its place in the log.
    """

    occurred_at: Instant
    place: int
    source: str
    id: str
    type: str
    subject: str
    data: dict[str, Any]
    digest: bytes


class Position(NamedTuple):
    """A place in one partition's log. A new, empty log continues the old one under epoch + 1."""

    epoch: int
    offset: int


class LoggedEvent(NamedTuple):
    """An event, where the log holds it, and the names of unknown fields that were dropped."""

    event: Event
    position: Position
    frame_index: int
    dropped: tuple[str, ...] = ()


class DeadLetter(NamedTuple):
    """What could not be counted, and why. Never the payload: it may hold personal data.

    ``topic``, ``partition``, ``position``, ``frame_index`` find the original in the log.
    ``reason`` is a code (docs/events.md), ``path`` a JSON pointer, ``detail`` a sentence that
    echoes no value. Identity fields are empty where the original had no valid one.
    """

    topic: str
    partition: int
    position: Position
    frame_index: int
    reason: str
    path: str
    detail: str
    source: str = ""
    id: str = ""
    subject: str = ""
    type: str = ""


class Contribution(NamedTuple):
    """What one order adds to one sum: (ranking, unit, indicator or count, attributed instant).

    ``numerator`` is in thousandths (基本满意 = 900). A count (volume, a state, returned, …) has
    denominator 1 and numerator 0. ``unit`` is "" while no unit leads the order.
    """

    ranking: str
    unit: str
    indicator: str
    attributed_at: Instant
    denominator: int
    numerator: int


FlatSpan = tuple[Instant, Instant, str, str, str, Instant, int, int]
"""The fields of a `Span`; to give each span its names would cost the rules a fifth of their time."""


class Span(NamedTuple):
    """A contribution in force during [begins_at, ends_at); ends_at may be FOREVER."""

    begins_at: Instant
    ends_at: Instant
    ranking: str
    unit: str
    indicator: str
    attributed_at: Instant
    denominator: int
    numerator: int

    @property
    def contribution(self) -> Contribution:
        """What is in force."""
        return Contribution._make(self[2:])


class OrderSummary(NamedTuple):
    """The columns people filter orders by, as of all events known. Never depends on a clock."""

    source: str
    unit: str
    received_at: Instant | None
    demand_type: str
    channel: str
    urgency: str
    category: tuple[str, ...]
    community: str
    resolve_due: Instant | None
    resolved_at: Instant | None


class Outcome(NamedTuple):
    """All an order yields under one policy: spans say what it adds at any instant.

    ``boundaries`` are the instants, ascending, at which the set of contributions changes.
    """

    flat: tuple[FlatSpan, ...]
    boundaries: tuple[Instant, ...]
    summary: OrderSummary

    @property
    def spans(self) -> tuple[Span, ...]:
        """The spans by the names of their fields."""
        return tuple(map(Span._make, self.flat))


class Elapsed(NamedTuple):
    """How long the lead took for a step of its handling, as it is known during [begins_at, ends_at).

    ``step``: sign, contact or resolve. ``took``: microseconds since the dispatch.
    """

    begins_at: Instant
    ends_at: Instant
    step: str
    took: int


class OrderRow(NamedTuple):
    """One order as stored: the digests of the events its outcome has folded, and the outcome.

    ``elapsed`` is written with them and added up where it is stored: None where it was not
    computed, or not read back.
    """

    subject: str
    folded: frozenset[bytes]
    outcome: Outcome
    elapsed: tuple[Elapsed, ...] | None = None


CYCLE_TOTAL: Final = "/cycle"
"""Behind the name of a ranking: its counters added up over whole cycles."""


class CounterKey(NamedTuple):
    """``bucket`` is the first instant of a quarter hour of UTC; of a `CYCLE_TOTAL`, of the cycle."""

    ranking: str
    unit: str
    indicator: str
    bucket: Instant


class Sums(NamedTuple):
    """``numerator`` in thousandths."""

    denominator: int
    numerator: int


ZERO = Sums(0, 0)


class Fence(NamedTuple):
    """Who may write a shard: the greatest (epoch, token) claimed. Token = offset of the claim."""

    epoch: int
    token: int

    def number(self) -> int:
        """Fit into a UInt64 that sorts alike."""
        return (self.epoch << 44) | self.token


class FlushMark(NamedTuple):
    """What a shard had stored: log position (last one folded), clock, and its flush number.

    ``totals``: and the totals of its cycles, as every worker does that knows of them.
    """

    fence: Fence
    flush: int
    position: Position
    clock: Instant
    totals: bool = True

    def version(self) -> int:
        """Fit (epoch, token, flush number) into a UInt128 that sorts alike."""
        return (self.fence.number() << 48) | self.flush


class Unit(NamedTuple):
    """One row of the registry. ``kind``: street, functional_zone, district, department, company.

    ``parent`` is the code of the district (or ""); ``group`` is the peer group (or "").
    """

    code: str
    name: str
    kind: str
    parent: str = ""
    group: str = ""
