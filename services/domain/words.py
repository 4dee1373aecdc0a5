"""The words of an explanation in Chinese and English (domain.md 1 names the Chinese terms)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple


class Text(NamedTuple):
    """The same in both languages."""

    zh: str
    en: str


EVENTS: Final[Mapping[str, Text]] = {
    "received": Text("受理", "received"),
    "dispatched": Text("派单", "dispatched"),
    "signed": Text("签收", "signed"),
    "contacted": Text("联系", "contacted"),
    "resolved": Text("办结", "resolved"),
    "callback": Text("回访", "callback"),
    "returned": Text("退单", "returned"),
    "extended": Text("延期", "extended"),
    "suspended": Text("挂账", "suspended"),
    "resumed": Text("解除挂账", "resumed"),
    "excluded": Text("剔除", "excluded"),
    "reinstated": Text("恢复计入", "reinstated"),
    "reopened": Text("重办", "reopened"),
    "corrected": Text("更正", "corrected"),
    "cancelled": Text("撤单", "cancelled"),
    "appealed": Text("申诉", "appealed"),
    "reviewed": Text("复核", "reviewed"),
    "linked": Text("关联", "linked"),
}

STATES: Final[Mapping[str, Text]] = {
    "not_assessed": Text("不参评", "not assessed"),
    "excluded": Text("剔除", "excluded"),
    "suspended": Text("挂账", "suspended"),
    "valid": Text("有效回访", "valid callback"),
    "unreachable": Text("无法回访", "unreachable"),
    "not_yet_due": Text("未到期", "not yet due"),
    "callback_pending": Text("待回访", "callback pending"),
}
SETTLED: Final = Text("已办结或已到期", "resolved or due")  # `valid` where callbacks do not count

STATE_SENTENCES: Final[Mapping[str, Text]] = {
    "not_assessed": Text(
        "不考核，只计入{unit}的工单量。", "It is not assessed: it is in the volume of {unit} only."
    ),
    "excluded": Text(
        "经批准剔除（{ground}）：不计入各率，仍计入{unit}的工单量。",
        "It is excluded ({ground}): out of all rates, still in the volume of {unit}.",
    ),
    "suspended": Text(
        "挂账期间不计入各率分母，仍计入{unit}的工单量。",
        "It is suspended: out of all denominators, still in the volume of {unit}.",
    ),
    "valid": Text(
        "有有效回访，计入各率分母。", "There is a valid callback: it is in the denominators."
    ),
    "unreachable": Text(
        "多次回访未接通，分子、分母均不计。",
        "The citizen could not be reached: it is in neither numerators nor denominators.",
    ),
    "not_yet_due": Text(
        "未办结，办理期限也未到。", "It is neither resolved nor past its deadline."
    ),
    "callback_pending": Text(
        "已办结或已到期，等待有效回访。",
        "It is resolved or past its deadline and waits for a valid callback.",
    ),
    "settled": Text("已办结或期限已过。", "It is resolved or past its deadline."),
    "": Text(
        "受理事件尚未到达（或晚于查询时刻），不计入工单量。",
        "Its received event has not arrived, or lies after this instant: it is in no volume.",
    ),
}

STEPS: Final[Mapping[str, Text]] = {
    "sign": Text("签收", "signed"),
    "contact": Text("联系", "contacted"),
    "resolve": Text("办结", "resolved"),
}

COUNTS: Final[Mapping[str, Text]] = {
    "volume": Text("工单量", "volume"),
    "incomplete": Text("缺受理事件", "incomplete"),
    "open": Text("未办结", "open"),
    "overdue": Text("超期未办结", "overdue"),
    "returned": Text("退单", "returned"),
    "reopened": Text("重办", "reopened"),
}

DEMAND_TYPES: Final[Mapping[str, Text]] = {
    "help": Text("求助", "help"),
    "complaint": Text("投诉", "complaint"),
    "report": Text("举报", "report"),
    "suggestion": Text("建议", "suggestion"),
    "consultation": Text("咨询", "consultation"),
    "thanks": Text("感谢", "thanks"),
    "praise": Text("表扬", "praise"),
    "withdrawn": Text("撤单", "withdrawn"),
    "harassment": Text("骚扰", "harassment"),
    "invalid": Text("无效", "invalid"),
    "unclassified": Text("未分类", "unclassified"),
}

QUESTIONS: Final[Mapping[str, Text]] = {
    "contacted": Text("是否联系", "contacted?"),
    "solved": Text("是否解决", "solved?"),
    "satisfaction": Text("是否满意", "satisfied?"),
    "effect": Text("办理效果", "effect?"),
    "attitude": Text("工作人员态度", "attitude?"),
}
_SOLVED: Final = {
    "yes": Text("已解决", "solved"),
    "partly": Text("部分解决", "partly solved"),
    "basically": Text("基本解决", "basically solved"),
    "no": Text("未解决", "not solved"),
}
_CONTACTED: Final = {"yes": Text("已联系", "contacted"), "no": Text("未联系", "not contacted")}
_GRADES: Final = {
    "satisfied": Text("满意", "satisfied"),
    "basically_satisfied": Text("基本满意", "basically satisfied"),
    "neutral": Text("一般", "neutral"),
    "dissatisfied": Text("不满意", "dissatisfied"),
    "very_dissatisfied": Text("非常不满意", "very dissatisfied"),
}
ANSWERS: Final[Mapping[str, Mapping[str, Text]]] = {
    "contacted": _CONTACTED,
    "solved": _SOLVED,
    "satisfaction": _GRADES,
    "effect": _GRADES,
    "attitude": _GRADES,
}

FILTERS: Final[Mapping[str, Text]] = {
    "category": Text("分类", "category"),
    "tag": Text("标签", "tag"),
    "demand_type": Text("诉求类型", "demand type"),
    "channel": Text("渠道", "channel"),
    "urgency": Text("紧急程度", "urgency"),
    "community": Text("社区", "community"),
    "unit": Text("单位", "unit"),
    "unit_group": Text("单位分组", "group of units"),
}

FIELDS: Final[Mapping[str, Text]] = {
    "received_at": Text("受理时间", "received at"),
    "lead": Text("主办单位", "lead unit"),
    "sign_due": Text("签收期限", "deadline for signing"),
    "contact_due": Text("联系期限", "deadline for contacting"),
    "resolve_due": Text("办结期限", "deadline for resolving"),
    "signed_at": Text("签收时间", "signed at"),
    "contacted_at": Text("联系时间", "contacted at"),
    "resolved_at": Text("办结时间", "resolved at"),
    "evidence": Text("影像证明", "evidence"),
    "closed_at": Text("办结计入时间", "booked as closed at"),
    "called_at": Text("回访计入时间", "booked as called back at"),
    "suspended_until": Text("挂账至", "suspended until"),
    "cancelled": Text("已撤单", "cancelled"),
    "standing": Text("计入的回访", "callback that counts"),
    "unreachable": Text("无法回访", "unreachable"),
    "excluded": Text("剔除“{of}”的理由", "ground of exclusion from {of}"),
    "booked": Text("“{of}”计入时间保留在期限", "booking of “{of}” stays at its deadline"),
    "cut_off": Text(
        "所批期限超过考核办法规定的最长延期",
        "the extension is cut off at the longest that is allowed",
    ),
    "time": Text("发生时间", "time"),
}
# What events tell, where a correction names it; the other fields are among those above.
TOLD: Final[Mapping[str, Text]] = {
    "answers": Text("回访答复", "answers"),
    "appeal": Text("申诉编号", "appeal"),
    "approver": Text("批准单位", "approver"),
    "assisting": Text("协办单位", "assisting units"),
    "attempt": Text("回访次序", "attempt"),
    "caller_hash": Text("来电人散列值", "hash of the caller"),
    "category": Text("分类", "category"),
    "channel": Text("渠道", "channel"),
    "community": Text("社区", "community"),
    "decided_at": Text("决定时间", "decided at"),
    "decision": Text("审批结果", "decision"),
    "demand_type": Text("诉求类型", "demand type"),
    "event": Text("所更正的事件", "event to correct"),
    "field": Text("所更正的字段", "field to correct"),
    "filer": Text("提出单位", "filer"),
    "ground": Text("理由", "ground"),
    "indicator": Text("指标", "indicator"),
    "indicators": Text("指标", "indicators"),
    "level": Text("层级", "level"),
    "new": Text("更正后的值", "new value"),
    "old": Text("更正前的值", "old value"),
    "order": Text("关联工单", "other order"),
    "place_code": Text("地点代码", "code of the place"),
    "previous_order": Text("前一工单", "previous order"),
    "rater": Text("评价人", "rater"),
    "reached": Text("是否接通", "reached"),
    "relation": Text("关联方式", "relation"),
    "requested_at": Text("申请时间", "requested at"),
    "requester": Text("申请单位", "requester"),
    "reviewer": Text("复核单位", "reviewer"),
    "round": Text("办理轮次", "handling round"),
    "tags": Text("标签", "tags"),
    "unit": Text("单位", "unit"),
    "unreached_reason": Text("未接通原因", "why not reached"),
    "until": Text("挂账截止时间", "suspended until"),
    "urgency": Text("紧急程度", "urgency"),
}
HAPPENED: Final[Mapping[str, Text]] = {
    "returned": Text("计退单一次：{unit}", "one return is counted for {unit}"),
    "reopened": Text("计重办一次：{unit}", "one reopening is counted for {unit}"),
}

NONE: Final = Text("无", "none")
YES: Final = Text("是", "yes")
NO: Final = Text("否", "no")
RESTING: Final = Text("暂停计时", "resting")
UNTIL_RESUMED: Final = Text("解除为止", "it is resumed")
NO_UNIT: Final = Text("（尚无主办单位）", "no unit yet")
