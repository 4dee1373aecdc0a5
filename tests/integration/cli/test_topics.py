from __future__ import annotations

import pytest
from kafka.admin import ConfigResource, KafkaAdminClient

from schemas.topics import SHARD_CLAIMS, STREET_RATES, WORK_ORDER_EVENTS
from services.cli.local_broker import free_port
from services.cli.topics import TopicError, ensure_topics
from tests.support.brokers import Broker, fresh_broker


def _partitions(bootstrap: str) -> dict[str, int]:
    with KafkaAdminClient(bootstrap_servers=bootstrap) as admin:
        return {topic["name"]: len(topic["partitions"]) for topic in admin.describe_topics()}


def test_creates_the_missing_topics_once(broker: Broker) -> None:
    created = ensure_topics(broker.bootstrap, 3)

    assert len(created) == 5
    assert ensure_topics(broker.bootstrap, 3) == []
    partitions = _partitions(broker.bootstrap)
    assert partitions[WORK_ORDER_EVENTS] == partitions[SHARD_CLAIMS] == 3
    assert partitions[STREET_RATES] == 1


def test_creates_what_is_missing_beside_what_is_there(broker: Broker) -> None:
    with KafkaAdminClient(bootstrap_servers=broker.bootstrap) as admin:
        admin.create_topics({WORK_ORDER_EVENTS: {"num_partitions": 2, "replication_factor": 1}})

    assert WORK_ORDER_EVENTS not in ensure_topics(broker.bootstrap, 2)
    assert _partitions(broker.bootstrap)[SHARD_CLAIMS] == 2


def test_another_partition_count_is_an_error_that_names_the_topic(broker: Broker) -> None:
    ensure_topics(broker.bootstrap, 2)

    with pytest.raises(TopicError, match="work-order-events has 2 partitions, not 4"):
        ensure_topics(broker.bootstrap, 4)


def test_no_broker_is_an_error_that_names_the_address() -> None:
    bootstrap = f"127.0.0.1:{free_port()}"

    with pytest.raises(TopicError, match=bootstrap):
        ensure_topics(bootstrap, 1, seconds=1)


@pytest.mark.kafka  # Tansu tells no topic settings
def test_the_truth_is_kept_for_ever_and_feeds_are_not() -> None:
    with fresh_broker("kafka") as kafka:
        ensure_topics(kafka.bootstrap, 1)
        resources = [ConfigResource("TOPIC", name) for name in (WORK_ORDER_EVENTS, STREET_RATES)]
        with KafkaAdminClient(bootstrap_servers=kafka.bootstrap) as admin:
            found = admin.describe_configs(resources)["topic"]

    assert found[WORK_ORDER_EVENTS]["retention.ms"]["value"] == "-1"
    assert found[STREET_RATES]["retention.ms"]["value"] == "86400000"


@pytest.mark.parametrize("bootstrap", ["kafka", "kafka:", ":9092", "kafka:nine"])
def test_what_is_no_address_is_refused_at_once(bootstrap: str) -> None:
    with pytest.raises(TopicError, match="host:port"):
        ensure_topics(bootstrap, 1)
