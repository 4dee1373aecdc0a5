"""Appeals as a table."""

from __future__ import annotations

from services.api.appeals.models import AppealsAnswer
from services.api.tables.figures import Names
from services.api.tables.table import Table, yes


def appeals_table(answer: AppealsAnswer, names: Names) -> Table:
    """One row for each appeal of the page."""
    return Table(
        title="申诉台账",
        about=(("截至", answer.as_of or ""),),
        headings=(
            "编号", "工单号", "单位代码", "单位", "指标", "理由", "佐证材料", "提交时间", "状态",
            "当前层级", "本级期限", "决定时间", "逾期", "逾期层级", "剔除时间", "无效原因",
        ),
        rows=[
            (
                appeal.id,
                appeal.order,
                appeal.unit,
                names.get(appeal.unit, ""),
                appeal.indicator,
                appeal.ground,
                "、".join(appeal.evidence),
                appeal.filed_at,
                appeal.state_zh,
                appeal.level,
                appeal.term_ends_at,
                appeal.decided_at,
                yes(appeal.overdue),
                "、".join(appeal.missed),
                appeal.excluded_at,
                appeal.why_zh,
            )
            for appeal in answer.appeals
        ],
    )  # fmt: skip
