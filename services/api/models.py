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
Reason = Literal["no_demand", "no_valid_callback", "too_few"]


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


class Rate(Model):
    """One rate with what it is made of.

    率及其分子、分母。
    """

    name_zh: str
    name_en: str
    numerator: DecimalText = Field(description="基本满意 counts 0.9. 分子。")
    denominator: int
    rate: DecimalText | None = Field(
        description="Percent, 2 decimals; null without a denominator. 百分数；无分母时为 null。"
    )


class States(Model):
    """The seven states; they add up to the volume.

    七种状态，合计等于工单量。
    """

    not_assessed: int = Field(description="不参评")
    not_yet_due: int = Field(description="未到期")
    callback_pending: int = Field(description="待回访")
    unreachable: int = Field(description="无法回访")
    valid: int = Field(description="有效回访")
    excluded: dict[str, int] = Field(description="By ground. 剔除，按理由。")
    suspended: int = Field(description="挂账")


class Figures(Model):
    """All numbers of one unit, or of several together."""

    indicators: dict[str, Rate]
    volume: int = Field(description="工单量")
    states: States
    open: int = Field(description="Neither resolved nor withdrawn. 未办结。")
    overdue: int = Field(description="Open beyond their deadline. 超期未办结。")
    returned: int = Field(description="Returns that were accepted. 退单。")
    reopened: int = Field(description="重办")
    incomplete: int = Field(
        description="Orders whose `received` has not arrived yet; not in the volume. 缺受理事件。"
    )
    valid_callback_rate: DecimalText | None = Field(
        description="valid / (valid + unreachable), percent. 有效回访率。"
    )


class _Place(Model):
    rank: int
    bottom: bool = Field(description="Among those who are called in. 是否末位。")
    unit: UnitModel
    score: DecimalText


class Ranked(Figures, _Place):
    """A unit with its place."""


class _NoPlace(Model):
    unit: UnitModel
    reason: Reason
    reason_zh: str


class Unranked(Figures, _NoPlace):
    """A unit without a place, and why.

    未参加排名的单位及原因。
    """


class UnknownUnit(Model):
    """Orders name this unit, the registry does not.

    有工单但未登记的单位。
    """

    code: str
    figures: Figures


class RankingAnswer(Answer):
    """The list, those who are not on it, and what belongs to no unit.

    排名。
    """

    window: WindowText
    kind: str
    group: str = Field(description="Peer group, or empty for all. 分类组。")
    bottom: list[str] = Field(description="Codes of the units at the bottom. 末位单位代码。")
    ranked: list[Ranked]
    unranked: list[Unranked]
    unknown_units: list[UnknownUnit]
    undispatched: Figures = Field(description="Orders that no unit leads. 尚无主办单位的工单。")
    incomplete: int = Field(description="Over all units, known or not. 全部缺受理事件的工单数。")
    totals: Figures = Field(
        description="Pooled over the ranked and unranked units of the list. 榜上单位合计。"
    )


class _UnitPlace(Answer):
    window: WindowText
    known: bool = Field(description="Whether the registry has it. 是否已登记。")
    unit: UnitModel
    rank: int | None
    ranked_units: int = Field(description="How many units have a rank. 参加排名的单位数。")
    bottom: bool
    score: DecimalText | None
    reason: Reason | None = Field(description="Why it has no rank. 未排名原因。")
    reason_zh: str | None


class UnitRatesAnswer(Figures, _UnitPlace):
    """The numbers of one unit, the same as in its ranking.

    单个单位的指标。
    """


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
    """An indicator of the policy."""

    code: str
    name_zh: str
    name_en: str
    weight: int


class PolicyAnswer(PolicyName):
    """The policy in force.

    现行考核办法。
    """

    name_zh: str
    name_en: str
    checksum: str
    time_zone: str
    indicators: list[IndicatorModel]
    bottom: int
    minimum_sample: int
    document: str = Field(description="Its text, YAML. 原文。")


class Health(Model):
    """Each check by name."""

    status: Literal["ok"]
    checks: dict[str, bool]
