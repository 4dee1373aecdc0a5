"""Units, adjustments, and what could not be counted, as tables."""

from __future__ import annotations

from services.api.adjustment_models import AdjustmentsAnswer
from services.api.models import DeadLettersAnswer, DroppedFieldsAnswer, UnitsAnswer
from services.api.tables.figures import UNIT, Names, unit_cells
from services.api.tables.rankings import KINDS_ZH
from services.api.tables.table import Table, number, yes


def units_table(answer: UnitsAnswer, names: Names) -> Table:
    """The registry."""
    return Table(
        title="承办单位名录",
        about=(),
        headings=(*UNIT, "类别", "所属区代码"),
        rows=[
            (*unit_cells(unit, names), KINDS_ZH.get(unit.kind, unit.kind), unit.parent)
            for unit in answer.units
        ],
        key_columns=2,
    )


def adjustments_table(answer: AdjustmentsAnswer, names: Names) -> Table:
    """The register of a cycle."""
    return Table(
        title=f"加减分台账 {answer.cycle}",
        about=(("考核周期", answer.cycle),),
        headings=(
            "编号", "单位代码", "单位", "分值", "计分", "理由", "批准单位", "批准时间", "登记时间",
            "撤销的条目", "被何条目撤销",
        ),
        rows=[
            (
                entry.id,
                entry.unit,
                names.get(entry.unit, ""),
                number(entry.points),
                yes(entry.counts),
                entry.ground,
                entry.approver,
                entry.decided_at,
                entry.recorded_at,
                entry.withdraws,
                entry.withdrawn_by,
            )
            for entry in answer.adjustments
        ],
    )  # fmt: skip


def dead_letters_table(answer: DeadLettersAnswer) -> Table:
    """What could not be counted, and where the log holds it."""
    return Table(
        title="未入账事件",
        about=(),
        headings=(
            "登记时间", "原因", "位置", "说明", "工单号", "来源", "事件编号", "事件类型",
            "主题", "分区", "纪元", "偏移", "帧内序号",
        ),
        rows=[
            (
                letter.recorded_at,
                letter.reason,
                letter.path,
                letter.detail,
                letter.subject,
                letter.source,
                letter.id,
                letter.type,
                letter.topic,
                letter.position.shard,
                letter.position.epoch,
                letter.position.offset,
                letter.position.index,
            )
            for letter in answer.dead_letters
        ],
    )  # fmt: skip


def dropped_fields_table(answer: DroppedFieldsAnswer) -> Table:
    """Unknown fields by name."""
    return Table(
        title="被丢弃的字段",
        about=(),
        headings=("字段", "事件数"),
        rows=sorted(answer.fields.items()),
    )
