"""Numbered SQL files, applied once, in order, and never changed afterwards."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from importlib import resources
from typing import Final, NamedTuple

from services.storage.cluster import Cluster, for_cluster
from services.storage.database import Database
from services.storage.errors import MigrationError

_HISTORY: Final = """
CREATE TABLE IF NOT EXISTS schema_migrations
(
    number UInt32,
    name String,
    checksum String,
    applied_at DateTime64(6, 'UTC') DEFAULT now64(6, 'UTC')
)
ENGINE = MergeTree ORDER BY number
"""
_FILE: Final = re.compile(r"(\d{4})_\w+\.sql")


class Migration(NamedTuple):
    """One file: its number, its name without the ending, and its text."""

    number: int
    name: str
    text: str

    def checksum(self) -> str:
        """BLAKE2b-128 of the text."""
        return hashlib.blake2b(self.text.encode(), digest_size=16).hexdigest()

    def statements(self) -> list[str]:
        """The statements without comments. A statement ends with ``;`` at the end of a line."""
        code = re.sub(r"\s*--.*", "", self.text)
        return [part.strip() for part in re.split(r";\s*(?:\n|$)", code) if part.strip()]


def packaged() -> list[Migration]:
    """The migrations of this program, by number."""
    folder = resources.files("services.storage") / "migrations"
    found = [
        Migration(int(match[1]), entry.name.removesuffix(".sql"), entry.read_text("utf-8"))
        for entry in folder.iterdir()
        if (match := _FILE.fullmatch(entry.name))
    ]
    return sorted(found)


def migrate(db: Database, migrations: Sequence[Migration] | None = None) -> list[str]:
    """Bring the tables up to date and return the names of what was applied.

    On a cluster each statement makes the tables of every node (`services.storage.cluster`).

    A migration that was cut off is repeated, so each statement must allow that
    (``IF NOT EXISTS``); so must two processes that migrate at the same time.

    Raises:
        MigrationError: an applied file has changed since, or the database is newer than this
            program.
        StorageUnavailable: the engine cannot answer now.
    """
    known = packaged() if migrations is None else migrations
    cluster = _cluster(db)
    _run(db, _HISTORY.strip(), cluster)
    stored = db.query("SELECT DISTINCT number, name, checksum FROM schema_migrations")
    checksums = {migration.number: migration.checksum() for migration in known}
    for number, name, checksum in stored:
        if number not in checksums:
            raise MigrationError(
                f"The database has migration {name}, which this program does not know:"
                " use a newer version of the program."
            )
        if checksums[number] != checksum:
            raise MigrationError(
                f"Migration {name} was changed after it was applied:"
                " restore its text, and put the change into a new migration."
            )
    applied = {number for number, _, _ in stored}
    pending = [migration for migration in known if migration.number not in applied]
    for migration in pending:
        for statement in migration.statements():
            _run(db, statement, cluster)
        db.insert(
            "schema_migrations",
            {
                "number": [migration.number],
                "name": [migration.name],
                "checksum": [migration.checksum()],
            },
        )
    return [migration.name for migration in pending]


def _cluster(db: Database) -> Cluster | None:
    if not db.cluster:
        return None
    ((database,),) = db.query("SELECT currentDatabase()")
    return Cluster(db.cluster, database)


def _run(db: Database, statement: str, cluster: Cluster | None) -> None:
    for each in for_cluster(statement, cluster) if cluster else [statement]:
        db.execute(each)
