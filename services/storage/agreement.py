"""Whether two databases, filled from two logs of the same events, hold the same.

Compared are the archive, the orders with all that they ever count, the dead letters, and the sums at
one instant: order by order, whatever the shard is called that holds it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from io import RawIOBase
from typing import Any, Final, NamedTuple

from schemas.instants import Instant, format_instant
from schemas.records import CounterKey, Sums
from services.storage.database import Database
from services.storage.shard_store import ShardStore

_ARCHIVE: Final = (
    "SELECT subject, hex(sipHash128(toString(arraySort(groupUniqArray((source, id, hex(digest)))))))"
    " FROM events GROUP BY subject ORDER BY subject"
)
_SPANS: Final = (
    "`span.begins_at`, `span.ends_at`, `span.ranking`, `span.unit`, `span.indicator`,"
    " `span.attributed_at`, `span.denominator`, `span.numerator`"
)
_ORDERS: Final = (
    "SELECT subject, hex(sipHash128(toString((arraySort(arrayMap(d -> hex(d), folded)),"  # noqa: S608 - names
    f" arraySort(arrayMap(s -> toString(s), arrayZip({_SPANS}))),"
    " source, unit, received_at, demand_type, channel, urgency, category, community,"
    " resolve_due, resolved_at, boundaries))))"
    " FROM work_orders FINAL WHERE ruleset = {ruleset:UInt32} ORDER BY subject"
)
# Whether an order can be evaluated is a matter of the policy that was in force when it was tried.
_LETTERS: Final = (
    "SELECT DISTINCT concat(subject, ' ', reason, ' ', source, ' ', id, ' ', path), ''"
    " FROM dead_letters WHERE reason != 'not_evaluable' ORDER BY 1"
)
_CHUNK: Final = 1 << 16


class Store(NamedTuple):
    """A database, and how many shards it has."""

    database: Database
    partitions: int


class Difference(NamedTuple):
    """The first thing that differs in one respect. ``old`` and ``new`` say what each one holds."""

    what: str
    where: str
    old: str
    new: str


class Compared(NamedTuple):
    """How many orders both hold, and what differs: the first difference in each respect."""

    orders: int
    differences: list[Difference]


def compare(old: Store, new: Store, ruleset: int, at: Instant) -> Compared:
    """Compare two databases that are at rest (blocking); sums as of ``at``.

    Raises:
        StorageUnavailable, StorageError: as everywhere.
    """
    found = []
    count = 0
    for what, sql in (("archive", _ARCHIVE), ("orders", _ORDERS), ("dead letters", _LETTERS)):
        same, difference = _merge(what, sql, old.database, new.database, ruleset)
        count = same if what == "orders" else count
        found += [difference] if difference else []
    difference = _differing_sums(_sums(old, ruleset, at), _sums(new, ruleset, at))
    found += [difference] if difference else []
    return Compared(count, found)


def _merge(
    what: str, sql: str, old: Database, new: Database, ruleset: int
) -> tuple[int, Difference | None]:
    """Walk through two sorted results side by side; how many lines are equal, up to the first not."""
    params = {"ruleset": ruleset}
    with old.stream(sql, params) as one, new.stream(sql, params) as other:
        olds, news = _lines(one), _lines(other)
        same = 0
        while True:
            mine, theirs = next(olds, None), next(news, None)
            if mine is None and theirs is None:
                return same, None
            if mine != theirs:
                first = min(line[0] for line in (mine, theirs) if line is not None)
                return same, Difference(what, first, _held(mine, first), _held(theirs, first))
            same += 1


def _held(line: tuple[str, str] | None, key: str) -> str:
    return line[1] or "is there" if line is not None and line[0] == key else "nothing"


def _lines(stream: RawIOBase) -> Iterator[tuple[str, str]]:
    """Key and fingerprint of each line."""
    rest = b""
    while chunk := stream.read(_CHUNK):
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            key, _, fingerprint = line.decode().partition("\t")
            yield key, fingerprint


def _sums(store: Store, ruleset: int, at: Instant) -> dict[CounterKey, Sums]:
    """Everything that counts at an instant, added up over the shards."""
    denominators: Counter[CounterKey] = Counter()
    numerators: Counter[CounterKey] = Counter()
    for shard in range(store.partitions):
        found = ShardStore(store.database, shard, ruleset).contribution_sums(at)
        for key, sums in found.items():
            denominators[key] += sums.denominator
            numerators[key] += sums.numerator
    return {key: Sums(denominators[key], numerators[key]) for key in denominators}


def _differing_sums(old: dict[CounterKey, Sums], new: dict[CounterKey, Sums]) -> Difference | None:
    for key in sorted(old.keys() | new.keys()):
        if old.get(key) != new.get(key):
            where = f"{key.ranking} {key.unit or '-'} {key.indicator} {format_instant(key.bucket)}"
            return Difference("sums", where, _text(old.get(key)), _text(new.get(key)))
    return None


def _text(sums: Any) -> str:
    return "nothing" if sums is None else f"{sums.numerator}/{sums.denominator}"
