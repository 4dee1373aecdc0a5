"""Policies that were put in force, numbered. Orders and counters carry the number."""

from __future__ import annotations

from typing import NamedTuple

from schemas.instants import Instant
from services.storage.database import Database


class Ruleset(NamedTuple):
    """A policy under its number; the newest is the one in force."""

    ruleset: int
    policy_id: str
    policy_version: str
    checksum: str
    document: str
    activated_at: Instant


def activate(  # noqa: PLR0917 (a ruleset's columns, in their order)
    db: Database, policy_id: str, version: str, checksum: str, document: str, now: Instant
) -> int:
    """Put a policy in force and return its number.

    The policy in force keeps its number; any other gets the next one, an earlier one too.
    """
    newest = current(db)
    if newest and newest.checksum == checksum:
        return newest.ruleset
    ruleset = newest.ruleset + 1 if newest else 1
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


def current(db: Database) -> Ruleset | None:
    """The policy in force."""
    found = db.query(
        "SELECT ruleset, policy_id, policy_version, checksum, document, activated_at"
        " FROM rulesets FINAL ORDER BY ruleset DESC LIMIT 1"
    )
    return Ruleset._make(found[0]) if found else None
