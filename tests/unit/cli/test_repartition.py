"""Which new logs `hotline repartition` takes, and what their processes are set to."""

from __future__ import annotations

import pytest

from services.cli.errors import CommandError
from services.cli.repartition import route
from services.settings import load_settings

SETTINGS = {
    "kafka_bootstrap": "127.0.0.1:9",
    "clickhouse_url": "http://me:s3cret@127.0.0.1:9/city",
    "partitions": 4,
    "epoch": 3,
    "topic_suffix": "p4",
}


def test_the_new_side_has_an_epoch_topics_and_a_database_of_its_own() -> None:
    way = route(load_settings(**SETTINGS), partitions=6, suffix="p6", database="city_p6")

    assert way.new.database_url == "http://me:s3cret@127.0.0.1:9/city_p6"
    assert way.environment() == {
        "HOTLINE_PARTITIONS": "6",
        "HOTLINE_TOPIC_SUFFIX": "p6",
        "HOTLINE_EPOCH": "4",
        "HOTLINE_CLICKHOUSE_URL": "…/city_p6",
    }
    assert way.old == load_settings(**SETTINGS)


@pytest.mark.parametrize(
    ("partitions", "suffix", "database", "what"),
    [
        (4, "p6", "city_p6", "greater number"),
        (6, "p4", "city_p6", "of its own"),
        (6, "p6", "city", "of its own"),
        (6, "", "city_p6", "lower-case letters"),
        (6, "P/6", "city_p6", "lower-case letters"),
        (6, "p6", "x`;y", "letters, digits"),
        (6, "p6", "x" * 65, "letters, digits"),
    ],
)
def test_what_cannot_be_another_log_is_refused(
    partitions: int, suffix: str, database: str, what: str
) -> None:
    with pytest.raises(CommandError, match=what) as refused:
        route(load_settings(**SETTINGS), partitions=partitions, suffix=suffix, database=database)

    assert "x`" not in str(refused.value)


@pytest.mark.parametrize(
    ("missing", "what"),
    [("kafka_bootstrap", "HOTLINE_KAFKA_BOOTSTRAP"), ("clickhouse_url", "ClickHouse server")],
)
def test_it_needs_kafka_and_a_server(missing: str, what: str) -> None:
    settings = load_settings(**{name: v for name, v in SETTINGS.items() if name != missing})

    with pytest.raises(CommandError, match=what):
        route(settings, partitions=6, suffix="p6", database="city_p6")
