"""月度通报: the workbook that a city sends out after a cycle, sheet by sheet."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final, NamedTuple

from services.api.gain_models import GainsAnswer
from services.api.models import UnitModel
from services.api.ranking_models import Figures, Ranked, RankingAnswer
from services.api.tables.figures import GROUPS_ZH, Names, about_scored
from services.api.tables.rankings import KINDS_ZH, gains_table, ranking_table
from services.api.tables.table import Row, Table, number

_NOTES: Final = (
    "得分、各率按所列考核办法版本计算；无有效样本的率为空，不按零计。",
    "得分相同的单位按办法规定的并列规则排列。",
    "工单量等于七种状态（不参评、未到期、待回访、无法回访、有效回访、剔除、挂账）之和。",
    "每个数字均可在系统中追溯到逐个工单（GET /v1/work-orders）。",
    "本表为所列截至时刻的数据，其后到达的事件不在其中。",
)


class Bulletin(NamedTuple):
    """Everything that the workbook tells, all of one instant.

    ``groups`` are the rankings of the peer groups; ``gains`` is None where no earlier cycle can be
    compared, as in a revision, which holds one cycle only. ``bottom``: how many are called in; ``is_over``: whether the cycle has ended.
    """

    ranking: RankingAnswer
    groups: Sequence[RankingAnswer]
    gains: GainsAnswer | None
    bottom: int
    is_over: bool


def monthly_tables(bulletin: Bulletin, names: Names) -> list[Table]:
    """The sheets, in their order."""
    ranking = bulletin.ranking
    kind, cycle = KINDS_ZH.get(ranking.kind, ranking.kind), ranking.window.name
    gains = bulletin.gains
    return [
        _overview(bulletin, f"{kind}考核通报 {cycle}"),
        _short(ranking, names, f"{kind}排名 {cycle}", ranking.ranked),
        _short(
            ranking,
            names,
            f"后{bulletin.bottom}位 {cycle}",
            [line for line in ranking.ranked if line.bottom],
        ),
        *(
            _short(each, names, f"{GROUPS_ZH.get(each.group, each.group)}排名 {cycle}", each.ranked)
            for each in bulletin.groups
        ),
        *([] if gains is None else [gains_table(gains, names, f"环比排名 {cycle}")]),
        ranking_table(ranking, names, "unranked", f"未参加排名 {cycle}"),
        ranking_table(ranking, names, "all", f"全部数据 {cycle}"),
    ]


def _overview(bulletin: Bulletin, title: str) -> Table:
    ranking, totals = bulletin.ranking, bulletin.ranking.totals
    rows: list[Row] = [
        ("考核周期", f"{_when(ranking.window.from_)} 至 {_when(ranking.window.to)}（不含）"),
        ("周期状态", "已结束" if bulletin.is_over else "进行中"),
        ("版次", "未冻结" if ranking.revision is None else f"第 {ranking.revision} 版"),
        ("数据截至", "尚无数据" if ranking.as_of is None else _when(ranking.as_of)),
        ("数据完整", "是" if ranking.complete else "否：有分区尚未入账到截至时刻"),
        ("考核办法", f"{ranking.policy.id}，计分版本 {ranking.policy.version}"),
        ("周期内的办法版本", "、".join(ranking.versions)),
        ("参加排名", len(ranking.ranked)),
        ("未参加排名", len(ranking.unranked)),
        ("工单量", totals.volume),
        *((f"{rate.name_zh}(%)", number(rate.rate)) for rate in totals.indicators.values()),
        ("有效回访率(%)", number(totals.valid_callback_rate)),
        (f"后{bulletin.bottom}位", _bottom(ranking)),
        ("未登记单位的工单", sum(each.figures.volume for each in ranking.unknown_units)),
        ("尚无主办单位的工单", ranking.undispatched.volume),
        ("缺受理事件的工单", ranking.incomplete),
        *(("说明", note) for note in _NOTES),
        *(
            ("日志位置", f"分区 {at.shard}：纪元 {at.epoch}，偏移 {at.offset}")
            for at in ranking.positions
        ),
    ]
    return Table(title, about_scored(ranking), ("项目", "内容"), rows)


def _when(text: str) -> str:
    """A local time as people write it, to the second; the line under the title is exact."""
    return f"{datetime.fromisoformat(text):%Y年%m月%d日 %H:%M:%S}"


def _bottom(ranking: RankingAnswer) -> str:
    names = [line.unit.name for line in ranking.ranked if line.bottom]
    return "、".join(names) or "参加排名的单位不足，未形成名单"


def _short(ranking: RankingAnswer, names: Names, title: str, lines: Sequence[Ranked]) -> Table:
    """What is printed: the whole is on the last sheet."""
    adjusted = any(line.adjustment != "0" for line in ranking.ranked)
    return Table(
        title=title,
        about=about_scored(ranking),
        headings=(
            "名次", "单位", "所属区", "得分", *(["加减分"] if adjusted else []),
            *(f"{rate.name_zh}(%)" for rate in ranking.totals.indicators.values()),
            "工单量", "有效回访", "有效回访率(%)", "未办结", "超期未办结", "退单", "重办",
        ),
        rows=[
            (
                line.rank,
                *_named(line.unit, names),
                number(line.score),
                *([number(line.adjustment)] if adjusted else []),
                *_figures(line),
            )
            for line in lines
        ],
        key_columns=2,
        marked=frozenset(place for place, line in enumerate(lines) if line.bottom),
    )  # fmt: skip


def _named(unit: UnitModel, names: Names) -> Row:
    return (unit.name, names.get(unit.parent, unit.parent))


def _figures(line: Figures) -> Row:
    return (
        *(number(rate.rate) for rate in line.indicators.values()),
        line.volume,
        line.states.valid,
        number(line.valid_callback_rate),
        line.open,
        line.overdue,
        line.returned,
        line.reopened,
    )
