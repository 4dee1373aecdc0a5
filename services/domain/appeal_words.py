"""What people read about an appeal: its state, and why an event changed nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from services.domain import appeals
from services.domain.words import Text

STATES: Final[Mapping[appeals.State, Text]] = {
    "filed": Text("已受理，待一级复核", "filed, with the first level"),
    "in_review": Text("上级复核中", "with a later level"),
    "upheld": Text("申诉成立", "upheld"),
    "refused": Text("申诉不成立", "refused"),
    "lapsed": Text("逾期未决，申诉终止", "lapsed, no level decided in time"),
    "void": Text("申诉无效", "void"),
}

WHY: Final[Mapping[str, Text]] = {
    appeals.REPEATED: Text("重复", "it was there already"),
    appeals.ALREADY_PENDING: Text(
        "该单位对该指标已有待决申诉", "the unit has an appeal against this indicator pending"
    ),
    appeals.UNKNOWN_INDICATOR: Text("考核办法没有该指标", "the policy has no such indicator"),
    appeals.GROUND_NOT_ACCEPTED: Text(
        "考核办法不接受该理由", "the policy does not accept this ground for this indicator"
    ),
    appeals.TOO_LATE: Text("已超过期限", "the term had run out"),
    appeals.NOT_PENDING: Text("申诉已有结论", "the appeal was decided already"),
    appeals.WRONG_LEVEL: Text("不是当前复核层级", "another level has the appeal"),
    appeals.NO_REVIEWER: Text("未注明复核单位", "it names no reviewer"),
    appeals.REVIEWED_BY_FILER: Text("申诉单位不得自行复核", "who files never decides"),
    appeals.NOT_OF_LEVEL: Text(
        "复核单位与层级不符", "the reviewer is not of the level that has the appeal"
    ),
    appeals.NOT_UPHELD: Text("所附申诉并未成立", "the appeal that it names is not upheld"),
}
