"""Opens the database with the policy in force: what every process of the service starts with."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from schemas.instants import Instant
from schemas.records import Unit
from services.cli.errors import CommandError
from services.cli.units_command import read_text, read_units
from services.domain.policy import Policy, PolicyError, load_policy, preset, presets
from services.domain.registry import beijing_units
from services.settings import Settings
from services.storage import rulesets, units
from services.storage.database import Database
from services.storage.migrate import migrate


class Engine(NamedTuple):
    """An open database, and the policy whose results carry the number ``ruleset``."""

    database: Database
    policy: Policy
    ruleset: int


def make_directory(data_dir: Path) -> None:
    """Make the data directory, if it is not there.

    Raises:
        CommandError: it cannot be made.
    """
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CommandError(
            f"The data directory {data_dir} cannot be made ({error.strerror}): choose another one "
            "with --data-dir. 无法创建数据目录，请用 --data-dir 换一个。"
        ) from error


def prepare_engine(settings: Settings, now: Instant) -> Engine:
    """Open the database, bring its tables up to date, put the policy in force, register units.

    Raises:
        CommandError: unknown policy, or no such file of units.
        PolicyError, RegistryError, StorageError, StorageUnavailable: as their modules say.
    """
    policy = chosen_policy(settings)  # first, so that a misspelt name touches nothing
    registered = _units(settings)
    database = Database.open(settings.database_url)
    try:
        migrate(database)
        ruleset = rulesets.activate(
            database, policy.id, policy.version, policy.checksum, policy.document, now
        )
        known = {unit.code for unit in units.all_units(database)}
        if settings.units or not known:  # a later start undoes no change made since
            units.register(database, [unit for unit in registered if unit.code not in known], now)
    except BaseException:
        database.close()
        raise
    return Engine(database, policy, ruleset)


def current_engine(settings: Settings) -> Engine:
    """Open a database that `prepare_engine` has prepared, with the policy in force there.

    Raises:
        CommandError: it has not been prepared.
        StorageError, StorageUnavailable: as their modules say.
    """
    database = Database.open(settings.database_url)
    try:
        ruleset = _current(database)
        return Engine(database, load_policy(ruleset.document), ruleset.ruleset)
    except BaseException:
        database.close()
        raise


def chosen_policy(settings: Settings) -> Policy:
    """Read the policy of the settings: the name of a preset, or the path of a file.

    Raises:
        CommandError: there is no such policy.
        PolicyError: it has mistakes; the message names the policy and each line.
    """
    name = settings.policy
    if name in presets():
        text = preset(name)
    else:
        text = read_text(
            Path(name),
            f"There is no policy {name!r}: name a preset ({', '.join(presets())}) or the path of "
            f"a policy file. 没有这个考核办法，可用：{'、'.join(presets())}。",
        )
    try:
        return load_policy(text, time_zone=settings.time_zone or None)
    except PolicyError as error:
        raise PolicyError(f"The policy {name} has mistakes. 考核办法有误：\n{error}") from None


def _current(database: Database) -> rulesets.Ruleset:
    migrations_pending = not database.query("EXISTS TABLE rulesets")[0][0]
    ruleset = None if migrations_pending else rulesets.current(database)
    if ruleset is None:
        raise CommandError(
            "No policy is in force here: run `hotline prepare` first. 请先运行 hotline prepare。"
        )
    return ruleset


def _units(settings: Settings) -> list[Unit]:
    return read_units(Path(settings.units)) if settings.units else beijing_units()
