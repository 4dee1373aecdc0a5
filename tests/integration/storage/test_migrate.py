from __future__ import annotations

import re

import pytest
from sqlalchemy import Table

from services.storage import tables
from services.storage.database import Database
from services.storage.errors import MigrationError, StorageError
from services.storage.migrate import Migration, migrate, packaged

ONE = Migration(
    1, "0001_one", "-- a; comment\nCREATE TABLE IF NOT EXISTS one (n UInt8) -- ;\nENGINE = Log;\n"
)
TWO = Migration(
    2,
    "0002_two",
    "CREATE TABLE IF NOT EXISTS two (n UInt8) ENGINE = Log;\n\n"
    "CREATE TABLE IF NOT EXISTS three (n UInt8) ENGINE = Log;",
)


def names(db: Database) -> set[str]:
    sql = "SELECT name FROM system.tables WHERE database = currentDatabase()"
    return {name for (name,) in db.query(sql)}


def test_each_is_applied_once_and_in_order(bare: Database) -> None:
    assert migrate(bare, [ONE]) == ["0001_one"]
    assert migrate(bare, [ONE, TWO]) == ["0002_two"]
    assert migrate(bare, [ONE, TWO]) == []
    assert names(bare) == {"schema_migrations", "one", "two", "three"}


def test_one_that_was_cut_off_is_repeated(bare: Database) -> None:
    broken = TWO._replace(text=TWO.text.replace("three (n UInt8)", "three (n Nonsense)"))
    with pytest.raises(StorageError):
        migrate(bare, [ONE, broken])
    assert "two" in names(bare)
    assert migrate(bare, [ONE, TWO]) == ["0002_two"]
    assert "three" in names(bare)


def test_a_changed_text_is_refused(bare: Database) -> None:
    migrate(bare, [ONE, TWO])
    with pytest.raises(MigrationError, match="0001_one was changed"):
        migrate(bare, [ONE._replace(text=ONE.text + "\n"), TWO])


def test_a_database_newer_than_the_program_is_refused(bare: Database) -> None:
    migrate(bare, [ONE, TWO])
    with pytest.raises(MigrationError, match="0002_two"):
        migrate(bare, [ONE])


def test_the_packaged_ones_apply_and_may_be_repeated(bare: Database) -> None:
    assert migrate(bare) == [migration.name for migration in packaged()]
    assert migrate(bare) == []
    bare.execute("TRUNCATE TABLE schema_migrations")  # as if cut off before the last step
    assert migrate(bare) == [migration.name for migration in packaged()]


def test_the_packaged_ones_are_numbered_without_gaps() -> None:
    assert [migration.number for migration in packaged()] == list(range(1, len(packaged()) + 1))


@pytest.mark.parametrize("migration", packaged(), ids=lambda migration: migration.name)
def test_every_packaged_statement_may_be_repeated(migration: Migration) -> None:
    assert migration.statements()
    assert all(
        re.search(" IF | MODIFY QUERY| MODIFY SETTING ", each) for each in migration.statements()
    )


@pytest.mark.parametrize("table", tables.all_tables(), ids=lambda table: str(table.name))
def test_readers_know_the_tables_as_they_are(db: Database, table: Table) -> None:
    """Every declared column exists, with the declared type or one that is compared alike."""
    stored: dict[str, str] = dict(
        db.query(
            "SELECT name, type FROM system.columns"
            " WHERE database = currentDatabase() AND table = {table:String}",
            {"table": str(table.name)},
        )
    )
    for column in table.columns:
        plain = stored[column.name]
        for wrapper in ("LowCardinality", "Nullable"):
            plain = plain.replace(f"{wrapper}(String)", "String")
        plain = plain.replace("Nullable(DateTime64(6, 'UTC'))", "Int64")
        plain = plain.replace("DateTime64(6, 'UTC')", "Int64").replace("Int32)", "Int64)")
        assert str(column.type.compile(dialect=tables.DIALECT)) == plain, column.name


@pytest.mark.parametrize("table", ["events", "work_orders", "counters", "shard_flushes"])
def test_a_table_and_the_door_to_it_have_the_same_columns(db: Database, table: str) -> None:
    sql = (
        "SELECT name, replaceAll(type, 'LowCardinality(String)', 'String') FROM system.columns"
        " WHERE database = currentDatabase() AND table = {table:String}"
        " AND default_kind = '' ORDER BY name"
    )
    through = [row for row in db.query(sql, {"table": f"{table}_in"}) if row[0] != "fence"]
    kept = [row for row in db.query(sql, {"table": table}) if row[0] != "fence"]
    assert through == kept
