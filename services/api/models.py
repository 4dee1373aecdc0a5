"""What the answers look like. Decimals are JSON strings, never binary floats; null is not zero."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

DecimalText = Annotated[
    str,
    Field(
        pattern=r"^-?\d+(\.\d+)?$",
        description="An exact decimal as text. 精确小数，以字符串表示。",
    ),
]
TimeText = Annotated[
    str,
    Field(
        json_schema_extra={"format": "date-time"},
        description="RFC 3339 with the offset of the policy's zone. 带时区的时间。",
    ),
]


class Model(BaseModel):
    """Closed and immutable."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class PolicyName(Model):
    """Which rules gave the numbers.

    所用考核办法。
    """

    id: str
    version: str
    ruleset: int = Field(description="Number of the policy in this database. 规则集编号。")


class ShardPosition(Model):
    """How far one shard had read when it was asked.

    各分区已入账的日志位置。
    """

    shard: int
    epoch: int
    offset: int
    clock: TimeText


class Answer(Model):
    """What every answer with numbers says about itself."""

    as_of: TimeText | None = Field(
        description="The numbers are those of this instant; live, the smallest clock of all "
        "shards, null before the first flush. 截至时刻；实时查询时为各分区时钟的最小值。"
    )
    standing: Literal["live", "frozen", "revised"] = Field(
        "live",
        description="frozen: revision 1 of a cycle, revised: a later one. 实时、冻结或修订。",
    )
    revision: int | None = Field(
        None, description="Of a frozen cycle; null for live numbers. 版次，实时为 null。"
    )
    live: bool = Field(description="False when `as_of` was asked for. 是否实时。")
    complete: bool = Field(
        description="False while a shard is missing, or behind `as_of`. 各分区是否齐全。"
    )
    missing_shards: list[int]
    policy: PolicyName
    positions: list[ShardPosition]


class WindowText(Model):
    """[from, to)."""

    kind: str
    name: str
    from_: TimeText = Field(alias="from")
    to: TimeText


class UnitModel(Model):
    """One unit of the registry.

    承办单位。
    """

    code: str
    name: str
    kind: str
    parent: str = Field(description="Code of the district, or empty. 所属区代码。")
    group: str = Field(description="Peer group, or empty. 分类组。")


class LogPosition(Model):
    """Where the log holds an event."""

    shard: int
    epoch: int
    offset: int
    index: int = Field(description="Place within the frame.")


class UnitsAnswer(Model):
    """Units of the registry, by code."""

    units: list[UnitModel]
    groups: list[str] = Field(description="Peer groups of all units of the kind. 分类组。")


class Registered(Model):
    """How many units were registered."""

    registered: int


class DeadLetterModel(Model):
    """What could not be counted, and why.

    未能入账的事件。
    """

    recorded_at: TimeText
    topic: str
    position: LogPosition
    reason: str
    path: str
    detail: str
    source: str
    id: str
    subject: str
    type: str


class DeadLettersAnswer(Model):
    """Dead letters, the last recorded first."""

    dead_letters: list[DeadLetterModel]
    counts: dict[str, int] = Field(description="All of them, by reason. 按原因合计。")
    next: str | None


class DroppedFieldsAnswer(Model):
    """How many archived events came with an unknown field, by its name.

    被丢弃字段的统计。
    """

    fields: dict[str, int]


class IndicatorModel(Model):
    """An indicator of the policy.

    指标。
    """

    code: str
    name_zh: str
    name_en: str
    weight: DecimalText | None = Field(
        description="Its weight or most points in the score; null without any. 权重或满分。"
    )
    floor: DecimalText | None = Field(description="Percent. 底线。")
    parts: dict[str, int] | None = Field(
        description="Of which indicators it is the mean, with their weights. 构成及权重。"
    )


class VersionModel(Model):
    """A version of the policy, and when it is in force; null has no end.

    考核办法的版本及其生效期。
    """

    version: str
    from_: TimeText | None = Field(alias="from")
    to: TimeText | None


class PolicyAnswer(PolicyName):
    """The policy in force; indicators, bottom and sample are those of its present version.

    现行考核办法。
    """

    name_zh: str
    name_en: str
    checksum: str
    time_zone: str
    versions: list[VersionModel]
    indicators: list[IndicatorModel]
    bottom: int
    minimum_sample: int
    document: str = Field(description="Its text, YAML. 原文。")


class Health(Model):
    """Each check by name."""

    status: Literal["ok"]
    checks: dict[str, bool]
    warnings: list[str] = Field(description="What will be wanting soon. 即将缺少的内容。")
