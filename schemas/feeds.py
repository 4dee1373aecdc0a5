"""Contracts of the messages that scoring writes: what stands in each topic but the events' own.

Scoring encodes by hand, for speed; tests validate what it writes against these models.
"""

from __future__ import annotations

from typing import Annotated, Final, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, JsonValue, WithJsonSchema

from schemas import topics
from schemas.policy.alerts import AlertKind, Recipient

_Natural = Annotated[int, Field(ge=0)]
_Ordinal = Annotated[int, Field(ge=1)]
_Micros = Annotated[int, Field(description="Microseconds since 1970-01-01T00:00:00Z.")]
_UtcText = Annotated[str, WithJsonSchema({"type": "string", "format": "date-time"})]

_Epoch = Annotated[int, Field(ge=0, description="Which log; a new, empty log has the next.")]
_Offset = Annotated[int, Field(description="Kafka offset in the partition; -1 before the first.")]


class _Message(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class LogPosition(_Message):
    """A place in one partition's log."""

    epoch: _Epoch
    offset: _Offset


class DeadLetterMessage(_Message):
    """What could not be counted, and why; never the payload."""

    topic: str = Field(description="Topic of the original.")
    partition: _Natural = Field(description="Partition of the original.")
    position: LogPosition = Field(description="Where the original lies.")
    frame_index: _Natural = Field(description="Index of the event in its frame.")
    reason: str = Field(min_length=1, description="Reason code, see docs/events.md.")
    path: str = Field(description='JSON pointer into the event; "" is the whole of it.')
    detail: str = Field(description="How to mend it, in English; repeats no value.")
    source: str = Field(description='Source of the event; "" where it has no valid one.')
    id: str = Field(description='Id of the event; "" where it has no valid one.')
    subject: str = Field(description='Work order id; "" where there is no valid one.')
    type: str = Field(description='Event type; "" where it has no valid one.')


_Counter = tuple[
    Annotated[str, Field(description="Ranking.")],
    Annotated[str, Field(description='Unit code; "" where no unit leads the order.')],
    Annotated[str, Field(description="Indicator or count, see docs/architecture.md.")],
    Annotated[int, Field(description="First instant of a quarter hour of UTC, microseconds.")],
    Annotated[int, Field(description="Denominator: orders.")],
    Annotated[int, Field(description="Numerator in thousandths of an order.")],
]


class StreetRatesMessage(_Message):
    """One part of what one flush of one shard changed, as absolute values."""

    shard: _Natural = Field(description="Partition of work-order-events.")
    ruleset: _Natural = Field(description="Number of the policy the sums were computed under.")
    epoch: _Epoch
    token: _Natural = Field(description="Fencing token of the writer: offset of its claim.")
    flush: _Natural = Field(description="Number of the flush within the claim.")
    position: tuple[_Epoch, _Offset] = Field(description="Last message folded: epoch, offset.")
    clock: _Micros = Field(
        description="The shard's clock, in microseconds since 1970-01-01T00:00:00Z."
    )
    parts: _Ordinal = Field(description="Messages of this flush; it holds when all are there.")
    part: _Natural = Field(description="Which of them this is, from 0.")
    counters: list[_Counter] = Field(
        description="Changed sums: ranking, unit, indicator, bucket, denominator, numerator."
    )


class AlertWindow(_Message):
    """The window that is ranked."""

    kind: str = Field(description="Kind of window, such as cycle.")
    name: str = Field(description="Name of the window within its kind.")


class RankAlertMessage(_Message):
    """Something is told of a unit in a standing ranking (docs/alerts.md)."""

    id: str = Field(min_length=1, description="The same for the same alert: drop repetitions.")
    rule: AlertKind = Field(description="What happened.")
    name: str = Field(min_length=1, description="What the rule is called in the policy.")
    unit: str = Field(min_length=1, description="Code of the unit.")
    ruleset: _Natural = Field(description="Number of the policy in force.")
    ranking: str = Field(description="By which unit of an order is ranked, such as lead.")
    kind: str = Field(description="Kind of the ranked units, such as street.")
    group: str = Field(description='Peer group; "" for all units of the kind.')
    window: AlertWindow = Field(description="The window that is ranked.")
    evaluation: _Ordinal = Field(description="Number of the evaluation within its series.")
    as_of: _UtcText = Field(description="Instant of the evaluation, RFC 3339 in UTC.")
    not_before: _UtcText | None = Field(description="End of quiet hours: wake nobody before.")
    recipients: list[Recipient] = Field(description="Whose contacts are to be told.")
    evidence: dict[str, JsonValue] = Field(
        description="Numbers by name, decimals as text; orders: those that moved the unit."
    )


class ShardClaimMessage(_Message):
    """A worker claims a partition; the offset of this message is its fencing token."""

    shard: _Natural = Field(description="Partition of work-order-events that is claimed.")
    epoch: _Epoch
    claimed_at: _Micros = Field(
        description="Clock of the claimer, in microseconds since 1970-01-01T00:00:00Z."
    )


class Feed(NamedTuple):
    """One topic: ``days`` of retention; ``partitions`` None means as work-order-events."""

    channel: str
    topic: str
    message: type[BaseModel]
    partitions: int | None
    days: int
    description: str
    writer: str
    reader: str


FEEDS: Final[dict[str, Feed]] = {
    "dead-letter": Feed(
        "deadLetters",
        topics.DEAD_LETTERS,
        DeadLetterMessage,
        1,
        90,
        "No key. At least once: after a crash a letter may come again; (topic, partition, position, "
        "frame_index, reason) tells repetitions. No order is promised within a flush or across "
        "shards. Also kept in the table dead_letters.",
        "Scoring writes one for each event or frame it cannot count, before it commits.",
        "Whoever mends sources; the service itself reads the table.",
    ),
    "street-rates": Feed(
        "streetRates",
        topics.STREET_RATES,
        StreetRatesMessage,
        1,
        1,
        "No key. A feed, not a store: values are absolute, and a reader that missed a flush loads "
        "the counters from the store. Flushes of one claim come in order, shards interleave; a "
        "flush may be missing after a crash, a message may repeat, and older claims may come late: "
        "(epoch, token, flush) grows. While a new policy waits for other shards, a shard tells of "
        "two rulesets, each with flush numbers of its own.",
        "Scoring tells after each flush what it changed.",
        "The ranking agent.",
    ),
    "rank-alert": Feed(
        "rankAlerts",
        topics.RANK_ALERTS,
        RankAlertMessage,
        1,
        30,
        "No key. Alerts that are withheld (found later, or soon after the last one on the unit) are "
        "stored and not sent. At least once: the alerts of the newest evaluation are sent again when the "
        "ranking agent starts, under the same id. Evaluations of one series come in order but for "
        "such repetitions.",
        "The ranking agent, after it has stored the evaluation.",
        "Whoever is to be told; dropping ids seen before.",
    ),
    "shard-claim": Feed(
        "shardClaims",
        topics.SHARD_CLAIMS,
        ShardClaimMessage,
        None,
        7,
        "No key; the partition is the claimed one, so there are as many as of work-order-events. "
        "Offsets order the claims: the greatest stored token alone may write. A claim may come "
        "again, and then the greater offset counts.",
        "A scoring worker that was assigned a partition.",
        "Nobody reads the content: the offset is what counts. For operators.",
    ),
}
"""Every topic that scoring writes, by the name of its JSON Schema."""
