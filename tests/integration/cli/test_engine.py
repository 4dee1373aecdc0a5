from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from schemas.records import Fence, Unit
from services.cli.engine import current_engine, make_directory, prepare_engine
from services.cli.epochs import checked_epoch, next_epoch
from services.cli.errors import CommandError
from services.domain.policy import PolicyError, load_policy, preset
from services.domain.registry import RegistryError
from services.settings import Settings, load_settings
from services.storage import rulesets, units
from services.storage.database import Database
from services.storage.errors import StorageUnavailable
from services.storage.migrate import migrate
from services.storage.rules import RuleBook
from services.storage.rulesets import Ruleset
from services.storage.shard_store import ShardStore

_NOW = 1_760_000_000_000_000


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings(data_dir=tmp_path)


@pytest.fixture
def database(settings: Settings) -> Iterator[Database]:
    engine = prepare_engine(settings, _NOW)
    yield engine.database
    engine.database.close()


def test_the_first_start_registers_the_streets_of_beijing(database: Database) -> None:
    kinds = [unit.kind for unit in units.all_units(database)]

    assert kinds.count("street") == 343
    assert kinds.count("functional_zone") == 6


def test_a_later_start_adds_units_and_undoes_no_change(settings: Settings, tmp_path: Path) -> None:
    table = tmp_path / "units.csv"
    head = "code,name,kind,parent,group\n"
    table.write_text(head + "A,甲街道,street,,\n", "utf-8")
    chosen = settings.model_copy(update={"units": str(table)})
    engine = prepare_engine(chosen, _NOW)
    units.register(engine.database, [Unit("A", "甲新街道", "street")], _NOW + 1)
    engine.database.close()

    table.write_text(head + "A,甲街道,street,,\nB,乙街道,street,,\n", "utf-8")
    engine = prepare_engine(chosen, _NOW + 2)
    names = {unit.code: unit.name for unit in units.all_units(engine.database)}
    engine.database.close()

    assert names == {"A": "甲新街道", "B": "乙街道"}


def test_an_equal_policy_keeps_its_number_and_another_gets_the_next(settings: Settings) -> None:
    numbers = []
    for changes in ({}, {}, {"policy": "on-time"}, {"time_zone": "America/New_York"}):
        engine = prepare_engine(settings.model_copy(update=changes), _NOW)
        numbers.append((engine.ruleset, newest(engine.database).ruleset))
        engine.database.close()

    assert numbers == [(1, 1), (1, 1), (1, 2), (1, 3)]
    engine = current_engine(settings)  # in force is what the shards have completed
    assert (engine.ruleset, engine.policy.time_zone.key) == (1, "Asia/Shanghai")
    assert load_policy(newest(engine.database).document).time_zone.key == "America/New_York"
    engine.database.close()


def test_a_start_with_the_same_settings_undoes_no_activation(settings: Settings) -> None:
    engine = prepare_engine(settings, _NOW)
    other = load_policy(preset("on-time"))
    rulesets.activate(
        engine.database, other.id, other.version, other.checksum, other.document, _NOW
    )
    engine.database.close()
    found = []
    for name in ("beijing-district", "on-time", "beijing-district"):
        engine = prepare_engine(settings.model_copy(update={"policy": name}), _NOW)
        entry = newest(engine.database)
        found.append((entry.ruleset, entry.policy_id))
        engine.database.close()

    assert found == [(2, "on-time"), (2, "on-time"), (3, "beijing-district")]


def test_a_policy_whose_text_means_something_else_now_is_activated_anew(
    settings: Settings,
) -> None:
    """As when a program that knows the calendar of another year is started."""
    engine = prepare_engine(settings, _NOW)
    entry = newest(engine.database)
    rulesets.activate(
        engine.database, entry.policy_id, entry.policy_version, "before", entry.document, _NOW
    )
    engine.database.close()
    engine = prepare_engine(settings, _NOW)
    again = newest(engine.database)
    engine.database.close()

    assert (again.ruleset, again.checksum) == (3, entry.checksum)


def test_a_policy_in_force_that_this_program_cannot_read_gives_way(settings: Settings) -> None:
    """As after an update of the program that changed how policies are written."""
    database = Database.open(settings.database_url)
    migrate(database)
    rulesets.activate(database, "old", "1", "old", "rules: none", _NOW)
    database.close()
    engine = prepare_engine(settings, _NOW)
    engine.database.close()

    assert (engine.ruleset, engine.policy.id) == (2, "beijing-district")


def test_a_new_policy_that_this_program_cannot_read_is_left_to_others(settings: Settings) -> None:
    engine = prepare_engine(settings, _NOW)
    rulesets.activate(engine.database, "new", "1", "new", "rules: none", _NOW)
    found = RuleBook(engine.database, 2).read()
    engine.database.close()

    assert (found.current.ruleset, found.newest.ruleset) == (1, 1)


def newest(database: Database) -> Ruleset:
    found = rulesets.newest(database)
    assert found is not None
    return found


def test_what_was_never_prepared_is_an_error_that_says_so(settings: Settings) -> None:
    with pytest.raises(CommandError, match="hotline prepare"):
        current_engine(settings)


def test_a_missing_file_of_units_stops_the_start(settings: Settings) -> None:
    with pytest.raises(CommandError, match=r"nowhere\.csv"):
        prepare_engine(settings.model_copy(update={"units": "nowhere.csv"}), _NOW)


def test_every_new_log_gets_the_next_epoch(database: Database) -> None:
    assert next_epoch(database) == 1

    ShardStore(database, 0, 1).claim(Fence(1, 0), _NOW)
    ShardStore(database, 1, 1).claim(Fence(7, 3), _NOW)

    assert next_epoch(database) == 8


def test_an_epoch_belongs_to_one_log(database: Database, tmp_path: Path) -> None:
    assert checked_epoch(database, 1, "topic-a", tmp_path) == 1
    ShardStore(database, 0, 1).claim(Fence(1, 5), _NOW)

    assert checked_epoch(database, 1, "topic-a", tmp_path) == 1
    with pytest.raises(CommandError, match="HOTLINE_EPOCH=2"):
        checked_epoch(database, 1, "topic-b", tmp_path)
    assert checked_epoch(database, 2, "topic-b", tmp_path) == 2
    ShardStore(database, 0, 1).claim(Fence(2, 0), _NOW)
    with pytest.raises(CommandError, match="HOTLINE_EPOCH=3"):
        checked_epoch(database, 1, "topic-a", tmp_path)


def test_which_log_is_remembered_survives_a_start_that_is_killed(
    database: Database, tmp_path: Path
) -> None:
    checked_epoch(database, 1, "topic-a", tmp_path)
    ShardStore(database, 0, 1).claim(Fence(1, 0), _NOW)
    file = tmp_path / "log.json"
    with file.open() as before:
        checked_epoch(database, 2, "topic-b", tmp_path)
        assert "topic-a" in before.read()  # never written in place
    file.write_text("")
    with pytest.raises(CommandError, match="HOTLINE_EPOCH=2"):
        checked_epoch(database, 1, "topic-a", tmp_path)
    assert checked_epoch(database, 2, "topic-b", tmp_path) == 2


def test_a_data_directory_that_cannot_be_made_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(CommandError, match="--data-dir"):
        make_directory(tmp_path / "file" / "data")


def test_a_table_of_units_with_a_mistake_is_named_with_its_line_and_touches_nothing(
    settings: Settings, tmp_path: Path
) -> None:
    table = tmp_path / "mine.csv"
    table.write_text("code,name,kind\n1,新设街道,village\n", "utf-8")

    with pytest.raises(RegistryError, match=r"mine\.csv: line 2: kind is one of"):
        prepare_engine(settings.model_copy(update={"units": str(table)}), _NOW)

    assert not (tmp_path / "chdb").exists()


def test_a_policy_with_mistakes_is_named(settings: Settings, tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("id: [", "utf-8")

    with pytest.raises(PolicyError, match=r"mine\.yaml has mistakes(.|\n)*line 1"):
        prepare_engine(settings.model_copy(update={"policy": str(path)}), _NOW)


def test_a_server_that_does_not_answer_is_told_without_its_password() -> None:
    with socket.create_server(("127.0.0.1", 0)) as reserved:
        port = reserved.getsockname()[1]
    url = f"http://me:s3cret@127.0.0.1:{port}/hotline"

    with pytest.raises(StorageUnavailable, match="does not answer") as refused:
        prepare_engine(load_settings(clickhouse_url=url), _NOW)

    assert "s3cret" not in str(refused.value)
    assert "None" not in str(refused.value)
