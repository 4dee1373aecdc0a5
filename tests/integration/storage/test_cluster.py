"""The tables of a cluster, without one: every statement is parsed by the engine and read back."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.storage import cluster as clusters
from services.storage.cluster import SHARDED, Cluster, for_cluster
from services.storage.database import SETTINGS, Database
from services.storage.errors import MigrationError, StorageError
from services.storage.migrate import Migration, migrate, packaged

CITY = Cluster("city", "hotline")
STATEMENTS = [
    pytest.param(statement, id=f"{migration.number}-{place}")
    for migration in packaged()
    for place, statement in enumerate(migration.statements(), 1)
]
SORTED_BY_ORDER = re.compile(
    r"CREATE TABLE IF NOT EXISTS (\w+)\s.*ORDER BY \([^)]*\bsubject\b", re.DOTALL
)


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    database = Database.open(f"chdb://{tmp_path_factory.mktemp('cluster') / 'engine'}")
    yield database
    database.close()


def formatted(engine: Database, statement: str) -> str:
    """The statement as the engine understands it; it raises where it does not."""
    ((text,),) = engine.query("SELECT formatQuerySingleLine({sql:String})", {"sql": statement})
    return str(text)


@pytest.mark.parametrize("statement", STATEMENTS)
def test_every_statement_runs_on_every_node_and_the_engine_parses_it(
    engine: Database, statement: str
) -> None:
    for made in for_cluster(statement, CITY):
        assert " ON CLUSTER city" in formatted(engine, made)


@pytest.mark.parametrize("statement", STATEMENTS)
def test_only_place_and_engine_differ_from_a_single_server(
    engine: Database, statement: str
) -> None:
    made = for_cluster(statement, CITY)[0]

    back = re.sub(r"Replicated(\w*MergeTree)\('[^']*', '[^']*'(?:, )?", r"\1(", made)
    back = back.replace(" ON CLUSTER 'city'", "").replace("_local", "").replace("()", "")
    assert formatted(engine, back) == formatted(engine, statement)


@pytest.mark.parametrize("statement", STATEMENTS)
def test_no_table_that_keeps_rows_is_left_to_one_node(statement: str) -> None:
    for made in for_cluster(statement, CITY):
        if kept := re.search(r"^ENGINE = (\w+)", made, re.MULTILINE):
            assert kept[1].startswith("Replicated") or kept[1] in {"Null", "Distributed"}


def test_tables_that_grow_with_the_orders_are_spread_by_the_order() -> None:
    assert {
        found[1]
        for migration in packaged()
        for statement in migration.statements()
        if (found := SORTED_BY_ORDER.match(statement))
    } == SHARDED


def test_a_table_of_orders_is_a_replicated_part_behind_a_distributed_one() -> None:
    statement = (
        "CREATE TABLE IF NOT EXISTS events\n(\n    subject String\n)\n"
        "ENGINE = ReplacingMergeTree(precedence) ORDER BY subject\nSETTINGS index_granularity = 1024"
    )

    assert for_cluster(statement, Cluster("city", "it's")) == [
        (
            "CREATE TABLE IF NOT EXISTS events_local ON CLUSTER 'city'\n(\n    subject String\n)\n"
            "ENGINE = ReplicatedReplacingMergeTree('/clickhouse/tables/{database}/{table}/{shard}',"
            " '{replica}', precedence) ORDER BY subject\nSETTINGS index_granularity = 1024"
        ),
        (
            "CREATE TABLE IF NOT EXISTS events ON CLUSTER 'city' AS events_local\n"
            "ENGINE = Distributed('city', 'it\\'s', 'events_local', cityHash64(subject))"
        ),
    ]


def test_a_small_table_lies_whole_on_every_node() -> None:
    (made,) = for_cluster(
        "CREATE TABLE IF NOT EXISTS u (n UInt8)\nENGINE = MergeTree ORDER BY n", CITY
    )

    assert made == (
        "CREATE TABLE IF NOT EXISTS u ON CLUSTER 'city' (n UInt8)\n"
        "ENGINE = ReplicatedMergeTree('/clickhouse/tables/{database}/{table}', '{replica}') ORDER BY n"
    )


@pytest.mark.parametrize(
    ("statement", "made"),
    [
        (
            "ALTER TABLE units ADD COLUMN IF NOT EXISTS n UInt8",
            ["ALTER TABLE units ON CLUSTER 'city' ADD COLUMN IF NOT EXISTS n UInt8"],
        ),
        (
            "ALTER TABLE events ADD COLUMN IF NOT EXISTS n UInt8",
            [
                "ALTER TABLE events_local ON CLUSTER 'city' ADD COLUMN IF NOT EXISTS n UInt8",
                "ALTER TABLE events ON CLUSTER 'city' ADD COLUMN IF NOT EXISTS n UInt8",
            ],
        ),
        (
            "ALTER TABLE events ADD INDEX IF NOT EXISTS i n TYPE minmax",
            ["ALTER TABLE events_local ON CLUSTER 'city' ADD INDEX IF NOT EXISTS i n TYPE minmax"],
        ),
    ],
)
def test_a_change_of_a_table_reaches_every_node(
    engine: Database, statement: str, made: list[str]
) -> None:
    assert for_cluster(statement, CITY) == made
    for each in made:
        formatted(engine, each)


@pytest.mark.parametrize(
    "statement",
    ["INSERT INTO units VALUES (1)", "CREATE TABLE IF NOT EXISTS l (n UInt8)\nENGINE = Log"],
)
def test_a_statement_of_another_form_is_refused(statement: str) -> None:
    with pytest.raises(MigrationError, match="cannot run on a cluster"):
        for_cluster(statement, CITY)


def test_the_engine_knows_every_setting(engine: Database) -> None:
    names = list(clusters.SETTINGS)
    known = engine.query(
        "SELECT name FROM system.settings WHERE has({names:Array(String)}, name)", {"names": names}
    )

    assert {name for (name,) in known} == set(names)
    assert not SETTINGS.keys() & set(names)  # one server is asked for none of them


def test_an_engine_in_the_process_is_no_cluster(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="URL of one of them"):
        Database.open(f"chdb://{tmp_path}/engine", cluster="city")
    assert not (tmp_path / "engine").exists()


def test_an_unknown_cluster_is_refused_before_any_table_is_made(stand_in: str) -> None:
    database = Database.open(stand_in, cluster="city")
    try:
        with pytest.raises(StorageError):
            migrate(database, [Migration(1, "0001_one", "ALTER TABLE one ADD COLUMN n UInt8;")])
        with pytest.raises(StorageError):
            database.await_inserts("shard-", lambda _name: True)
    finally:
        database.close()
