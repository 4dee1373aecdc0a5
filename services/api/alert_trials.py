"""``POST /v1/alerts/trial``: whom an alert rule would tell of now. Nothing is stored or sent."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Body
from pydantic import BaseModel, ConfigDict, Field

from schemas.instants import Instant
from schemas.policy.alerts import AlertRule, Recipient
from schemas.records import FlushMark
from services.api.alerts import AlertUnit, AlertWindowName
from services.api.context import ApiContext, ask
from services.api.models import Model, TimeText
from services.api.policies import mistake
from services.api.refusals import problem, refusal
from services.api.snapshot import live_instant, read_marks, read_sums
from services.api.trial_parts import Tried, tried_orders, tried_signs
from services.api.writing import local_text
from services.domain.adjustments import by_unit, in_force
from services.domain.alerting_conditions import Standing, met
from services.domain.alerting_lists import ORDERS, RankedList, lists_of, window_of
from services.domain.governed import governed_at
from services.domain.policy import PolicyError
from services.domain.pooling import sums_of_kind
from services.domain.ranking import rank
from services.domain.registry import Registry
from services.storage import adjustments, governed, units

_LARGEST = 1 << 20


class Trial(BaseModel):
    """Which rule is tried.

    要试运行的预警规则。
    """

    model_config = ConfigDict(extra="forbid")

    rule: Annotated[str, Field(min_length=1, max_length=64)] = Field(
        description="What the rule is called in the policy: its name, or its rule. 规则名称。"
    )
    policy: Annotated[str | None, Field(max_length=_LARGEST)] = Field(
        None,
        description="Text of a policy to take the rule from; the one in force if left out. "
        "Lists and scores are always those in force. 考核办法文本，缺省为现行办法。",
    )


class TrialUnit(Model):
    """A unit of which the condition is true now.

    当前满足条件的单位。
    """

    unit: AlertUnit
    rank: int | None = Field(description="Null where it is not ranked. 名次。")
    score: str | None = Field(description="得分")
    evidence: dict[str, Any] = Field(description="What else the rule shows. 依据。")


class TrialList(Model):
    """One list that the rule is about.

    规则涉及的一个榜单。
    """

    kind: str
    group: str = Field(description="Peer group; empty: all units of the kind. 分类组。")
    window: AlertWindowName
    ranked: int = Field(description="How many units are ranked. 参评单位数。")
    units: list[TrialUnit]


class TrialAnswer(Model):
    """Whom a rule would tell of, before hysteresis, cool-down and quiet hours.

    试运行结果，不含延时、冷却与免打扰。
    """

    rule: str
    name: str
    as_of: TimeText
    recipients: list[Recipient] = Field(description="Whose contacts would be told. 告知对象。")
    lists: list[TrialList]


def create_trials_router(context: ApiContext) -> APIRouter:
    """Build the route."""
    router = APIRouter(tags=["push"])

    @router.post("/v1/alerts/trial", summary="Try an alert rule · 试运行预警规则")
    async def trial(wish: Annotated[Trial, Body()]) -> TrialAnswer:
        """Tell of whom the condition of a rule is true in the present standings.

        用当前数据试运行一条预警规则，不存储、不推送。
        """
        marks = await read_marks(context)
        at = await live_instant(context, marks)
        rules = await _rules(context, wish, at)
        registry = Registry(await ask(units.all_units, context.database))
        tried = [listed for listed in lists_of(rules, registry) if listed.alerts]
        return TrialAnswer(
            rule=rules[0].rule,
            name=rules[0].called,
            as_of=local_text(at, context.policy.time_zone),
            recipients=rules[0].recipients,
            lists=[await _tried(context, listed, registry, marks, at) for listed in tried],
        )

    return router


async def _rules(context: ApiContext, wish: Trial, at: Instant) -> list[AlertRule]:
    """The rules of that name, one or more, in the version that is in force.

    Raises:
        Problem: 422, there is none, or the text is no policy.
    """
    policy = context.policy
    if wish.policy is not None:
        try:
            policy = await asyncio.to_thread(context.read_policy, wish.policy)
        except PolicyError as error:
            raise problem(
                "invalid_policy",
                "Mend what the errors name.",
                "请按 errors 修改。",
                errors=[mistake(line) for line in str(error).splitlines()],
            ) from None
    named = [rule for rule in policy.at(at).document.alerts if rule.called == wish.rule]
    if not named:
        raise refusal(
            "unknown_alert_rule",
            "The policy has no alert rule that is called so.",
            "考核办法中没有这个名称的预警规则。",
            path="rule",
        )
    return named


async def _tried(
    context: ApiContext,
    listed: RankedList,
    registry: Registry,
    marks: dict[int, FlushMark],
    at: Instant,
) -> TrialList:
    window = window_of(context.policy, listed.window_kind, at)
    scoring = context.policy.at(window.ends_at - 1).scorings.of(listed.kind, listed.group)
    _, sums = await read_sums(context, marks, window, None, scoring.basis)
    entries = (
        await ask(adjustments.of_cycle, context.database, window.name)
        if window.kind == "cycle"
        else []
    )
    on_list = governed_at(await ask(governed.all_entries, context.database), at)
    ranking = await asyncio.to_thread(
        rank,
        registry.of_kind(listed.kind, listed.group),
        sums_of_kind(sums, registry, listed.kind),
        scoring,
        by_unit(in_force(entries, at)),
    )
    tried = Tried(listed, registry, window, scoring.basis, at)
    found: Mapping[str, Mapping[str, Any]]
    if listed.part == ORDERS:
        found = await tried_orders(context, tried, marks)
    else:
        standing = Standing(ranking, scoring, on_list, await tried_signs(context, tried))
        found = await asyncio.to_thread(met, listed.alerts[0], standing)
    ranked = {entry.unit.code: entry for entry in ranking.ranked}

    def line(code: str) -> TrialUnit:
        unit, own = registry.get(code), ranked.get(code)
        return TrialUnit(
            unit=AlertUnit(code=code, name=unit.name if unit else "", kind=listed.kind),
            rank=own.rank if own else None,
            score=str(own.score) if own else None,
            evidence=dict(found[code]),
        )

    return TrialList(
        kind=listed.kind,
        group=listed.group,
        window=AlertWindowName(kind=window.kind, name=window.name),
        ranked=len(ranked),
        units=[line(code) for code in found],
    )
