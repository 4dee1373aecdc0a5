"""More partitions: from one log and its database to a new log and a database of its own.

The old side stays as it is until somebody removes it. Every step may be repeated (decision 0021).
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError
from pydantic import SecretStr

from schemas.instants import Instant
from schemas.topics import WORK_ORDER_EVENTS, topic_name
from services.cli.cluster import bootstrap_of
from services.cli.engine import current_engine
from services.cli.errors import CommandError
from services.cli.topics import ensure_topics
from services.ingest.refill import Ends, OnProgress, Refill, Side
from services.scoring.faust_app import GROUP, TopicsMissingError, check_topics
from services.settings import Settings
from services.storage.agreement import Compared, Store, compare
from services.storage.carry import carry
from services.storage.database import Database
from services.storage.migrate import migrate
from services.storage.shard_store import ShardStore

_SUFFIX: Final = re.compile(r"[a-z0-9-]{1,32}")
_DATABASE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")


class Route(NamedTuple):
    """The settings of the old side, as they are in force, and those of the new one."""

    old: Settings
    new: Settings

    def environment(self) -> dict[str, str]:
        """What differs, as the new processes take it; the password is not shown."""
        database = urlsplit(self.new.database_url).path.strip("/")
        return {
            "HOTLINE_PARTITIONS": str(self.new.partitions),
            "HOTLINE_TOPIC_SUFFIX": self.new.topic_suffix,
            "HOTLINE_EPOCH": str(self.new.epoch),
            "HOTLINE_CLICKHOUSE_URL": f"…/{database}",
        }


class Plan(NamedTuple):
    """What would be copied, and how far it is: by old partition; orders and events that are stored."""

    ends: list[Ends]
    orders: int
    events: int


class Filled(NamedTuple):
    """What one run has copied: messages, and rows by table."""

    messages: int
    rows: dict[str, int]


class Verdict(NamedTuple):
    """Why the two cannot be compared yet, by reason; or what comparing them has told."""

    unsettled: list[str]
    compared: Compared | None


def route(settings: Settings, *, partitions: int, suffix: str, database: str) -> Route:
    """Name the new side.

    Args:
        settings: of the old side.
        partitions: of the new log.
        suffix: behind the names of its topics.
        database: on the same server; a name.

    Raises:
        CommandError: they cannot be those of another log.
    """
    bootstrap_of(settings)
    if not settings.clickhouse_url.get_secret_value():
        raise CommandError(
            "Repartitioning needs a ClickHouse server (HOTLINE_CLICKHOUSE_URL): chDB holds one "
            "database a directory. 增加分区需要 ClickHouse 服务器。"
        )
    if not _SUFFIX.fullmatch(suffix) or not _DATABASE.fullmatch(database):
        raise CommandError(
            "A suffix is lower-case letters, digits and -, the name of a database letters, digits "
            "and _. 后缀或数据库名无效。"
        )
    url = urlsplit(settings.database_url)
    if partitions <= settings.partitions:
        raise CommandError(
            f"There are {settings.partitions} partitions (HOTLINE_PARTITIONS): name a greater "
            "number. 新分区数须大于现有分区数。"
        )
    if suffix == settings.topic_suffix or database == (url.path.strip("/") or "default"):
        raise CommandError(
            "The new log needs a topic suffix and a database of its own. 新日志须另用主题后缀和数据库。"
        )
    new = settings.model_copy(
        update={
            "partitions": partitions,
            "topic_suffix": suffix,
            "epoch": settings.epoch + 1,
            "clickhouse_url": SecretStr(url._replace(path=f"/{database}").geturl()),
        }
    )
    return Route(settings, new)


def plan(way: Route) -> Plan:
    """Tell what there is to copy; changes nothing.

    Raises:
        CommandError: the log does not hold everything that is stored, or Kafka cannot be read.
    """
    with _database(way) as database, _refill(way) as refill:
        return _checked(way, database, refill)


def fill(way: Route, on_progress: OnProgress) -> Filled:
    """Make the new side where it is not there, and copy to it what it lacks.

    Raises:
        CommandError: as `plan`.
        Exception: the others of `services.cli.errors.EXPECTED`.
    """
    with _database(way) as database:
        with _refill(way) as refill:
            _checked(way, database, refill)
        ensure_topics(
            bootstrap_of(way.new),
            way.new.partitions,
            replication=way.new.kafka_replication,
            suffix=way.new.topic_suffix,
        )
        rows = _carry(way, database)
        with _refill(way) as refill:
            return Filled(refill.run(on_progress), rows)


def verify(way: Route, at: Instant) -> Verdict:
    """Compare both sides, if both have stored everything that the old log holds.

    Raises:
        CommandError: there is nothing to compare, or Kafka cannot be read.
        Exception: the others of `services.cli.errors.EXPECTED`.
    """
    engine = current_engine(way.old)
    try:
        with _opened(way.new) as target, _refill(way) as refill:
            old = Store(engine.database, way.old.partitions)
            new = Store(target, way.new.partitions)
            ends = refill.ends()
            unsettled = [
                f"old partition 旧分区 {number}: {each.end - each.copied} messages not copied 未复制"
                for number, each in enumerate(ends)
                if each.copied < each.end
            ]
            for side, store, settings, logged in (
                ("old 旧", old, way.old, [each.end for each in ends]),
                ("new 新", new, way.new, refill.new_ends()),
            ):
                unsettled += [
                    f"{side} {shard}: its workers have not stored the log to its end 尚未入库"
                    for shard in _unstored(store, engine.ruleset, settings, logged)
                ]
            if unsettled:
                return Verdict(unsettled, None)
            return Verdict([], compare(old, new, engine.ruleset, at))
    finally:
        engine.database.close()


def _checked(way: Route, database: Database, refill: Refill) -> Plan:
    try:
        asyncio.run(check_topics(bootstrap_of(way.old), way.old.partitions, way.old.topic_suffix))
    except TopicsMissingError as error:
        raise CommandError(
            f"The old log is not as it is set: {error}. 原日志与设置不符。"
        ) from error
    ends = refill.ends()
    ((elsewhere, events, orders),) = database.query(
        "SELECT countIf(epoch != {epoch:UInt32}), count(), uniqExact(subject) FROM events",
        {"epoch": way.old.epoch},
    )
    if elsewhere or any(each.begin for each in ends):
        raise CommandError(
            "The log does not hold everything that is stored: it was shortened, or it continues an "
            "earlier one (HOTLINE_EPOCH). A log that is filled from it would lack events. "
            "日志不完整，无法由它重新填充。"
        )
    return Plan(ends, orders, events)


def _carry(way: Route, source: Database) -> dict[str, int]:
    name = urlsplit(way.new.database_url).path.strip("/")
    where = f" ON CLUSTER '{way.new.clickhouse_cluster}'" if way.new.clickhouse_cluster else ""
    source.execute(f"CREATE DATABASE IF NOT EXISTS `{name}`{where}")
    with _opened(way.new) as target:
        migrate(target)
        return dict(carry(source, target, (way.old.partitions, way.new.partitions)))


def _unstored(store: Store, ruleset: int, settings: Settings, ends: Sequence[int]) -> Iterator[int]:
    """The shards that lack something of their log. A commit is the last step of a flush."""
    for shard, (end, committed) in enumerate(zip(ends, _committed(settings), strict=True)):
        mark = ShardStore(store.database, shard, ruleset).last_flush()
        if mark is None or mark.position < (settings.epoch, end - 1) or committed < end:
            yield shard


def _committed(settings: Settings) -> list[int]:
    """Where the workers' group would go on reading each partition."""
    topic = topic_name(WORK_ORDER_EVENTS, settings.topic_suffix)
    consumer: Any = KafkaConsumer(
        bootstrap_servers=bootstrap_of(settings).split(","),
        group_id=topic_name(GROUP, settings.topic_suffix),
        enable_auto_commit=False,
        metrics_enabled=False,
    )
    try:
        places = [TopicPartition(topic, number) for number in range(settings.partitions)]
        return [consumer.committed(at) or 0 for at in places]
    finally:
        consumer.close()


@contextmanager
def _database(way: Route) -> Iterator[Database]:
    engine = current_engine(way.old)
    try:
        yield engine.database
    finally:
        engine.database.close()


@contextmanager
def _opened(settings: Settings) -> Iterator[Database]:
    database = Database.open(settings.database_url, cluster=settings.clickhouse_cluster)
    try:
        yield database
    finally:
        database.close()


@contextmanager
def _refill(way: Route) -> Iterator[Refill]:
    old = Side(way.old.topic_suffix, way.old.partitions)
    new = Side(way.new.topic_suffix, way.new.partitions)
    try:
        with Refill(bootstrap_of(way.old), old, new) as refill:
            yield refill
    except KafkaError as error:
        raise CommandError(
            f"Kafka cannot be read or written ({type(error).__name__}). What is copied stays: run "
            "it again. Kafka 读写失败，可重新执行。"
        ) from error
