"""The tables as one shard sees them: its claim, what it loads, and the steps of its flush.

docs/storage.md tells the order of the steps and what counts as stored.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from uuid import uuid4

from schemas.instants import QUARTER_HOUR, Instant
from schemas.records import (
    CYCLE_TOTAL,
    CounterKey,
    Fence,
    FlushMark,
    LoggedEvent,
    OrderRow,
    Position,
    Sums,
)
from services.storage import rows
from services.storage.chunks import by_bytes
from services.storage.database import Database
from services.storage.marks import flush_mark
from services.storage.shard_orders import orders_touched, orders_unbuilt


def shards_claimed(db: Database) -> list[int]:
    """The shards that ever had an owner, ascending."""
    return [n for (n,) in db.query("SELECT DISTINCT shard FROM shard_claims ORDER BY shard")]


class ShardStore:
    """One shard under one ruleset. Every method may raise `StorageUnavailable`: repeat it then.

    Writers take effect only while the fence is the greatest claimed; a voided write is silent,
    so the owner asks `is_owner` after the last step of a flush.
    """

    def __init__(
        self, db: Database, shard: int, ruleset: int, *, claimant: str | None = None
    ) -> None:
        self.ruleset = ruleset
        self._db = db
        self.shard = shard
        self._claimant = claimant or uuid4().hex
        self._own: dict[str, Any] = {"shard": shard, "ruleset": ruleset}

    def under(self, ruleset: int) -> ShardStore:
        """The same shard, by the same claimant, under another ruleset."""
        return ShardStore(self._db, self.shard, ruleset, claimant=self._claimant)

    # Ownership

    def claim(self, fence: Fence, now: Instant) -> bool:
        """Make ``fence`` the greatest of this shard; False when it is not.

        Repeating a claim of one's own gives True again. Two claimants of one fence both lose.
        """
        number = fence.number()
        stored = self._claims_from(number)
        if stored and not self._is_alone(stored, number):
            return False
        if not stored:
            self._db.insert(
                "shard_claims",
                {
                    "shard": [self.shard],
                    "fence": [number],
                    "claimant": [self._claimant],
                    "claimed_at": [now],
                },
            )
        return self._is_alone(self._claims_from(number), number)

    def is_owner(self, fence: Fence) -> bool:
        """Whether ``fence`` is the greatest claimed, so that writes under it took effect."""
        return self._is_alone(self._claims_from(fence.number()), fence.number())

    def await_older_writes(self, fence: Fence) -> None:
        """Return when no insert under an older fence of this shard is running."""
        prefix = f"shard-{self.shard}-"
        self._db.await_inserts(
            prefix, lambda name: int(name.removeprefix(prefix).split("-")[0]) < fence.number()
        )

    def _claims_from(self, number: int) -> list[tuple[int, str]]:
        stored = self._db.query(
            "SELECT DISTINCT fence, claimant FROM shard_claims"
            " WHERE shard = {shard:UInt16} AND fence >= {fence:UInt64}",
            {**self._own, "fence": number},
        )
        return [(fence, claimant) for fence, claimant in stored]

    def _is_alone(self, claims: Sequence[tuple[int, str]], number: int) -> bool:
        return set(claims) == {(number, self._claimant)}

    # Loading

    def last_flush(self) -> FlushMark | None:
        """What this ruleset has stored."""
        found = self._db.query(
            "SELECT fence, flush, epoch, offset, clock, totals FROM shard_flushes"
            " WHERE shard = {shard:UInt16} AND ruleset = {ruleset:UInt32}"
            " ORDER BY version DESC LIMIT 1",
            self._own,
        )
        return flush_mark(found[0]) if found else None

    def resume_position(self) -> Position | None:
        """The greatest log position that any ruleset has stored."""
        found = self._db.query(
            "SELECT epoch, offset FROM shard_flushes WHERE shard = {shard:UInt16}"
            " ORDER BY epoch DESC, offset DESC LIMIT 1",
            self._own,
        )
        return Position._make(found[0]) if found else None

    def begun_rulesets(self, since: int) -> list[int]:
        """The rulesets from ``since`` on under which this shard has all its orders, ascending."""
        found = self._db.query(
            "SELECT DISTINCT ruleset FROM shard_flushes"
            " WHERE shard = {shard:UInt16} AND ruleset >= {since:UInt32} ORDER BY ruleset",
            {**self._own, "since": since},
        )
        return [ruleset for (ruleset,) in found]

    def unfolded(self, limit: int) -> Iterator[list[str]]:
        """Orders with archived events beyond `last_flush`, all when there is none; ascending.

        Orders whose row has folded them nevertheless may be among them: a crash between two steps
        of a flush leaves such. Lists of at most ``limit``.
        """
        mark = self.last_flush()
        yield from self.touched(mark.position if mark else None, limit)

    def touched(self, since: Position | None, limit: int) -> Iterator[list[str]]:
        """Orders with archived events beyond a position, all without one; ascending."""
        return orders_touched(self._db, self.shard, since, limit)

    def unbuilt(self, limit: int) -> Iterator[list[str]]:
        """Orders whose row of this ruleset is missing or has not folded their archived events.

        Ascending, in lists of at most ``limit``.
        """
        return orders_unbuilt(self._db, self.shard, self.ruleset, limit)

    def some_orders(self, limit: int) -> list[str]:
        """At most so many of the orders that have archived events."""
        found = self._db.query(
            "SELECT DISTINCT subject FROM events WHERE shard = {shard:UInt16} LIMIT {limit:UInt32}",
            {**self._own, "limit": limit},
        )
        return [subject for (subject,) in found]

    def fetch(
        self, subjects: Sequence[str]
    ) -> tuple[dict[str, OrderRow], dict[str, list[LoggedEvent]]]:
        """The row of each order that has one, and all its archived events in log order.

        Conflicting contents of one id are all there; of identical copies the first.
        """
        events = self.fetch_events(subjects)
        return self.fetch_rows(subjects), events

    def fetch_events(self, subjects: Sequence[str]) -> dict[str, list[LoggedEvent]]:
        """The events of `fetch` alone."""
        events: dict[str, list[LoggedEvent]] = {}
        for part in by_bytes(sorted(set(subjects))):
            found = self._db.query(
                f"SELECT {rows.listed(rows.EVENT_COLUMNS)} FROM events"  # noqa: S608 (names only)
                " WHERE shard = {shard:UInt16} AND subject IN {subjects:Array(String)}"
                " ORDER BY epoch, offset, frame_index LIMIT 1 BY subject, source, id, digest",
                {**self._own, "subjects": part},
            )
            for logged in rows.logged_events(found):
                events.setdefault(logged.event.subject, []).append(logged)
        return events

    def fetch_rows(self, subjects: Sequence[str]) -> dict[str, OrderRow]:
        """The row of each order that has one, without its events."""
        orders: dict[str, OrderRow] = {}
        for part in by_bytes(sorted(set(subjects))):
            orders |= self._rows({**self._own, "subjects": part})
        return orders

    def _rows(self, wanted: Mapping[str, Any]) -> dict[str, OrderRow]:
        found = self._db.query(
            f"SELECT {rows.listed(rows.ORDER_COLUMNS)} FROM work_orders"  # noqa: S608 (names only)
            " WHERE ruleset = {ruleset:UInt32}"
            " AND shard = {shard:UInt16} AND subject IN {subjects:Array(String)}"
            " ORDER BY version DESC LIMIT 1 BY subject",
            wanted,
        )
        return {row[0]: rows.order_row(row) for row in found}

    def contribution_sums(self, clock: Instant) -> dict[CounterKey, Sums]:
        """What the counters must be at ``clock``: the stored orders' contributions, added up."""
        found = self._db.query(
            "SELECT ranking, unit, indicator,"
            " toUnixTimestamp64Micro(at)"
            " - positiveModulo(toUnixTimestamp64Micro(at), {width:Int64}) AS bucket,"
            " sum(denominator), sum(numerator)"
            " FROM (SELECT `span.begins_at`, `span.ends_at`, `span.ranking`, `span.unit`,"
            " `span.indicator`, `span.attributed_at`, `span.denominator`, `span.numerator`"
            " FROM work_orders FINAL"
            " WHERE ruleset = {ruleset:UInt32} AND shard = {shard:UInt16})"
            " ARRAY JOIN `span.begins_at` AS begins, `span.ends_at` AS ends,"
            " `span.ranking` AS ranking, `span.unit` AS unit, `span.indicator` AS indicator,"
            " `span.attributed_at` AS at, `span.denominator` AS denominator,"
            " `span.numerator` AS numerator"
            " WHERE begins <= fromUnixTimestamp64Micro({clock:Int64}, 'UTC')"
            " AND ends > fromUnixTimestamp64Micro({clock:Int64}, 'UTC')"
            " GROUP BY ranking, unit, indicator, bucket"
            " HAVING sum(denominator) != 0 OR sum(numerator) != 0",
            {**self._own, "clock": clock, "width": QUARTER_HOUR},
        )
        return {CounterKey._make(row[:4]): Sums._make(row[4:]) for row in found}

    def counters(self) -> dict[CounterKey, Sums]:
        """The stored counters that are not zero."""
        return self._counters(are_totals=False)

    def totals(self) -> dict[CounterKey, Sums]:
        """The stored totals of cycles that are not zero."""
        return self._counters(are_totals=True)

    def _counters(self, *, are_totals: bool) -> dict[CounterKey, Sums]:
        found = self._db.query(
            "SELECT ranking, unit, indicator, bucket, denominator, numerator FROM counters FINAL"
            " WHERE ruleset = {ruleset:UInt32} AND shard = {shard:UInt16}"
            " AND endsWith(ranking, {total:String}) = {are_totals:Bool}"
            " AND (denominator != 0 OR numerator != 0)",
            {**self._own, "total": CYCLE_TOTAL, "are_totals": are_totals},
        )
        return {CounterKey._make(row[:4]): Sums._make(row[4:]) for row in found}

    def upcoming(self, clock: Instant, horizon: Instant, limit: int) -> list[tuple[Instant, str]]:
        """Boundaries in (clock, horizon] of the stored orders, ascending.

        The first ``limit`` of them, and all others of the last one's instant.
        """
        found = self._db.query(
            "SELECT boundary, subject"
            " FROM (SELECT subject, boundaries FROM work_orders FINAL"
            " WHERE ruleset = {ruleset:UInt32} AND shard = {shard:UInt16}"
            " AND last_boundary > fromUnixTimestamp64Micro({clock:Int64}, 'UTC'))"
            " ARRAY JOIN boundaries AS boundary"
            " WHERE boundary > fromUnixTimestamp64Micro({clock:Int64}, 'UTC')"
            " AND boundary <= fromUnixTimestamp64Micro({horizon:Int64}, 'UTC')"
            " ORDER BY boundary LIMIT {limit:UInt32} WITH TIES",
            {**self._own, "clock": clock, "horizon": horizon, "limit": limit},
        )
        return [(boundary, subject) for boundary, subject in found]

    # The steps of a flush, in this order

    def write_events(self, fence: Fence, events: Sequence[LoggedEvent]) -> None:
        """Step 1: the archive."""
        self._insert("events_in", fence, rows.event_columns(self.shard, fence.number(), events))

    def write_orders(self, mark: FlushMark, orders: Sequence[OrderRow]) -> None:
        """Step 2: the orders that changed."""
        columns = rows.order_columns(
            self.shard, self.ruleset, mark.fence.number(), mark.version(), orders
        )
        self._insert("work_orders_in", mark.fence, columns)

    def write_counters(self, mark: FlushMark, counters: Mapping[CounterKey, Sums]) -> None:
        """Step 3: the counters and totals that changed, those that became zero too."""
        count = len(counters)
        columns: rows.Columns = {
            "fence": [mark.fence.number()] * count,
            "ruleset": [self.ruleset] * count,
            "shard": [self.shard] * count,
            "ranking": [key.ranking for key in counters],
            "unit": [key.unit for key in counters],
            "indicator": [key.indicator for key in counters],
            "bucket": [key.bucket for key in counters],
            "denominator": [sums.denominator for sums in counters.values()],
            "numerator": [sums.numerator for sums in counters.values()],
            "version": [mark.version()] * count,
        }
        self._insert("counters_in", mark.fence, columns)

    def write_flush(self, mark: FlushMark) -> None:
        """Step 4: from here on everything up to ``mark.position`` counts as stored."""
        columns: rows.Columns = {
            "ruleset": [self.ruleset],
            "shard": [self.shard],
            "version": [mark.version()],
            "fence": [mark.fence.number()],
            "flush": [mark.flush],
            "epoch": [mark.position.epoch],
            "offset": [mark.position.offset],
            "clock": [mark.clock],
            "totals": [mark.totals],
        }
        self._insert("shard_flushes_in", mark.fence, columns)

    def _insert(self, table: str, fence: Fence, columns: rows.Columns) -> None:
        self._db.insert(table, columns, tag=f"shard-{self.shard}-{fence.number()}")
