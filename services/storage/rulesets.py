"""The history of policies: each activation has a number, which orders and counters carry.

An activation takes effect in two steps. At once it is the *newest*, and every shard begins to
build its results beside those in force. It is *current*, what readers answer from, as soon as
every shard has a `shard_flushes` row under it: that row is written only after the shard has all
its orders, so readers switch once and never back (docs/scoring.md).
"""

from __future__ import annotations

import random
import time
from typing import Final, NamedTuple
from uuid import uuid4

from schemas.instants import Instant
from services.storage.database import Database
from services.storage.errors import StorageUnavailable

_ATTEMPTS: Final = 20
_LONGEST_PAUSE: Final = 0.2  # seconds


class Ruleset(NamedTuple):
    """A policy under its number."""

    ruleset: int
    policy_id: str
    policy_version: str
    checksum: str
    document: str
    activated_at: Instant


class Numbers(NamedTuple):
    """Which rulesets count, by number. Equal when nothing is being built."""

    current: int
    newest: int


class Progress(NamedTuple):
    """How far one shard is with one ruleset: orders evaluated, and whether it has all of them."""

    shard: int
    orders: int
    complete: bool


def activate(  # noqa: PLR0917 (a ruleset's columns, in their order)
    db: Database, policy_id: str, version: str, checksum: str, document: str, now: Instant
) -> int:
    """Put a policy in force and return its number.

    The newest policy keeps its number; any other gets a greater one, an earlier one too. Safe for
    several processes at once.

    Raises:
        StorageUnavailable: others take every number at the same time; repeat.
    """
    for _ in range(_ATTEMPTS):
        last = newest(db)
        if last and last.checksum == checksum:
            return last.ruleset
        ruleset = _next_number(db)
        if _claim(db, ruleset):
            db.insert(
                "rulesets",
                {
                    "ruleset": [ruleset],
                    "policy_id": [policy_id],
                    "policy_version": [version],
                    "checksum": [checksum],
                    "document": [document],
                    "activated_at": [now],
                },
            )
            return ruleset
        time.sleep(random.random() * _LONGEST_PAUSE)  # noqa: S311 (nobody guesses a pause)
    raise StorageUnavailable("Too many policies are being activated at once.")


def _next_number(db: Database) -> int:
    ((last,),) = db.query(
        "SELECT greatest((SELECT max(ruleset) FROM rulesets),"
        " (SELECT max(ruleset) FROM ruleset_claims))"
    )
    return int(last) + 1


def _claim(db: Database, ruleset: int) -> bool:
    """Take a number. Whoever was alone with it after writing it down has it."""
    claimant = uuid4().hex
    db.insert("ruleset_claims", {"ruleset": [ruleset], "claimant": [claimant]})
    claims = db.query(
        "SELECT DISTINCT claimant FROM ruleset_claims WHERE ruleset = {ruleset:UInt32}",
        {"ruleset": ruleset},
    )
    return claims == [(claimant,)]


def numbers(db: Database, partitions: int) -> Numbers | None:
    """Which rulesets count; None before the first activation.

    ``partitions`` is how many shards there are. Before any ruleset is complete the first one is
    current, so that readers never go back.
    """
    found = db.query(
        "SELECT ruleset, ruleset IN (SELECT ruleset FROM shard_flushes"
        " WHERE shard < {partitions:UInt32} GROUP BY ruleset"
        " HAVING uniqExact(shard) = {partitions:UInt32}) AS complete"
        " FROM rulesets GROUP BY ruleset ORDER BY ruleset",
        {"partitions": partitions},
    )
    if not found:
        return None
    complete = [ruleset for ruleset, is_complete in found if is_complete]
    return Numbers(current=max(complete, default=found[0][0]), newest=found[-1][0])


def current(db: Database, partitions: int) -> Ruleset | None:
    """The policy that readers answer under."""
    known = numbers(db, partitions)
    return get(db, known.current) if known else None


def newest(db: Database) -> Ruleset | None:
    """The policy that was activated last; it may still be building."""
    found = history(db, limit=1)
    return found[0] if found else None


def get(db: Database, ruleset: int) -> Ruleset | None:
    """One policy by its number."""
    found = history(db, number=ruleset, limit=1)
    return found[0] if found else None


def history(db: Database, *, number: int | None = None, limit: int = 1_000) -> list[Ruleset]:
    """Every policy that was ever activated, the last first; or that of one number."""
    found = db.query(
        "SELECT ruleset, policy_id, policy_version, checksum, document, activated_at"
        " FROM rulesets FINAL WHERE {all:Bool} OR ruleset = {number:UInt32}"
        " ORDER BY ruleset DESC LIMIT {limit:UInt32}",
        {"all": number is None, "number": number or 0, "limit": limit},
    )
    return [Ruleset._make(row) for row in found]


def progress(db: Database, ruleset: int) -> dict[int, Progress]:
    """How far each shard is, by shard; one that has done nothing yet is not there."""
    wanted = {"ruleset": ruleset}
    orders: dict[int, int] = dict(
        db.query(
            "SELECT shard, uniqExact(subject) FROM work_orders"
            " WHERE ruleset = {ruleset:UInt32} GROUP BY shard",
            wanted,
        )
    )
    complete = {
        shard
        for (shard,) in db.query(
            "SELECT DISTINCT shard FROM shard_flushes WHERE ruleset = {ruleset:UInt32}", wanted
        )
    }
    return {
        shard: Progress(shard, orders.get(shard, 0), shard in complete)
        for shard in sorted(orders.keys() | complete)
    }


def named_by_settings(db: Database) -> str | None:
    """The document that the settings named at the last start; None before the first."""
    found = db.query("SELECT document FROM policy_settings ORDER BY number DESC LIMIT 1")
    return str(found[0][0]) if found else None


def note_settings(db: Database, document: str, now: Instant) -> None:
    """Remember the document that the settings name."""
    ((last,),) = db.query("SELECT max(number) FROM policy_settings")
    db.insert("policy_settings", {"number": [last + 1], "document": [document], "read_at": [now]})
