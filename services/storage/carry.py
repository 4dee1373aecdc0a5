"""What the log does not hold, from one database of a server to another: policies, units, people's words.

A log that was filled anew goes into a database of its own (decision 0021). Orders, counters and the
archive are made from the log there; everything else is carried. Rows are only added, and a row that is
there already is not added again, so it may be repeated.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from services.storage import rulesets
from services.storage.database import Database
from services.storage.rows import listed

MADE_FROM_THE_LOG: Final = frozenset(
    {"events", "work_orders", "counters", "shard_flushes", "shard_claims", "dead_letters"}
)
_OF_THE_DATABASE: Final = frozenset({"schema_migrations", "push_beats"})
_FIRST: Final = (
    "evaluation_log"  # a view writes it for new evaluations: the places they had come first
)


def carry(source: Database, target: Database, partitions: tuple[int, int]) -> Mapping[str, int]:
    """Copy what ``target`` lacks, on one server (blocking); tells how many rows, by table.

    Both are migrated. Policies before the one in force are carried only when the target has its
    results: until then its readers would answer under the first of them.

    Args:
        source: The database in use.
        target: The other one.
        partitions: Of the logs of the two.

    Raises:
        StorageUnavailable, StorageError: as everywhere.
    """
    old, new = _name(source), _name(target)
    columns_of = _columns(target)
    carried = {}
    for table in tables(target):
        columns = columns_of[table]
        row = f"sipHash128(toString(tuple({columns})))"
        chosen = f"{row} NOT IN (SELECT {row} FROM `{new}`.`{table}`)"  # noqa: S608 - names
        if table == "rulesets" and (since := _since(source, target, partitions)):
            chosen += f" AND ruleset >= {since}"
        ((count,),) = target.query(f"SELECT count() FROM `{old}`.`{table}` WHERE {chosen}")  # noqa: S608
        if count:
            target.execute(
                f"INSERT INTO `{new}`.`{table}` ({columns})"  # noqa: S608 - names
                f" SELECT {columns} FROM `{old}`.`{table}` WHERE {chosen}"
            )
            carried[table] = int(count)
    return carried


def tables(db: Database) -> list[str]:
    """The tables that are carried, in the order in which they are."""
    found = db.query(
        "SELECT name FROM system.tables WHERE database = currentDatabase()"
        " AND engine NOT IN ('Null', 'View', 'MaterializedView') AND NOT endsWith(name, '_local')"
        " ORDER BY name"
    )
    names = {name for (name,) in found} - MADE_FROM_THE_LOG - _OF_THE_DATABASE
    return sorted(names, key=lambda name: (name != _FIRST, name))


def _since(source: Database, target: Database, partitions: tuple[int, int]) -> int:
    """The first ruleset to carry; 0 for all."""
    of_source, of_target = partitions
    in_force = rulesets.numbers(source, of_source)
    if in_force is None:
        return 0
    ((shards,),) = target.query(
        "SELECT max(shards) FROM (SELECT uniqExact(shard) AS shards FROM shard_flushes"
        " WHERE ruleset >= {ruleset:UInt32} GROUP BY ruleset)",
        {"ruleset": in_force.current},
    )
    return 0 if shards == of_target else in_force.current


def _name(db: Database) -> str:
    ((name,),) = db.query("SELECT currentDatabase()")
    return str(name)


def _columns(db: Database) -> dict[str, str]:
    """The columns that are written, by table."""
    found = db.query(
        "SELECT table, name FROM system.columns WHERE database = currentDatabase()"
        " AND default_kind NOT IN ('MATERIALIZED', 'ALIAS') ORDER BY table, position"
    )
    names: dict[str, list[str]] = {}
    for table, name in found:
        names.setdefault(table, []).append(name)
    return {table: listed(columns) for table, columns in names.items()}
