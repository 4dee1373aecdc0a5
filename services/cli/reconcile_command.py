"""`hotline reconcile`: live counters, stored counters, orders and the archive, compared."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer
from kafka.errors import KafkaError

from services.cli.engine import Engine, current_engine
from services.cli.errors import EXPECTED, CommandError
from services.settings import Settings, load_settings

if TYPE_CHECKING:
    from services.scoring.reconcile.feed import Published
    from services.scoring.reconcile.shard import Compared


def reconcile(
    shard: Annotated[
        list[int] | None, typer.Option(min=0, help="Only this one; may be repeated. 分区")
    ] = None,
    sample: Annotated[
        int, typer.Option(min=1, help="Evaluate one order in so many again. 抽样，每多少件取一件")
    ] = 1,
) -> None:
    """全面核对 · Compare the feed, the counters, the orders and the log, and name what differs.

    Reads the store itself, so the embedded service has to be stopped. Ends with code 1 if something
    differs, or could not be compared.
    """
    equal = True
    try:
        with _opened(load_settings()) as (settings, engine):
            published = _feed(settings, engine.ruleset)
            for number in _chosen(shard or (), settings.partitions):
                compared = _compare(engine, number, published, sample)
                _show(compared)
                equal &= compared.complete and not compared.differences
    except EXPECTED as error:
        typer.echo(f"hotline: {error}", err=True)
        raise typer.Exit(1) from None
    if not equal:
        raise typer.Exit(1)


@contextmanager
def _opened(settings: Settings) -> Iterator[tuple[Settings, Engine]]:
    engine = current_engine(settings)
    try:
        yield settings, engine
    finally:
        engine.database.close()


def _chosen(shards: Sequence[int], partitions: int) -> Sequence[int]:
    if any(shard >= partitions for shard in shards):
        raise CommandError(f"Shards are 0 to {partitions - 1} (HOTLINE_PARTITIONS). 没有这个分区。")
    return sorted(set(shards)) or range(partitions)


def _feed(settings: Settings, ruleset: int) -> Mapping[int, Published] | None:
    """What `street-rates` told; None without an address of Kafka.

    Raises:
        CommandError: it cannot be read.
    """
    from services.scoring.reconcile.feed import FeedError, read_feed  # noqa: PLC0415 - heavy

    if not settings.kafka_bootstrap:
        typer.echo(
            "未设置 HOTLINE_KAFKA_BOOTSTRAP，不核对实时计数 the feed is not compared", err=True
        )
        return None
    try:
        return read_feed(settings.kafka_bootstrap, ruleset, settings.topic_suffix)
    except (FeedError, KafkaError) as error:
        raise CommandError(
            f"Kafka cannot be read ({type(error).__name__}): is HOTLINE_KAFKA_BOOTSTRAP right? "
            "无法读取 Kafka，请检查地址。"
        ) from error


def _compare(
    engine: Engine, shard: int, published: Mapping[int, Published] | None, sample: int
) -> Compared:
    """Compare one shard; a bar shows how far it is."""
    from rich.console import Console  # noqa: PLC0415 - heavy, and --help is not
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn  # noqa: PLC0415

    from services.scoring.reconcile.shard import Plan, compare_shard  # noqa: PLC0415
    from services.storage.shard_audit import ShardAudit  # noqa: PLC0415

    store = ShardAudit(engine.database, shard, engine.ruleset)
    columns = (TextColumn("核对工单 orders"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        bar = progress.add_task("orders", total=store.count_orders())

        def on_progress(orders: int) -> None:
            progress.update(bar, completed=orders)

        plan = Plan(sample=sample, on_progress=on_progress)
        told = None if published is None else published.get(shard, {})
        return compare_shard(store, engine.policy, told, plan)


def _show(compared: Compared) -> None:
    verdict = "不一致 differs" if compared.differences else "一致 equal"
    left_out = (
        f", 无法评估 not evaluable {compared.not_evaluable:,}" if compared.not_evaluable else ""
    )
    typer.echo(f"分区 shard {compared.shard}: 工单 orders {compared.orders:,}{left_out}, {verdict}")
    for difference in compared.differences:
        typer.echo(f"  {difference.line()}", err=True)
    if not compared.complete:
        counters = "" if compared.settled else ", 全部计数 all counters"
        typer.echo(
            f"  正在变化，未核对 at work, not compared: 工单 orders {compared.unsettled:,}{counters}",
            err=True,
        )
