"""What citizens call about, how urgent it is, and how readily it can be solved."""

from __future__ import annotations

from typing import Final, NamedTuple

from schemas.instants import DAY, HOUR, Instant

LIMITS: Final[dict[str, Instant]] = {
    "critical": 2 * HOUR,
    "urgent": 24 * HOUR,
    "normal": 7 * DAY,
    "complex": 15 * DAY,
}
"""Time to resolve, by urgency."""

ASSESSED: Final = frozenset({"help", "complaint", "report", "suggestion"})


class Matter(NamedTuple):
    """One kind of demand.

    ``weight`` in 1000 calls outside the heating season, ``ease`` is added to the street's
    chance to solve it.
    """

    category: tuple[str, ...]
    weight: int
    urgencies: tuple[tuple[str, int], ...]
    ease: float


_NORMAL: Final = (("normal", 92), ("complex", 8))
_HARD: Final = (("normal", 55), ("complex", 45))
_SUPPLY: Final = (("urgent", 88), ("critical", 4), ("normal", 8))
_DANGER: Final = (("critical", 30), ("urgent", 40), ("normal", 30))

HEATING: Final = Matter(("市政", "供暖", "室温不达标"), 4, _SUPPLY, 0.02)

MATTERS: Final = (
    HEATING,
    Matter(("市政", "供水", "停水"), 45, _SUPPLY, 0.12),
    Matter(("市政", "供电", "停电"), 35, _SUPPLY, 0.12),
    Matter(("市政", "燃气", "燃气故障"), 14, _SUPPLY, 0.08),
    Matter(("市政", "道路", "路面破损"), 60, _NORMAL, 0.05),
    Matter(("市政", "排水", "积水堵塞"), 40, _NORMAL, 0.06),
    Matter(("环境", "噪声", "施工噪声"), 80, _NORMAL, -0.04),
    Matter(("环境", "垃圾", "清运不及时"), 85, _NORMAL, 0.09),
    Matter(("环境", "绿化", "树木修剪"), 45, _NORMAL, 0.04),
    Matter(("住房", "物业", "服务质量"), 150, _NORMAL, -0.03),
    Matter(("住房", "物业", "收费争议"), 60, _HARD, -0.12),
    Matter(("住房", "违法建设", "私搭乱建"), 65, _HARD, -0.14),
    Matter(("住房", "老旧小区", "加装电梯"), 40, _HARD, -0.16),
    Matter(("交通", "停车", "违停占道"), 95, _NORMAL, 0.0),
    Matter(("交通", "共享单车", "乱停放"), 35, _NORMAL, 0.08),
    Matter(("民生", "养老", "助餐服务"), 30, _NORMAL, 0.02),
    Matter(("民生", "消费", "预付卡退费"), 70, _HARD, -0.1),
    Matter(("安全", "消防", "占用消防通道"), 35, _DANGER, 0.03),
    Matter(("安全", "设施", "井盖缺失"), 16, _DANGER, 0.14),
)

DEMANDS: Final = (
    ("complaint", 520),
    ("help", 240),
    ("report", 40),
    ("suggestion", 35),
    ("consultation", 120),
    ("thanks", 14),
    ("praise", 12),
    ("withdrawn", 6),
    ("invalid", 8),
    ("harassment", 5),
)

CHANNELS: Final = (
    ("phone", 78),
    ("app", 9),
    ("wechat", 7),
    ("web", 3),
    ("province", 2),
    ("weibo", 1),
)
