"""Sentences of an explanation, with places for names and times, in Chinese and English."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from services.domain import effects as e
from services.domain import reasons as r
from services.domain import tracing as t
from services.domain.words import Text

VERDICTS: Final[Mapping[str, Text]] = {
    "for": Text(
        "计入{unit}的“{name}”，得分：{because}", "Counts for {unit} in {name} because {because}"
    ),
    "partly": Text(
        "计入{unit}的“{name}”，得 {share}%：{because}",
        "Counts partly ({share} %) for {unit} in {name} because {because}",
    ),
    "against": Text(
        "计入{unit}的“{name}”，不得分，拉低该率：{because}",
        "Counts against {unit} in {name} because {because}",
    ),
    "out": Text("不计入“{name}”：{because}", "Does not count in {name} because {because}"),
    "composed": Text("“{name}”{because}", "{name} {because}"),
}
DEPARTMENT: Final = Text(
    "；同时同样计入行业部门{unit}", "; the same counts for the line department {unit}"
)
OTHER_VERSION: Final = Text("（按版本 {version} 评判）", " (judged by version {version})")

BECAUSE: Final[Mapping[str, Text]] = {
    r.ANSWERED: Text(
        "{at} 的回访中，对“{question}”的回答是“{word}”",
        "the answer to “{question}” in the callback of {at} was “{word}”",
    ),
    r.UNANSWERED: Text(
        "{at} 的回访中没有回答“{question}”，按零计",
        "“{question}” was not answered in the callback of {at}, which counts as nothing",
    ),
    r.NEVER_CALLED: Text(
        "没有有效回访，“{question}”没有回答，按零计",
        "there is no valid callback, so “{question}” has no answer, which counts as nothing",
    ),
    r.IN_TIME: Text(
        "{at} 已{step}，期限是 {due}", "it was {step} at {at}, by the deadline of {due}"
    ),
    r.LATE: Text(
        "{at} 才{step}，比期限 {due} 晚了{late}",
        "it was {step} at {at}, {late} after the deadline of {due}",
    ),
    r.NEVER_DONE: Text(
        "期限 {due} 已过，主办单位仍未{step}",
        "the lead unit had not {step} it when the deadline of {due} passed",
    ),
    r.EVIDENCE: Text("主办单位提供了影像证明", "the lead unit gave evidence"),
    r.NO_EVIDENCE: Text("主办单位没有提供影像证明", "the lead unit gave no evidence"),
    r.ALL_HOLD: Text("所含各项全部达到", "it holds in every one of its parts"),
    r.SOME_FAIL: Text("所含的 {codes} 没有达到", "it fails in {codes}"),
    r.NOT_RECEIVED: Text(
        "受理事件尚未到达，或晚于查询时刻",
        "its received event has not arrived, or lies after this instant",
    ),
    r.CANCELLED: Text("{at} 已撤单，不考核", "it was cancelled at {at} and is not assessed"),
    r.NO_VERSION: Text(
        "受理时（{at}）没有任何版本的考核办法生效",
        "no version of the policy was in force when it was received ({at})",
    ),
    r.TYPE_NOT_ASSESSED: Text("诉求类型“{word}”不考核", "orders of type “{word}” are not assessed"),
    r.NO_RESOLVE_DEADLINE: Text("没有办结期限，不考核", "it has no deadline for resolving"),
    r.EXCLUDED_FROM: Text(
        "{at} 起因“{word}”经批准剔除", "it is excluded since {at} on the ground “{word}”"
    ),
    r.IS_SUSPENDED: Text("{at} 起挂账，至{due}", "it is suspended since {at} until {due}"),
    r.FILTER: Text("该指标只统计特定{word}的工单", "it is only about orders of a certain {word}"),
    r.NOT_CALLED_YET: Text(
        "还没有回访，办结期限 {due} 也未到", "there is no callback yet; it is due by {due}"
    ),
    r.CALL_PENDING: Text("还没有有效回访", "there is no valid callback yet"),
    r.NO_VALID_CALL: Text(
        "已回访 {number} 次，均不是有效回访",
        "there were {number} attempts to call back, none of them a valid callback",
    ),
    r.UNREACHABLE: Text(
        "回访 {number} 次均未接通，视为无法回访",
        "the citizen was not reached in {number} attempts",
    ),
    r.ANSWER_LEAVES: Text(
        "没有回答“{question}”，按办法不计入分母",
        "“{question}” was not answered and then leaves the denominator",
    ),
    r.NO_STEP_DEADLINE: Text("没有{step}期限", "there is no deadline by which it must be {step}"),
    r.RESTING: Text("{step}期限暂停计时", "the clock by which it must be {step} rests"),
    r.NOT_DUE: Text("尚未{step}，期限 {due} 也未到", "it is not {step} yet and has until {due}"),
    r.NOT_CLOSED: Text("尚未办结", "it is not resolved"),
    r.NOT_BOOKED: Text(
        "没有可以归属的时间（没有{step}期限）",
        "there is no instant to book it at (no deadline by which it must be {step})",
    ),
    r.PART_LEFT_OUT: Text("不计入所含的 {codes}", "it does not count in {codes}"),
    r.NOT_IN_VERSION: Text(
        "它归属于 {at}，当时生效的版本没有这个指标",
        "it is booked at {at}, and the version in force then has no such indicator",
    ),
    r.COMPOSED: Text(
        "由 {codes} 按权重合成，见各项", "is the mean of {codes} by weight; see these"
    ),
}

VOID: Final[Mapping[str, Text]] = {
    e.NOT_APPROVED: Text("没有变化：未获批准", "changes nothing: it is not approved"),
    e.NOT_LEAD: Text("没有变化：不是主办单位", "changes nothing: the unit does not lead the order"),
    e.REPEATED: Text("没有变化：此前已有", "changes nothing: it has been told before"),
    e.NOT_RESPONSIBLE: Text(
        "没有变化：工单不在该单位", "changes nothing: the unit does not have the order"
    ),
    e.TOO_LATE: Text("没有变化：已过规定的时限", "changes nothing: it came too late"),
    e.TOO_OFTEN: Text(
        "没有变化：次数已用完", "changes nothing: no more of them count for this dispatch"
    ),
    e.NO_DEADLINE: Text(
        "没有变化：没有可以延长的期限", "changes nothing: there is no deadline to move"
    ),
    e.GROUND_NOT_ACCEPTED: Text(
        "没有变化：考核办法不认可该理由", "changes nothing: the policy does not accept the ground"
    ),
    e.NOT_EXCLUDED: Text("没有变化：并未剔除", "changes nothing: it was not excluded"),
    e.NOT_SUSPENDED: Text("没有变化：并未挂账", "changes nothing: it was not suspended"),
    e.EARLY: Text(
        "早于首次派单：派单时起计入", "comes before the first dispatch: counts from then on"
    ),
    t.NOT_REACHED: Text(
        "未接通（计一次回访）", "the citizen was not reached (one attempt is counted)"
    ),
    t.OTHER_RATER: Text(
        "不计入：评价人不在考核办法之内", "does not count: the policy does not count this rater"
    ),
    t.NOT_VALID: Text(
        "不是有效回访：必答问题没有回答",
        "is no valid callback: a question that must be answered was not",
    ),
    t.OTHER_CALL_COUNTS: Text(
        "有效，但按办法以另一次回访为准", "is valid, but another callback is the one that counts"
    ),
    t.KEPT_ONLY: Text("只作记录，不参与计算", "is kept on record and counted by no rule"),
    t.NOT_MEASURED: Text("考核办法不统计这一环节", "the policy measures nothing of it"),
    t.NOTHING_NEW: Text("没有变化", "changes nothing"),
}
FATES: Final[Mapping[str, Text]] = {
    "corrects": Text("更正了 {time} 的“{type}”", "corrects “{type}” of {time}"),
    "overruled": Text(
        "对 {time} 的“{type}”的更正：以另一更正为准",
        "would correct “{type}” of {time}, but another correction counts",
    ),
    "no_target": Text(
        "没有变化：被更正的事件尚未到达", "changes nothing: the event it names has not arrived"
    ),
    "withdrawn": Text("已被更正撤回，不计入", "was withdrawn by a correction and does not count"),
}
CORRECTED: Final = Text(
    "更正 {name}：原为 {before}，以 {after} 为准", "corrected {name}: told {before}, counts {after}"
)
SET: Final = Text("{name}：{after}", "{name}: {after}")
CHANGED: Final = Text("{name}：{before} → {after}", "{name}: {before} → {after}")
PASSED: Final[Mapping[str, Text]] = {
    "sign": Text("签收期限已过，尚未签收", "the deadline for signing passes, not signed"),
    "contact": Text("联系期限已过，尚未联系", "the deadline for contacting passes, not contacted"),
    "resolve": Text("办结期限已过，尚未办结", "the deadline for resolving passes, not resolved"),
    t.SUSPENSION: Text("挂账到期", "the suspension ends"),
}

DEADLINES: Final[Mapping[str, Text]] = {
    "platform": Text(
        "须在 {due} 前{step}：平台在 {set_at} 设定。",
        "To be {step} by {due}: set by the platform at {set_at}.",
    ),
    "extension": Text(
        "须在 {due} 前{step}：{set_at} 批准延期（第 {extensions} 次）。",
        "To be {step} by {due}: extended at {set_at} (extension {extensions}).",
    ),
    "rule": Text(
        "须在 {due} 前{step}：考核办法版本 {version} 期限表第 {rule} 条，{duration}，"
        "自 {started_at} 起算。",
        "To be {step} by {due}: entry {rule} of the deadlines of version {version}, {duration} "
        "from {started_at}.",
    ),
}
RESTS: Final = Text("{step}期限暂停计时。", "To be {step}: the clock rests.")
SKIPPED: Final = Text(" 不计 {number} 天：{days}。", " Not counted, {number} days: {days}.")
MADE_UP: Final = Text(" 调休上班计入：{days}。", " Make-up days counted: {days}.")
PAUSED: Final = Text(" 暂停：{pauses}。", " Paused: {pauses}.")
