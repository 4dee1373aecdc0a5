"""Stored orders compared with what their archived events come to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final, NamedTuple

from schemas.instants import EARLIEST, Instant
from schemas.records import ZERO, CounterKey, FlatSpan, OrderRow, Sums
from services.domain.outcome import NOTHING, contributions_at, evaluate
from services.domain.policy import Policy
from services.domain.windows import bucket_of
from services.scoring.order_state import OrderState
from services.scoring.reconcile.difference import ARCHIVE, ORDERS, Difference, differing
from services.storage.shard_store import ShardStore

FOLDED: Final = "folded events"
"""In place of an indicator: an order adds the same, but out of other events."""


class Block(NamedTuple):
    """Some orders, looked at once. ``unsettled`` ones have events that no flush row covers yet."""

    compared: int
    not_evaluable: int
    unsettled: list[str]
    differences: list[Difference]


def look(store: ShardStore, policy: Policy, subjects: Sequence[str]) -> Block:
    """Evaluate orders again (blocking).

    The order of the reads is the point: whatever a row has folded beyond the mark, the archive,
    which is written before the rows and read after them, shows as an event beyond the mark.
    """
    mark = store.last_flush()
    rows = store.fetch_rows(subjects)
    archived = store.fetch_events(subjects)
    block = Block(0, 0, [], [])
    if mark is None:
        return block._replace(unsettled=list(subjects))
    compared = not_evaluable = 0
    for subject in subjects:
        events = archived.get(subject, ())
        if any(logged.position > mark.position for logged in events):
            block.unsettled.append(subject)
            continue
        counted = OrderState(events, None).events()
        try:
            computed = evaluate(counted, policy).flat
        except Exception:  # noqa: BLE001 - as when scoring: it is a dead letter, and its row is old
            not_evaluable += 1
            continue
        compared += 1
        row = rows.get(subject) or OrderRow(subject, frozenset(), NOTHING)
        digests = frozenset(event.digest for event in counted)
        if sorted(row.outcome.flat) != sorted(computed):
            found = _first(store.shard, row.outcome.flat, computed, mark.clock)
            block.differences.append(found._replace(order=subject))
        elif row.folded != digests:
            block.differences.append(_folded(store.shard, row, digests))
    return block._replace(compared=compared, not_evaluable=not_evaluable)


def _folded(shard: int, row: OrderRow, digests: frozenset[bytes]) -> Difference:
    key = CounterKey("", "", FOLDED, EARLIEST)
    stored, archived = Sums(len(row.folded), 0), Sums(len(digests), 0)
    return Difference(shard, key, ORDERS, stored, ARCHIVE, archived, row.subject)


def _first(
    shard: int, stored: Sequence[FlatSpan], computed: Sequence[FlatSpan], clock: Instant
) -> Difference:
    """The first counter that the order changes wrongly; if none now, at another instant."""
    now = differing(shard, ORDERS, _sums(stored, clock), ARCHIVE, _sums(computed, clock))
    first = next(now, None)
    if first is not None:
        return first
    mine, theirs = Counter(stored), Counter(computed)
    span = min([*(mine - theirs), *(theirs - mine)])
    return Difference(
        shard, _key(span), ORDERS, _times(span, mine[span]), ARCHIVE, _times(span, theirs[span])
    )


def _sums(spans: Sequence[FlatSpan], clock: Instant) -> dict[CounterKey, Sums]:
    sums: dict[CounterKey, Sums] = {}
    for part in contributions_at(spans, clock):
        key = CounterKey(part.ranking, part.unit, part.indicator, bucket_of(part.attributed_at))
        old = sums.get(key, ZERO)
        sums[key] = Sums(old.denominator + part.denominator, old.numerator + part.numerator)
    return sums


def _key(span: FlatSpan) -> CounterKey:
    _begins, _ends, ranking, unit, indicator, attributed_at, _denominator, _numerator = span
    return CounterKey(ranking, unit, indicator, bucket_of(attributed_at))


def _times(span: FlatSpan, count: int) -> Sums:
    return Sums(span[6] * count, span[7] * count)
