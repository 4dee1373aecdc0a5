"""Everything that is generated from the models of messages and policies: what lies where."""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterator
from typing import Any, Final

import yaml
from pydantic.json_schema import GenerateJsonSchema

from schemas import topics
from schemas.envelope import ENVELOPES, PREFIX
from schemas.events import DATA_TYPES
from schemas.feeds import FEEDS, Feed
from schemas.policy_schema import NAME as POLICY
from schemas.policy_schema import policy_schema
from schemas.reference import event_example, events_page

_VERSION: Final = "1.0.0"


def documents() -> dict[str, str]:
    """Return every generated file, by its path from the repository's root."""
    files = {f"schemas/json/{name}.json": _as_json(json_schema(name)) for name in ENVELOPES}
    files |= {f"schemas/json/{name}.json": _as_json(feed_schema(name)) for name in FEEDS}
    files[f"schemas/json/{POLICY}.json"] = _as_json(policy_schema())
    files["schemas/asyncapi.yaml"] = yaml.safe_dump(
        asyncapi(), allow_unicode=True, sort_keys=False, width=100
    )
    files["docs/events.md"] = events_page({name: json_schema(name) for name in ENVELOPES})
    return files


def json_schema(name: str) -> dict[str, Any]:
    """JSON Schema (2020-12) of one event type, envelope included."""
    schema = ENVELOPES[name].model_json_schema()
    return {
        "$schema": GenerateJsonSchema.schema_dialect,
        "$id": f"urn:hotline-rates:event:{name}",
        **schema,
        "title": PREFIX + name,
        "examples": [event_example(name)],
    }


def feed_schema(name: str) -> dict[str, Any]:
    """JSON Schema (2020-12) of the messages of one topic that scoring writes."""
    return {
        "$schema": GenerateJsonSchema.schema_dialect,
        "$id": f"urn:hotline-rates:feed:{name}",
        **FEEDS[name].message.model_json_schema(),
        "title": name,
    }


def asyncapi() -> dict[str, Any]:
    """AsyncAPI 3 document of all topics."""
    messages = {name: _message(name) for name in ENVELOPES}
    any_event = [{"$ref": f"./json/{name}.json"} for name in ENVELOPES]
    messages["batch"] = {
        "title": "Several events of one partition",
        "contentType": topics.BATCH_JSON,
        "payload": _payload(
            {"type": "array", "maxItems": topics.FRAME_EVENTS, "items": {"anyOf": any_event}}
        ),
    }
    channel = "#/channels/workOrderEvents"
    references = [{"$ref": f"{channel}/messages/{name}"} for name in messages]
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Work-order events of a 12345 hotline",
            "version": _VERSION,
            "description": "The events are the only input of hotline-rates, and its truth (see "
            "docs/events.md); the other topics tell what scoring made of them.",
        },
        "defaultContentType": topics.EVENT_JSON,
        "channels": {
            "workOrderEvents": {
                "address": topics.WORK_ORDER_EVENTS,
                "description": "Keyed by work order id (UTF-8), partitioned by murmur2 as Kafka's "
                "Java client does; never compacted, kept for ever.",
                "messages": messages,
                "bindings": {
                    "kafka": {
                        "topic": topics.WORK_ORDER_EVENTS,
                        "topicConfiguration": {"cleanup.policy": ["delete"], "retention.ms": -1},
                        "bindingVersion": "0.5.0",
                    }
                },
            },
            **{feed.channel: _channel(name, feed) for name, feed in FEEDS.items()},
        },
        "operations": {
            "countEvents": {
                "action": "receive",
                "channel": {"$ref": channel},
                "summary": "The scoring workers fold and count what is valid; the rest goes to "
                f"{topics.DEAD_LETTERS}.",
                "messages": references,
            },
            "forwardEvents": {
                "action": "send",
                "channel": {"$ref": channel},
                "summary": "The gateway and imports send what they have validated.",
                "messages": references,
            },
            **{name: operation for feed in FEEDS.values() for name, operation in _ends(feed)},
        },
    }


def _channel(name: str, feed: Feed) -> dict[str, Any]:
    day = 24 * 60 * 60 * 1000
    topic: dict[str, Any] = {
        "topic": feed.topic,
        "topicConfiguration": {"cleanup.policy": ["delete"], "retention.ms": feed.days * day},
        "bindingVersion": "0.5.0",
    }
    if feed.partitions is not None:
        topic["partitions"] = feed.partitions
    message = {
        "title": name,
        "summary": inspect.getdoc(feed.message),
        "contentType": "application/json",
        "payload": _payload({"$ref": f"./json/{name}.json"}),
    }
    return {
        "address": feed.topic,
        "description": feed.description,
        "messages": {"message": message},
        "bindings": {"kafka": topic},
    }


def _ends(feed: Feed) -> Iterator[tuple[str, dict[str, Any]]]:
    channel = {"$ref": f"#/channels/{feed.channel}"}
    suffix = feed.channel[0].upper() + feed.channel[1:]
    yield f"write{suffix}", {"action": "send", "channel": channel, "summary": feed.writer}
    yield f"read{suffix}", {"action": "receive", "channel": channel, "summary": feed.reader}


def _message(name: str) -> dict[str, Any]:
    return {
        "title": PREFIX + name,
        "summary": (DATA_TYPES[name].__doc__ or "").partition("\n")[0],
        "contentType": topics.EVENT_JSON,
        "payload": _payload({"$ref": f"./json/{name}.json"}),
        "bindings": {
            "kafka": {
                "key": {"type": "string", "description": "The event's subject."},
                "bindingVersion": "0.5.0",
            }
        },
        "examples": [{"payload": event_example(name)}],
    }


def _payload(schema: dict[str, Any]) -> dict[str, Any]:
    return {"schemaFormat": "application/schema+json;version=2020-12", "schema": schema}


def _as_json(document: dict[str, Any]) -> str:
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"
