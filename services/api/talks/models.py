"""What talks look like."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from schemas.fields import Code, EventTime
from services.api.cycles.models import Standing
from services.api.models import Model, TimeText, UnitModel
from services.domain.talks import Reason


class TalkModel(Model):
    """A unit that is called in after a cycle.

    被约谈（或提示谈话）的单位。
    """

    unit: UnitModel
    reasons: list[Reason] = Field(
        description="bottom, last_district, last_department, last_company, governed_slow; "
        "volume_warning is a warning talk. 约谈原因。"
    )
    reasons_zh: list[str]
    warning_only: bool = Field(description="Nothing but a warning talk. 仅提示谈话。")
    times_this_year: int = Field(
        description="In frozen cycles of the assessment year, this one too. 本考核年度次数。"
    )
    in_a_row: int = Field(description="Frozen cycles one after another. 连续周期数。")
    watched: bool = Field(description="It left the governed list lately. 退出治理类后的跟踪期。")
    talked_at: TimeText | None = Field(description="约谈时间")
    statement_due: TimeText | None = Field(
        description="Of the rectification statement; none after a mere warning. 整改说明期限。"
    )
    statement_received: TimeText | None = Field(description="整改说明收到时间")
    statement_late: bool = Field(description="Came late, or is late now. 是否逾期。")


class TalksAnswer(Model):
    """Who is called in after a frozen cycle.

    一个考核周期的约谈名单。
    """

    cycle: str
    revision: int
    standing: Standing
    as_of: TimeText
    published_at: TimeText = Field(description="Of revision 1. 公布时间。")
    cycles_of_year: list[str] = Field(description="Those that are frozen. 本年度已冻结周期。")
    talks: list[TalkModel]


class NewRecord(BaseModel):
    """When a unit was talked to, or its rectification statement came.

    登记约谈时间或整改说明。
    """

    model_config = ConfigDict(extra="forbid")

    talked_at: EventTime | None = Field(None, description="约谈时间。 Of the talk.")
    received_at: EventTime | None = Field(None, description="整改说明收到时间。 Of the statement.")
    approver: Code = Field(description="Code of the office that records it. 登记单位。")
