"""Opens the database and the policies in it: what every process of the service starts with."""

from __future__ import annotations

import contextlib
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
from services.storage.rules import ActivePolicy, NoRulesError, RuleBook


class Engine(NamedTuple):
    """An open database, and the policy in force there now, under its number.

    Another may come into force while the process runs; whoever lives that long asks a `RuleBook`.
    """

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
    """Open the database, bring its tables up to date, activate the policy, register units.

    A policy that differs from the one in force is built while the service runs. The settings are
    followed when they name another document than at the last start: what was activated since by
    other means stays.

    Raises:
        CommandError: unknown policy, or no such file of units.
        PolicyError, RegistryError, StorageError, StorageUnavailable: as their modules say.
    """
    policy = chosen_policy(settings)  # first, so that a misspelt name touches nothing
    registered = _units(settings)
    database = Database.open(settings.database_url, cluster=settings.clickhouse_cluster)
    try:
        migrate(database)
        _follow_settings(database, policy, now)
        current = _rules(database, settings)
        known = {unit.code for unit in units.all_units(database)}
        if settings.units or not known:  # a later start undoes no change made since
            units.register(database, [unit for unit in registered if unit.code not in known], now)
    except BaseException:
        database.close()
        raise
    return Engine(database, current.policy, current.ruleset)


def current_engine(settings: Settings) -> Engine:
    """Open a database that `prepare_engine` has prepared, with the policy in force there.

    Raises:
        CommandError: it has not been prepared.
        StorageError, StorageUnavailable: as their modules say.
    """
    database = Database.open(settings.database_url, cluster=settings.clickhouse_cluster)
    try:
        current = _rules(database, settings)
        return Engine(database, current.policy, current.ruleset)
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
        return load_policy(
            text, time_zone=settings.time_zone or None, calendar=calendar_text(settings.calendar)
        )
    except PolicyError as error:
        raise PolicyError(f"The policy {name} has mistakes. 考核办法有误：\n{error}") from None


def calendar_text(path: str) -> str | None:
    """The text of a calendar file; None if there is no path.

    Raises:
        CommandError: there is no such file.
    """
    if not path:
        return None
    return read_text(Path(path), f"There is no calendar file {path}. 没有这个日历文件。")


def _follow_settings(database: Database, policy: Policy, now: Instant) -> None:
    """Activate what the settings name, if they name something else than at the last start.

    Otherwise the newest policy stays; if this program computes other results from its text, as
    with the calendar of another year, it is activated anew.
    """
    if rulesets.named_by_settings(database) != policy.document:
        _activate(database, policy, now)
        rulesets.note_settings(database, policy.document, now)
        return
    newest = rulesets.newest(database)
    if newest is None:
        _activate(database, policy, now)
        return
    with contextlib.suppress(PolicyError):  # of another version of this program; it stays
        _activate(database, load_policy(newest.document), now)


def _activate(database: Database, policy: Policy, now: Instant) -> None:
    rulesets.activate(database, policy.id, policy.version, policy.checksum, policy.document, now)


def _rules(database: Database, settings: Settings) -> ActivePolicy:
    """The policy in force.

    Raises:
        CommandError: there is none.
    """
    if database.query("EXISTS TABLE rulesets")[0][0]:
        with contextlib.suppress(NoRulesError):
            return RuleBook(database, settings.partitions).read().current
    raise CommandError(
        "No policy is in force here: run `hotline prepare` first. 请先运行 hotline prepare。"
    )


def _units(settings: Settings) -> list[Unit]:
    return read_units(Path(settings.units)) if settings.units else beijing_units()
