"""Why the query layer refuses: one code for each cause, with titles in both languages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from services.web.problems import Problem, ProblemKind

_KINDS: Final[Mapping[str, ProblemKind]] = {
    "invalid_time": ProblemKind(422, "Not a time", "时间格式不正确"),
    "future_as_of": ProblemKind(422, "The future is not known yet", "不能查询未来时刻"),
    "invalid_window": ProblemKind(422, "There is no such window", "没有这样的时间窗口"),
    "unknown_kind": ProblemKind(422, "There is no such kind of unit", "没有这类承办单位"),
    "unknown_group": ProblemKind(422, "There is no such peer group", "没有这个分类组"),
    "unknown_indicator": ProblemKind(
        422, "There is no such indicator or count", "没有这个指标或计数"
    ),
    "invalid_cursor": ProblemKind(422, "Not the cursor of a page", "翻页标记无效"),
    "invalid_units": ProblemKind(
        422, "Some units are refused; none was registered", "部分单位无效，均未登记"
    ),
    "invalid_adjustment": ProblemKind(
        422, "The adjustment is refused; nothing was recorded", "加减分无效，未登记"
    ),
    "unknown_adjustment": ProblemKind(404, "There is no such adjustment", "没有这条加减分"),
    "adjustment_conflict": ProblemKind(
        409, "The register holds another entry already", "与已登记的条目冲突"
    ),
    "invalid_policy": ProblemKind(422, "The policy has mistakes", "考核办法有误"),
    "unreadable_policy": ProblemKind(415, "This is not the text of a policy", "不是考核办法文本"),
    "policy_too_large": ProblemKind(413, "The policy is too large", "考核办法过大"),
    "unknown_ruleset": ProblemKind(
        404, "No policy was activated under this number", "没有该编号的考核办法"
    ),
    "unknown_unit": ProblemKind(
        404, "The unit is neither registered nor counted", "该单位未登记，也没有工单"
    ),
    "unknown_order": ProblemKind(404, "There is no such work order", "没有这个工单"),
    "what_if_running": ProblemKind(409, "Another what-if is being counted", "已有试算在进行"),
    "what_if_unfinished": ProblemKind(409, "The what-if has no result yet", "试算尚无结果"),
    "unknown_what_if": ProblemKind(404, "There is no such what-if", "没有这次试算"),
    "invalid_endpoint": ProblemKind(
        422, "The endpoint is refused; nothing was registered", "推送端点无效，未登记"
    ),
    "unknown_alert": ProblemKind(404, "There is no such alert", "没有这条预警"),
    "unknown_alert_rule": ProblemKind(
        422, "The policy has no such alert rule", "考核办法中没有这条预警规则"
    ),
    "unknown_endpoint": ProblemKind(404, "There is no such endpoint", "没有这个推送端点"),
    "unknown_delivery": ProblemKind(404, "There is no such delivery", "没有这次投递"),
    "too_many_endpoints": ProblemKind(409, "There are too many endpoints", "推送端点数量已满"),
    "channels_unavailable": ProblemKind(501, "Channels are not installed", "未安装消息通道组件"),
    "invalid_stream": ProblemKind(422, "There is no such stream", "没有这样的推送内容"),
    "too_many_streams": ProblemKind(503, "There are too many streams", "推送连接数已满"),
    "cycle_not_ended": ProblemKind(409, "The cycle has not ended", "考核周期尚未结束"),
    "cycle_frozen": ProblemKind(409, "The cycle is frozen already", "考核周期已冻结"),
    "cycle_not_frozen": ProblemKind(404, "The cycle is not frozen", "考核周期尚未冻结"),
    "unknown_revision": ProblemKind(404, "There is no such revision", "没有这个版次"),
    "revision_conflict": ProblemKind(409, "The revision is there already", "该版次已发布"),
    "invalid_governed": ProblemKind(
        422, "The entry is refused; nothing was recorded", "治理类条目无效，未登记"
    ),
    "governed_conflict": ProblemKind(409, "The entry contradicts the list", "与治理类名单冲突"),
    "invalid_talk": ProblemKind(422, "The record is refused", "约谈登记无效"),
    "unknown_talk": ProblemKind(404, "The unit is not called in", "该单位未被约谈"),
    "unknown_key": ProblemKind(404, "There is no such key", "没有这个密钥"),
    "invalid_appeal": ProblemKind(
        422, "The appeal is refused; nothing was filed", "申诉或复核内容有误，未受理"
    ),
    "unknown_appeal": ProblemKind(404, "There is no such appeal", "没有这件申诉"),
    "appeal_conflict": ProblemKind(
        409, "The number was used for something else", "编号已用于其他内容"
    ),
    "appeal_refused": ProblemKind(409, "The rules of appeals refuse it", "按申诉规则不予受理"),
    "read_only": ProblemKind(501, "This process writes no events", "本进程不能写入事件"),
    "shards_behind": ProblemKind(503, "A shard lags behind", "有分区尚未入账"),
    "storage_unavailable": ProblemKind(503, "The store cannot answer now", "存储暂时无法应答"),
    "not_ready": ProblemKind(503, "The service is not ready", "服务尚未就绪"),
}


def refusal(
    code: str,
    detail: str,
    detail_zh: str,
    *,
    path: str = "",
    reason: str = "",
    headers: Mapping[str, str] | None = None,
) -> Problem:
    """Build a problem; ``path`` names the query parameter that is to blame, if one is."""
    error = {
        "in": "query",
        "path": path,
        "reason": reason or code,
        "detail": detail,
        "detail_zh": detail_zh,
    }
    return problem(code, detail, detail_zh, errors=[error] if path else [], headers=headers)


def problem(
    code: str,
    detail: str,
    detail_zh: str,
    *,
    errors: list[dict[str, str]],
    headers: Mapping[str, str] | None = None,
) -> Problem:
    """Build a problem with a list of mistakes."""
    return _KINDS[code].problem(code, detail, detail_zh, errors=errors, headers=headers)


def unavailable() -> Problem:
    """Storage is away for now."""
    return refusal(
        "storage_unavailable",
        "Ask again in a moment.",
        "请稍后重试。",
        headers={"Retry-After": "1"},
    )
