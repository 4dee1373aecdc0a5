"""The sentences that a clerk reads: what they say, in both languages."""

from __future__ import annotations

from types import ModuleType
from typing import Any, Final

import pytest

from schemas.events import DATA_TYPES
from schemas.policy.indicators import GRADES, QUESTIONS, Filter
from schemas.records import Event
from services.domain import causes, effects, reasons, tracing, words
from services.domain.explanation import Explanation, explain
from services.domain.policy import load_policy
from services.domain.sentences import Writer
from services.domain.words import Text
from tests.support.orders import event, local, moment, rated, unanswered

POLICY: Final = load_policy("""
id: everything
names: {zh: 示例, en: Example}
time_zone: Asia/Shanghai
cycle: {}
unit_groups: {near: ["110101001"]}
assessed_types: [complaint]
callbacks: {valid: [contacted], raters: [citizen], unanswered: leaves}
deadlines:
  - {match: {urgency: urgent}, resolve: {hours: 36}}
  - {sign: {working_days: 1}, resolve: {working_days: 5}}
extensions: {longest: {working_days: 10}, times: 1}
returns: {within: {working_days: 2}}
suspensions: {clock: pauses}
exclusions: [{ground: 不可抗力, indicators: [satisfaction]}, {ground: 不合理诉求}]
indicators:
  response:
    names: {zh: 响应率, en: Response rate}
    denominator: valid_callbacks
    attribution: created
    numerator: {source: contacted, grades: {yes: 1000, no: 0}}
  satisfaction:
    names: {zh: 满意率, en: Satisfaction rate}
    denominator: valid_callbacks
    attribution: callback
    numerator:
      source: satisfaction
      grades:
        {satisfied: 1000, basically_satisfied: 905, neutral: 0, dissatisfied: 0, very_dissatisfied: 0}
  signed:
    names: {zh: 签收率, en: Signed in time}
    denominator: settled
    attribution: due
    numerator: {source: sign_time, grades: {in_time: 1000, late: 0}}
  evidence:
    names: {zh: 影像率, en: With evidence}
    denominator: closed
    attribution: closed
    numerator: {source: evidence, grades: {yes: 1000, no: 0}}
  all_good:
    names: {zh: 全优率, en: All good}
    all_of: [response, signed]
  elderly:
    names: {zh: 适老率, en: For the elderly}
    denominator: valid_callbacks
    attribution: created
    numerator: {source: contacted, grades: {yes: 1000, no: 0}}
    filter: {tag: 适老, unit_group: near}
  mean:
    names: {zh: 综合率, en: Mean}
    parts: {response: 1, signed: 1}
score: {weights: {mean: 100}, decimals: 1}
ranking: {ties: volume, bottom: 1, minimum_sample: 1}
line_departments: [{category: 供暖, unit: "110105"}]
versions:
  - {version: "1", effective: {from: 2026-01-01, to: 2026-08-01}}
  - {version: "2", effective: {from: 2026-08-01}, callbacks: {valid: [contacted]}}
""")
A, B = "110101001", "110105003"
NAMES: Final = {A: "东华门街道", "110105": "市城管委"}
UNIT: Final = "东华门街道（110101001）"
LATER: Final = "2026-07-31 00:00"
DECIDED: Final = {"unit": A, "decision": "approved"}


def order(*more: Event, demand_type: str = "complaint", **about: Any) -> list[Event]:
    """Received on Monday at 9:00, sent to A at 10:00."""
    return [
        event("received", "2026-07-06 09:00", demand_type=demand_type, **about),
        event("dispatched", "2026-07-06 10:00", unit=A),
        *more,
    ]


def told(events: list[Event], at: str = LATER) -> tuple[Explanation, Writer]:
    found = explain(events, POLICY, local(at))
    return found, Writer(found, POLICY.time_zone, lambda code: NAMES.get(code, ""))


def judged(indicator: str, events: list[Event], at: str = LATER) -> Text:
    found, writer = told(events, at)
    (judgement,) = [j for j in found.judgements if j.indicator.code == indicator]
    return writer.judgement(judgement)


def lines(event_: Event, *others: Event) -> list[str]:
    """What one of the events did, in Chinese."""
    found, writer = told(order(*others, event_))
    (entry,) = [e for s in found.steps for e in s.entries if e.told.event.id == event_.id]
    return [line.zh for line in writer.entry(entry)]


RATED: Final = rated("2026-07-20 09:00", "basically_satisfied")

CASES: Final[dict[str, tuple[str, list[Event], str, str]]] = {
    "answered": (
        "response",
        order(RATED),
        f"计入{UNIT}的“响应率”，得分：2026-07-20 09:00 的回访中，对“是否联系”的回答是“已联系”。",
        (
            "Counts for 东华门街道 (110101001) in Response rate because the answer to “contacted?” in "
            "the callback of 2026-07-20 09:00 was “contacted”."
        ),
    ),
    "partly": (
        "satisfaction",
        order(RATED),
        f"计入{UNIT}的“满意率”，得 90.5%：2026-07-20 09:00 的回访中，对“是否满意”的回答是“基本满意”。",
        (
            "Counts partly (90.5 %) for 东华门街道 (110101001) in Satisfaction rate because the answer "
            "to “satisfied?” in the callback of 2026-07-20 09:00 was “basically satisfied”."
        ),
    ),
    "late": (
        "signed",
        order(event("signed", "2026-07-08 09:30", unit=A)),
        (
            f"计入{UNIT}的“签收率”，不得分，拉低该率：2026-07-08 09:30 才签收，"
            "比期限 2026-07-07 24:00 晚了 9 小时 30 分钟。"
        ),
        (
            "Counts against 东华门街道 (110101001) in Signed in time because it was signed at "
            "2026-07-08 09:30, 9 h 30 min after the deadline of 2026-07-07 24:00."
        ),
    ),
    "in_time": (
        "signed",
        order(event("signed", "2026-07-08 00:00", unit=A)),
        f"计入{UNIT}的“签收率”，得分：2026-07-08 00:00 已签收，期限是 2026-07-07 24:00。",
        (
            "Counts for 东华门街道 (110101001) in Signed in time because it was signed at "
            "2026-07-08 00:00, by the deadline of 2026-07-07 24:00."
        ),
    ),
    "never_done": (
        "signed",
        order(event("signed", "2026-07-06 11:00", unit=B)),
        f"计入{UNIT}的“签收率”，不得分，拉低该率：期限 2026-07-07 24:00 已过，主办单位仍未签收。",
        (
            "Counts against 东华门街道 (110101001) in Signed in time because the lead unit had not "
            "signed it when the deadline of 2026-07-07 24:00 passed."
        ),
    ),
    "no_evidence": (
        "evidence",
        order(event("resolved", "2026-07-08 09:30", unit=A)),
        f"计入{UNIT}的“影像率”，不得分，拉低该率：主办单位没有提供影像证明。",
        (
            "Counts against 东华门街道 (110101001) in With evidence because the lead unit gave no "
            "evidence."
        ),
    ),
    "not_closed": (
        "evidence",
        order(),
        "不计入“影像率”：尚未办结。",
        "Does not count in With evidence because it is not resolved.",
    ),
    "all_hold": (
        "all_good",
        order(event("signed", "2026-07-06 11:00", unit=A), RATED),
        f"计入{UNIT}的“全优率”，得分：所含各项全部达到。",
        "Counts for 东华门街道 (110101001) in All good because it holds in every one of its parts.",
    ),
    "some_fail": (
        "all_good",
        order(RATED),
        f"计入{UNIT}的“全优率”，不得分，拉低该率：所含的 签收率 没有达到。",
        "Counts against 东华门街道 (110101001) in All good because it fails in Signed in time.",
    ),
    "part_left_out": (
        "all_good",
        order(),
        "不计入“全优率”：不计入所含的 响应率。",
        "Does not count in All good because it does not count in Response rate.",
    ),
    "filter": (
        "elderly",
        order(RATED),
        "不计入“适老率”：该指标只统计特定标签的工单。",
        "Does not count in For the elderly because it is only about orders of a certain tag.",
    ),
    "composed": (
        "mean",
        order(),
        "“综合率”由 响应率、签收率 按权重合成，见各项。",
        "Mean is the mean of Response rate, Signed in time by weight; see these.",
    ),
    "answer_leaves": (
        "satisfaction",
        order(rated("2026-07-20 09:00", None)),
        "不计入“满意率”：没有回答“是否满意”，按办法不计入分母。",
        (
            "Does not count in Satisfaction rate because “satisfied?” was not answered and then leaves "
            "the denominator."
        ),
    ),
    "excluded_from": (
        "satisfaction",
        order(RATED, event("excluded", "2026-07-21 09:00", ground="不可抗力")),
        "不计入“满意率”：2026-07-21 09:00 起因“不可抗力”经批准剔除。",
        (
            "Does not count in Satisfaction rate because it is excluded since 2026-07-21 09:00 on the "
            "ground “不可抗力”."
        ),
    ),
    "is_suspended": (
        "response",
        order(event("suspended", "2026-07-08 09:00", **DECIDED, until=moment("2026-08-09 00:00"))),
        "不计入“响应率”：2026-07-08 09:00 起挂账，至2026-08-08 24:00。",
        (
            "Does not count in Response rate because it is suspended since 2026-07-08 09:00 until "
            "2026-08-08 24:00."
        ),
    ),
    "cancelled": (
        "response",
        order(RATED, event("cancelled", "2026-07-21 09:00")),
        "不计入“响应率”：2026-07-21 09:00 已撤单，不考核。",
        (
            "Does not count in Response rate because it was cancelled at 2026-07-21 09:00 and is not "
            "assessed."
        ),
    ),
    "type_not_assessed": (
        "response",
        order(RATED, demand_type="thanks"),
        "不计入“响应率”：诉求类型“感谢”不考核。",
        "Does not count in Response rate because orders of type “thanks” are not assessed.",
    ),
    "call_pending": (
        "response",
        order(),
        "不计入“响应率”：还没有有效回访。",
        "Does not count in Response rate because there is no valid callback yet.",
    ),
    "no_valid_call": (
        "response",
        order(unanswered("2026-07-20 09:00"), rated("2026-07-21 09:00", contacted=None)),
        "不计入“响应率”：已回访 2 次，均不是有效回访。",
        (
            "Does not count in Response rate because there were 2 attempts to call back, none of them "
            "a valid callback."
        ),
    ),
    "unreachable": (
        "response",
        order(*(unanswered(f"2026-07-{day} 09:00") for day in (20, 21, 22))),
        "不计入“响应率”：回访 3 次均未接通，视为无法回访。",
        "Does not count in Response rate because the citizen was not reached in 3 attempts.",
    ),
    "not_received": (
        "response",
        [event("dispatched", "2026-07-06 10:00", unit=A)],
        "不计入“响应率”：受理事件尚未到达，或晚于查询时刻。",
        (
            "Does not count in Response rate because its received event has not arrived, or lies after "
            "this instant."
        ),
    ),
    "line department": (
        "response",
        order(RATED, category=["城管", "供暖"]),
        (
            f"计入{UNIT}的“响应率”，得分：2026-07-20 09:00 的回访中，对“是否联系”的回答是“已联系”"
            "；同时同样计入行业部门市城管委（110105）。"
        ),
        (
            "Counts for 东华门街道 (110101001) in Response rate because the answer to “contacted?” in "
            "the callback of 2026-07-20 09:00 was “contacted”; the same counts for the line department "
            "市城管委 (110105)."
        ),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_one_sentence_says_how_it_counts_and_why(name: str) -> None:
    indicator, events, zh, en = CASES[name]
    assert judged(indicator, events) == Text(zh, en)


def test_before_anything_is_due_it_says_until_when_there_is_time() -> None:
    at = "2026-07-06 12:00"
    assert (
        judged("signed", order(), at).zh
        == "不计入“签收率”：尚未签收，期限 2026-07-07 24:00 也未到。"
    )
    assert judged("response", order(), at).en == (
        "Does not count in Response rate because there is no callback yet; it is due by "
        "2026-07-13 24:00."
    )


def test_before_a_unit_has_it_nothing_is_due() -> None:
    received, _ = order()
    assert judged("response", [received]).zh == "不计入“响应率”：还没有有效回访。"


def test_what_another_version_judges_says_so() -> None:
    found = judged("satisfaction", order(rated("2026-08-03 09:00", None)), "2026-08-31 00:00")
    assert found.zh == (
        f"计入{UNIT}的“满意率”，不得分，拉低该率：2026-08-03 09:00 的回访中没有回答“是否满意”，"
        "按零计（按版本 2 评判）。"
    )


def test_where_versions_see_an_event_differently_each_has_its_line() -> None:
    call = rated("2026-08-03 09:00", rater="unit")
    found, writer = told(order(call), "2026-08-31 00:00")
    (entry,) = [e for s in found.steps for e in s.entries if e.told.event.id == call.id]
    assert [line.zh for line in writer.entry(entry)] == [
        "不计入：评价人不在考核办法之内（按版本 1 评判）",
        "回访计入时间：2026-08-03 09:00（按版本 2 评判）",
        "计入的回访：2026-08-03 09:00 （已联系、已解决、满意）（按版本 2 评判）",
    ]


EXTENDED: Final = event(
    "extended", "2026-07-07 09:00", **DECIDED, resolve_due=moment("2026-07-30 00:00")
)

EVENTS: Final[dict[str, tuple[Event, list[Event], list[str]]]] = {
    "other unit": (
        event("resolved", "2026-07-09 09:00", unit=B),
        [],
        ["没有变化：不是主办单位"],
    ),
    "repeated": (
        event("signed", "2026-07-09 09:00", unit=A),
        [event("signed", "2026-07-08 09:00", unit=A)],
        ["没有变化：此前已有"],
    ),
    "early": (
        event("signed", "2026-07-06 09:30", unit=A),
        [],
        ["早于首次派单：派单时起计入"],
    ),
    "extension cut off": (
        EXTENDED,
        [],
        [
            "办结期限：2026-07-13 24:00 → 2026-07-20 24:00",
            "所批期限超过考核办法规定的最长延期：2026-07-29 24:00 → 2026-07-20 24:00",
        ],
    ),
    "second extension": (
        event("extended", "2026-07-08 09:00", **DECIDED, resolve_due=moment("2026-07-30 00:00")),
        [EXTENDED],
        ["没有变化：次数已用完"],
    ),
    "late return": (
        event("returned", "2026-07-20 09:00", **DECIDED),
        [],
        ["没有变化：已过规定的时限"],
    ),
    "refused": (
        event("suspended", "2026-07-08 09:00", unit=A, decision="refused"),
        [],
        ["没有变化：未获批准"],
    ),
    "return": (
        event("returned", "2026-07-07 09:00", **DECIDED),
        [],
        [
            f"主办单位：{UNIT} → （尚无主办单位）",
            "签收期限：2026-07-07 24:00 → 无",
            "办结期限：2026-07-13 24:00 → 无",
            f"计退单一次：{UNIT}",
        ],
    ),
    "pause": (
        event("suspended", "2026-07-07 09:00", **DECIDED),
        [],
        ["办结期限：2026-07-13 24:00 → 暂停计时", "挂账至：解除为止"],
    ),
    "ground": (
        event("excluded", "2026-07-09 10:00", ground="别的"),
        [],
        ["没有变化：考核办法不认可该理由"],
    ),
    "no answer": (unanswered("2026-07-20 09:00"), [], ["未接通（计一次回访）"]),
    "record": (
        event("linked", "2026-07-24 09:00", order="x", relation="repeat"),
        [],
        ["只作记录，不参与计算"],
    ),
}


@pytest.mark.parametrize("name", EVENTS)
def test_an_event_says_what_it_changed_or_why_it_changed_nothing(name: str) -> None:
    found, others, expected = EVENTS[name]
    assert lines(found, *others) == expected


def test_a_deadline_says_who_set_it_and_what_was_counted() -> None:
    found, writer = told(
        order(
            event("suspended", "2026-07-07 09:00", **DECIDED),
            event("resumed", "2026-07-10 09:00", unit=A),
        )
    )
    assert [writer.deadline(deadline) for deadline in found.deadlines] == [
        Text(
            "须在 2026-07-07 24:00 前签收：考核办法版本 1 期限表第 2 条，1 个工作日，"
            "自 2026-07-06 10:00 起算。",
            "To be signed by 2026-07-07 24:00: entry 2 of the deadlines of version 1, "
            "1 working day from 2026-07-06 10:00.",
        ),
        Text(
            "须在 2026-07-15 24:00 前办结：考核办法版本 1 期限表第 2 条，5 个工作日，"
            "自 2026-07-06 10:00 起算。 不计 2 天：07-11 周末、07-12 周末。"
            " 暂停：2026-07-07 09:00 至 2026-07-10 09:00。",
            "To be resolved by 2026-07-15 24:00: entry 2 of the deadlines of version 1, "
            "5 working days from 2026-07-06 10:00. Not counted, 2 days: 07-11 weekend, "
            "07-12 weekend. Paused: 2026-07-07 09:00 to 2026-07-10 09:00.",
        ),
    ]


def test_a_deadline_of_the_platform_and_one_of_a_holiday_week() -> None:
    events = [
        event(
            "received", "2026-09-29 09:00", demand_type="complaint",
            sign_due=moment("2026-09-29 12:00"),
        ),
        event("dispatched", "2026-09-29 10:00", unit=A),
    ]  # fmt: skip
    found, writer = told(events, "2026-12-01 00:00")
    sign, resolve = (writer.deadline(deadline).zh for deadline in found.deadlines)
    assert sign == "须在 2026-09-29 12:00 前签收：平台在 2026-09-29 09:00 设定。"
    assert resolve == (
        "须在 2026-10-12 24:00 前办结：考核办法版本 2 期限表第 2 条，5 个工作日，"
        "自 2026-09-29 10:00 起算。 不计 8 天：10-01 国庆节、10-02 国庆节、10-03 国庆节、"
        "10-04 国庆节、10-05 国庆节、10-06 国庆节、10-07 国庆节、10-11 周末。"
        " 调休上班计入：10-10 国庆节调休上班。"
    )


def _words(module: ModuleType, *others: str) -> set[str]:
    """The code words that a module defines, without those that mean something else."""
    return {
        value
        for name, value in vars(module).items()
        if name.isupper() and isinstance(value, str) and name not in others
    }


def test_every_word_of_the_rules_has_its_words() -> None:
    assert set(causes.BECAUSE) == _words(reasons, "NOT_ASSESSED", "SUSPENDED")
    assert set(causes.VOID) == _words(effects, "APPROVED") | _words(
        tracing, "SUSPENSION", "CITIZEN"
    )
    assert set(words.EVENTS) == set(DATA_TYPES)
    fields = {field for data in DATA_TYPES.values() for field in data.model_fields}
    assert fields <= words.TOLD.keys() | words.FIELDS.keys()
    assert set(words.FILTERS) == set(Filter.model_fields)
    assert set(words.QUESTIONS) == set(words.ANSWERS) == set(QUESTIONS)
    grades = {source: set(known) for source, known in GRADES.items()}
    assert {question: set(words.ANSWERS[question]) for question in QUESTIONS}.items() <= (
        grades.items()
    )
