"""``GET /v1/work-orders/{id}/explain``: why an order counts as it does, step by step."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response

from schemas.fields import Name
from schemas.instants import FOREVER, Instant
from schemas.records import Contribution
from services.api.appeals.told import appeal_model, district_of
from services.api.context import ApiContext
from services.api.explain_models import (
    ChangeModel,
    ContributionTold,
    CorrectedFieldModel,
    DeadlineModel,
    EffectModel,
    EventTold,
    ExplainAnswer,
    IntervalModel,
    JudgementModel,
    PassedModel,
    PauseModel,
    Sentence,
    SkippedModel,
    StepTold,
)
from services.api.figures import nameless, unit_model
from services.api.found_orders import FoundOrder, OrderQuery, find_order
from services.api.order_models import ContributionModel
from services.api.refusals import refusal
from services.api.writing import local_text, thousandths_text
from services.domain import words
from services.domain.appeals import appeals_of
from services.domain.confidential import is_hidden
from services.domain.deadline_source import Deadline
from services.domain.explanation import Entry, Explanation, Judgement, Step, explain
from services.domain.registry import Registry
from services.domain.sentences import Writer
from services.domain.tracing import Effect
from services.domain.words import Text
from services.web.access.caller import restriction_of


def create_explain_router(context: ApiContext) -> APIRouter:
    """Build the route."""
    router = APIRouter()

    @router.get(
        "/v1/work-orders/{order:path}/explain",
        response_model=ExplainAnswer,
        summary="Why an order counts as it does · 为什么算、为什么不算",
        responses={404: {"description": "There is no such order · 没有这个工单"}},
    )
    async def explain_order(
        request: Request, order: Annotated[Name, Path()], query: Annotated[OrderQuery, Query()]
    ) -> Response:
        """Tell every event, deadline and contribution of an order, and one sentence an indicator.

        逐步给出事件、期限、贡献，并对每项指标用一句话说明原因。
        """
        found = await find_order(context, order, query.as_of, restriction_of(request))
        if not found.events:
            raise refusal(
                "unknown_order",
                "None of its events has been counted yet; they may be among the dead letters.",
                "该工单的事件尚未入账，可查看未入账事件。",
            )
        return Response(
            await asyncio.to_thread(_answer, context, found), media_type="application/json"
        )

    return router


def _answer(context: ApiContext, found: FoundOrder) -> str:
    explanation = explain(found.events, context.policy, found.at)
    return _Telling(context, found, explanation).answer().model_dump_json(by_alias=True)


class _Telling:
    """Writes one explanation as an answer."""

    def __init__(self, context: ApiContext, found: FoundOrder, explanation: Explanation) -> None:
        self._zone = context.policy.time_zone
        self._found = found
        self._explanation = explanation
        self._appeals = appeals_of(
            found.events, context.policy, district_of(found.registry), found.at
        )
        self._writer = Writer(explanation, self._zone, _names(found.registry))

    def answer(self) -> ExplainAnswer:
        explanation, found = self._explanation, self._found
        lead, unit = explanation.lead, found.registry.get(explanation.lead)
        current = max((s.at for s in explanation.steps if not s.is_later), default=None)
        return ExplainAnswer(
            **(found.snapshot.head() | {"as_of": self._time(found.at)}),
            id=explanation.subject,
            shard=found.stored.shard,
            version=explanation.rules.version,
            unit=(unit_model(unit) if unit else nameless(lead)) if lead else None,
            known_unit=not lead or unit is not None,
            state=explanation.state,
            state_name=_sentence(self._writer.state()),
            headline=_sentence(self._writer.headline()),
            sentences=[self._judgement(each) for each in explanation.judgements],
            deadlines=[self._deadline(each) for each in explanation.deadlines],
            steps=[self._step(step, is_current=step.at == current) for step in explanation.steps],
            contributions=[self._told(each) for each in explanation.contributions],
            appeals=[appeal_model(each, self._zone) for each in self._appeals],
        )

    def _judgement(self, judgement: Judgement) -> JudgementModel:
        indicator, contribution = judgement.indicator, judgement.contribution
        text = self._writer.judgement(judgement)
        return JudgementModel(
            indicator=indicator.code,
            name_zh=indicator.name_zh,
            name_en=indicator.name_en,
            version=judgement.version,
            verdict=judgement.verdict,
            reason=judgement.reason.code,
            contribution=contribution and self._contribution(contribution),
            department=judgement.department,
            zh=text.zh,
            en=text.en,
        )

    def _step(self, step: Step, *, is_current: bool) -> StepTold:
        return StepTold(
            at=self._time(step.at),
            later=step.is_later,
            in_force=is_current,
            events=[self._entry(entry) for entry in step.entries],
            passed=[
                PassedModel(
                    what=passed.what,
                    version=passed.version,
                    **self._writer.passed(passed)._asdict(),
                )
                for passed in step.passed
            ],
            deadlines=[self._deadline(deadline) for deadline in step.deadlines],
            began=[self._told(each) for each in step.began],
            ended=[self._told(each) for each in step.ended],
        )

    def _entry(self, entry: Entry) -> EventTold:
        event = entry.told.event
        if self._found.hides_place:
            shown = tuple(field for field in entry.told.fields if not is_hidden(field.field))
            entry = entry._replace(told=entry.told._replace(fields=shown))
        name = words.EVENTS[event.type]
        return EventTold(
            source=event.source,
            id=event.id,
            type=event.type,
            type_zh=name.zh,
            type_en=name.en,
            time=self._time(event.occurred_at),
            fate=entry.told.fate,
            corrections=[
                CorrectedFieldModel(
                    field=field.field,
                    told=_sentence(self._writer.told(field.field, field.told)),
                    counts=_sentence(self._writer.told(field.field, field.counts)),
                )
                for field in entry.told.fields
            ],
            effects=[self._effect(effect) for effect in entry.effects],
            lines=[_sentence(line) for line in self._writer.entry(entry)],
        )

    def _effect(self, effect: Effect) -> EffectModel:
        changes = [
            ChangeModel(field=c.field, of=c.of, **self._writer.change(c)._asdict())
            for c in effect.changes
        ]
        return EffectModel(version=effect.version, why=effect.why, changes=changes)

    def _deadline(self, deadline: Deadline) -> DeadlineModel:
        text = self._writer.deadline(deadline)
        return DeadlineModel(
            step=deadline.step,
            set_by=deadline.set_by,
            version=deadline.version,
            rule=deadline.rule,
            started_at=self._time(deadline.started_at),
            set_at=self._time(deadline.set_at),
            ends_at=self._end(deadline.ends_at),
            intervals=[
                IntervalModel(
                    from_=self._time(each.begins_at),
                    to=self._time(each.ends_at),
                    day=each.day,
                    kind_zh=each.kind and each.kind.zh,
                    kind_en=each.kind and each.kind.en,
                )
                for each in deadline.intervals
            ],
            skipped=[
                SkippedModel(day=day, kind=kind.code, kind_zh=kind.zh, kind_en=kind.en)
                for day, kind in deadline.skipped
            ],
            pauses=[
                PauseModel(from_=self._time(begins_at), to=self._end(ends_at))
                for begins_at, ends_at in deadline.pauses
            ],
            extensions=deadline.extensions,
            zh=text.zh,
            en=text.en,
        )

    def _contribution(self, contribution: Contribution) -> ContributionModel:
        return ContributionModel(
            ranking=contribution.ranking,
            unit=contribution.unit,
            indicator=contribution.indicator,
            attributed_at=self._time(contribution.attributed_at),
            denominator=contribution.denominator,
            numerator=thousandths_text(contribution.numerator),
        )

    def _told(self, contribution: Contribution) -> ContributionTold:
        text = self._writer.contribution(contribution)
        return ContributionTold(
            **self._contribution(contribution).model_dump(), zh=text.zh, en=text.en
        )

    def _time(self, instant: Instant) -> str:
        return local_text(instant, self._zone)

    def _end(self, instant: Instant) -> str | None:
        return None if instant == FOREVER else self._time(instant)


def _sentence(text: Text) -> Sentence:
    return Sentence(zh=text.zh, en=text.en)


def _names(registry: Registry) -> Callable[[str], str]:
    """The name of a unit by its code; "" if it is not registered."""

    def name(code: str) -> str:
        unit = registry.get(code)
        return unit.name if unit else ""

    return name
