"""The statements of the migrations, for a ClickHouse cluster (docs/cluster.md).

Three tables grow with the orders: each node group keeps a part of them, by the order's id, and a
`Distributed` table of the same name stands before the parts. Every other table, small, lies whole on
every node: a check of a claim, a join and a sum of counters then stay on one node, and no statement
of the service differs from that of a single server. Doors (`*_in`, engine Null) and views keep
nothing and stand on every node.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from services.storage.errors import MigrationError

# Tables with the order's id in their key: all rows that may replace one another lie together.
SHARDED: Final = frozenset({"events", "work_orders", "cycle_orders"})

# A write counts when a majority of the replicas holds it, one after another, and a read sees every
# such write. Inserts through a Distributed table wait for that too; a statement that joins two of
# them sends the inner result along instead of being refused.
SETTINGS: Final[Mapping[str, Any]] = {
    "insert_quorum": "auto",
    "insert_quorum_parallel": 0,
    "select_sequential_consistency": 1,
    "distributed_foreground_insert": 1,
    "distributed_product_mode": "global",
}

_PATH: Final = "/clickhouse/tables/{database}/{table}"
_CREATE: Final = re.compile(r"CREATE TABLE IF NOT EXISTS (\w+)(?=\s)")
_VIEW: Final = re.compile(r"CREATE MATERIALIZED VIEW IF NOT EXISTS \w+(?=\s)")
_ALTER: Final = re.compile(r"ALTER TABLE (\w+)(?=\s)")
_ENGINE: Final = re.compile(
    r"^ENGINE = (?:(\w*MergeTree)(?:\((\w+)\))?|Null)(?=\s|$)", re.MULTILINE
)


class Cluster(NamedTuple):
    """Names of the cluster, as `remote_servers` of the nodes has it, and of the database there."""

    name: str
    database: str


def for_cluster(statement: str, cluster: Cluster) -> list[str]:
    """The statements that do on every node of a cluster what one does on a single server.

    Raises:
        MigrationError: the statement has a form that is not known here.
    """
    if view := _VIEW.match(statement):
        return [_on_cluster(statement, view.end(), cluster)]
    if altered := _ALTER.match(statement):
        return _altered(statement, altered, cluster)
    created, engine = _CREATE.match(statement), _ENGINE.search(statement)
    if not created or not engine:
        raise MigrationError("A migration has a statement that cannot run on a cluster.")
    return _created(statement, created, engine, cluster)


def _created(
    statement: str, created: re.Match[str], engine: re.Match[str], cluster: Cluster
) -> list[str]:
    name = created[1]
    if engine[1] is None:
        return [_on_cluster(statement, created.end(), cluster)]
    path = f"{_PATH}/{{shard}}" if name in SHARDED else _PATH
    arguments = [_text(path), _text("{replica}"), *([engine[2]] if engine[2] else [])]
    replicated = (
        statement[: engine.start()]
        + f"ENGINE = Replicated{engine[1]}({', '.join(arguments)})"
        + statement[engine.end() :]
    )
    if name not in SHARDED:
        return [_on_cluster(replicated, created.end(), cluster)]
    place = ", ".join(_text(part) for part in (cluster.name, cluster.database, f"{name}_local"))
    return [
        _on_cluster(_local(replicated, created), created.end() + len("_local"), cluster),
        (
            f"CREATE TABLE IF NOT EXISTS {name} ON CLUSTER {_text(cluster.name)} AS {name}_local\n"
            f"ENGINE = Distributed({place}, cityHash64(subject))"
        ),
    ]


def _altered(statement: str, altered: re.Match[str], cluster: Cluster) -> list[str]:
    whole = _on_cluster(statement, altered.end(), cluster)
    if altered[1] not in SHARDED:
        return [whole]
    local = _on_cluster(_local(statement, altered), altered.end() + len("_local"), cluster)
    if "COLUMN" not in statement:
        return [local]  # a Distributed table has columns, but no index, lifetime or setting
    return [local, whole]


def _local(statement: str, named: re.Match[str]) -> str:
    return f"{statement[: named.end()]}_local{statement[named.end() :]}"


def _on_cluster(statement: str, at: int, cluster: Cluster) -> str:
    return f"{statement[:at]} ON CLUSTER {_text(cluster.name)}{statement[at:]}"


def _text(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
