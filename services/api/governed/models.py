"""What the governed list and the classes look like."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from schemas.fields import Code, EventTime, Name, Reference
from services.api.cycles.models import Standing
from services.api.models import DecimalText, Model, TimeText, UnitModel
from services.domain.classes import Class
from services.domain.governed import Kind, Progress, State


class NewEntry(BaseModel):
    """A unit is added to the list or removed from it, or a note says how it gets on.

    治理类名单的列入、移出或进展记录。
    """

    model_config = ConfigDict(extra="forbid")

    id: Name = Field(description="Yours; the same entry sent again changes nothing. 条目编号。")
    kind: Kind = Field(description="added, removed, note. 列入、移出、进展。")
    unit: Code = Field(description="Code of a registered unit. 单位代码。")
    at: EventTime = Field(description="From when on; of a note when it was made. 生效时间。")
    ground: Code = Field(description="Code of the ground. 依据代码。")
    approver: Code = Field(description="Code of the office or role that decided. 批准单位。")
    cycle: Code | None = Field(None, description="Of a note: the cycle, 2026-11. 考核周期。")
    progress: Progress | None = Field(None, description="Of a note. 进展。")
    text: Reference | None = Field(
        None, description="Of a note: one line, nothing about persons. 说明。"
    )


class NoteModel(Model):
    """How a governed unit got on in a cycle.

    治理进展。
    """

    id: str
    cycle: str
    progress: Progress
    text: str
    at: TimeText
    ground: str
    approver: str
    recorded_at: TimeText


class StayModel(Model):
    """A unit's time on the list.

    单位在治理类名单的一段时间。
    """

    unit: str
    state: State = Field(
        description="announced, governed, watched (after it left), left. 待生效、治理中、跟踪、已退出。"
    )
    from_: TimeText = Field(alias="from")
    ground: str
    approver: str
    to: TimeText | None = Field(description="When it was removed. 移出时间。")
    removal_ground: str | None
    removal_approver: str | None
    watched_until: TimeText | None = Field(description="End of the after-watch. 跟踪截止。")
    notes: list[NoteModel]


class GovernedAnswer(Model):
    """The governed list, those who left it too, by unit.

    治理类名单，含已移出的单位。
    """

    as_of: TimeText
    units: list[StayModel]


class ClassLine(Model):
    """A unit with its class, and the other classes whose condition it meets.

    单位的类别与标签。
    """

    unit: UnitModel
    name: Class = Field(description="governed, rectifying, leading, improving. 类别。")
    name_zh: str
    labels: list[Class] = Field(description="Conditions met besides. 同时符合的类别。")
    rank: int | None
    score: DecimalText | None
    gain: DecimalText | None = Field(description="On the previous cycle's score. 环比增量。")


class ClassesAnswer(Model):
    """The classes of a frozen cycle; a unit without a class is not listed.

    考核周期的四类单位。
    """

    cycle: str
    revision: int
    standing: Standing
    as_of: TimeText
    compared: Literal["none", "frozen", "revised"] = Field(
        description="none: the previous cycle is not frozen, so nobody improves. 上期是否已冻结。"
    )
    kind: str
    group: str
    classes: list[ClassLine]
