"""Policy versions made in a test: what they leave out is a plain policy of callbacks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from zoneinfo import ZoneInfo

from schemas.policy import Rules
from schemas.policy.document import Cycle
from services.domain.scorings import Scoring, Scorings, compile_scorings

SHANGHAI: Final = ZoneInfo("Asia/Shanghai")
_YES_NO: Final = {"yes": 1000, "no": 0}


@dataclass(frozen=True)
class Time:
    """A zone and a cycle, as far as windows need a policy."""

    cycle: Cycle
    time_zone: ZoneInfo = SHANGHAI


@dataclass(frozen=True)
class Version:
    """The scorings of a version, as far as rankings need one."""

    scorings: Scorings


def measured(denominator: str = "valid_callbacks", **more: Any) -> dict[str, Any]:
    """A measured indicator."""
    return {
        "names": {"zh": "率", "en": "rate"},
        "denominator": denominator,
        "attribution": "created",
        "numerator": {"source": "contacted", "grades": _YES_NO},
    } | more


def parted(**parts: int) -> dict[str, Any]:
    """An indicator with parts."""
    return {"names": {"zh": "综合", "en": "mean"}, "parts": parts}


def rules(
    score: Mapping[str, Any], *, indicators: Mapping[str, Any] | None = None, **more: Any
) -> Rules:
    """A version; its indicators are those of the score, measured, unless they are given."""
    codes = score.get("weights") or score.get("points") or {}
    document = {
        "version": "1",
        "assessed_types": "all",
        "indicators": indicators or {code: measured() for code in codes},
        "score": {"decimals": 2} | dict(score),
        "ranking": {"ties": "volume", "bottom": 2, "minimum_sample": 1},
    }
    return Rules.model_validate(document | more)


def scoring(
    score: Mapping[str, Any], *, indicators: Mapping[str, Any] | None = None, **more: Any
) -> Scoring:
    """The scoring at the top of such a version."""
    return compile_scorings(rules(score, indicators=indicators, **more)).top


BEIJING_SCORE: Final = {
    "weights": {"response": 10, "resolution": 50, "satisfaction": 40},
    "decimals": 1,
}
