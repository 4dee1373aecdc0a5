"""Files appeals and reviews them: each is an event, answered when the shard has stored it.

Whether something is allowed is asked of the rules alone: the event is folded with those of its
order before it is sent, and what comes out is looked at. Ids of events are made of the appeal's
number, so that a request sent again, by anybody and after any crash, goes on where it was left.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from schemas.codec import decode_event
from schemas.instants import Instant, format_instant
from schemas.records import Event
from services.api.appeals.models import NewAppeal, NewReview
from services.api.appeals.reading import Book, Found, find
from services.api.appeals.told import district_of
from services.api.context import ApiContext, Emit, ask
from services.api.rankings import marks_and_units
from services.api.refusals import refusal, unavailable
from services.domain.appeal_words import WHY
from services.domain.appeals import Appeal
from services.domain.outcome import evaluate
from services.domain.registry import Registry
from services.web.problems import Problem

SOURCE: Final = "hotline-rates/appeals"

_STORED_WITHIN: Final = 15.0  # seconds
_LOOK_EVERY: Final = 0.1


class Written(NamedTuple):
    """An appeal after a request. ``is_new``: the request has changed something."""

    appeal: Appeal
    is_new: bool


async def open_book(context: ApiContext, at: Instant | None = None) -> tuple[Book, Registry]:
    """What is stored now, and the registry.

    Raises:
        Problem: 503.
    """
    marks, registry = await marks_and_units(context)
    districts = district_of(registry)
    book = Book(context.database, context.policy, marks, districts, context.clock(), at)
    return book, registry


async def file_appeal(context: ApiContext, new: NewAppeal) -> Written:
    """File an appeal; one that is there already is left as it is.

    Raises:
        Problem: 404, no such order; 409, another appeal has the number, or the rules refuse it;
            422, the unit cannot appeal; 501; 503, it is not known whether it is filed.
    """
    book, registry = await open_book(context)
    content = _content_of(new)
    if (known := await ask(find, book, new.id)) is not None:
        return Written(_same(known.appeal, new), is_new=False)
    events = (await ask(book.events_of, [new.order])).get(new.order, [])
    if not events:
        raise refusal(
            "unknown_order", "No event of such an order is stored.", "没有存储该工单的任何事件。"
        )
    await _check_unit(context, registry, new.unit, events)
    raw = _cloud_event("appealed", new.id, new.order, context.clock(), content)
    event = decode_event(raw).event
    tried = _of(book.folded([*events, event], event.occurred_at), new.id)
    if tried.state == "void":
        raise _refused(tried.why)
    await _emitter(context)([raw])
    found = await _settled(context, new.order, event, content)
    appeal = _of(found[0].folded(found[1], _late_enough(found[0], event)), new.id)
    return Written(_same(appeal, new), is_new=True)


async def review(context: ApiContext, number: str, order: str | None, new: NewReview) -> Written:
    """Decide at one level; an appeal that is upheld at the last one excludes the order.

    Raises:
        Problem: 404, no such appeal; 409, this level has said something else, or the rules refuse
            it; 422, no ground; 501; 503, it is not known whether it is decided: send it again.
    """
    book, _ = await open_book(context)
    found = await ask(find, book, number, order)
    if found is None:
        raise unknown_appeal()
    appeal = found.appeal
    ground = new.ground or appeal.ground
    if not ground:
        raise refusal(
            "invalid_appeal",
            "Neither the appeal nor the review names a ground.",
            "申诉与复核均未注明理由。",
        )
    content = {
        "appeal": number,
        "decision": new.decision,
        "level": new.level,
        "reviewer": new.reviewer,
        "ground": ground,
    }
    id_ = f"{number}/{new.level}"
    known = _stored(found.events, id_)
    event = known or await _send_review(context, book, found, id_, content)
    if event.data != content:
        raise _conflict()
    book, _ = await open_book(context)
    events = (await ask(book.events_of, [appeal.order]))[appeal.order]
    at = _late_enough(book, event)
    decided = _of(book.folded(events, at), number)
    _check_effect(decided, event)
    if decided.state != "upheld" or decided.excluded_at is not None:
        return Written(decided, is_new=known is None)
    await _exclude(context, decided, event)
    book, _ = await open_book(context)
    events = (await ask(book.events_of, [appeal.order]))[appeal.order]
    return Written(_of(book.folded(events, at), number), is_new=True)


def unknown_appeal() -> Problem:
    """No appeal has this number."""
    return refusal("unknown_appeal", "No appeal is filed under this number.", "没有该编号的申诉。")


async def _send_review(
    context: ApiContext, book: Book, found: Found, id_: str, content: dict[str, Any]
) -> Event:
    raw = _cloud_event("reviewed", id_, found.appeal.order, context.clock(), content)
    event = decode_event(raw).event
    tried = _of(book.folded([*found.events, event], event.occurred_at), found.appeal.number)
    _check_effect(tried, event)
    await _emitter(context)([raw])
    _, events = await _settled(context, found.appeal.order, event, content)
    return next(each for each in events if _is(each, id_))


async def _exclude(context: ApiContext, appeal: Appeal, decision: Event) -> None:
    """Emit what an upheld appeal entails: the same event however often, at the decision's time."""
    content = {
        "indicators": [appeal.indicator],
        "ground": decision.data["ground"],
        "approver": decision.data["reviewer"],
        "evidence": list(appeal.evidence),
        "appeal": appeal.number,
    }
    content = {name: value for name, value in content.items() if value}
    raw = _cloud_event(
        "excluded", f"{appeal.number}/excluded", appeal.order, decision.occurred_at, content
    )
    await _emitter(context)([raw])
    await _settled(context, appeal.order, decode_event(raw).event, content)


async def _check_unit(
    context: ApiContext, registry: Registry, unit: str, events: list[Event]
) -> None:
    """A unit appeals against what counts for it."""
    outcome = await asyncio.to_thread(evaluate, events, context.policy)
    if unit not in registry or all(span.unit != unit for span in outcome.spans):
        raise refusal(
            "invalid_appeal",
            "The unit is not registered, or the order has never counted for it.",
            "该单位未登记，或该工单从未计入该单位。",
        )


async def _settled(
    context: ApiContext, order: str, event: Event, content: Mapping[str, Any]
) -> tuple[Book, list[Event]]:
    """Wait until the order holds the event; with the content that was sent.

    Raises:
        Problem: 409, another request was first; 503, it is not stored in time.
    """
    try:
        async with asyncio.timeout(_STORED_WITHIN):
            while True:
                book, _ = await open_book(context)
                events = (await ask(book.events_of, [order])).get(order, [])
                stored = _stored(events, event.id)
                if stored is not None:
                    break
                await asyncio.sleep(_LOOK_EVERY)
    except TimeoutError:
        raise unavailable() from None
    if stored.data != content:
        raise _conflict()
    return book, events


def _late_enough(book: Book, event: Event) -> Instant:
    """Now, and not before the event: clocks of two hosts differ."""
    return max(book.instant_of(event.subject), event.occurred_at)


def _check_effect(appeal: Appeal, event: Event) -> None:
    """Refuse a review that changes nothing."""
    own = (event.source, event.id)
    why = next(entry.why for entry in appeal.history if (entry.source, entry.event) == own)
    if why:
        raise _refused(why)


def _same(appeal: Appeal, new: NewAppeal) -> Appeal:
    """The appeal, if the request says what it says."""
    filed = (
        appeal.order, appeal.unit, appeal.indicator, appeal.ground, appeal.evidence, appeal.filer,
    )  # fmt: skip
    asked = (
        new.order, new.unit, new.indicator, new.ground, tuple(new.evidence), new.filer or new.unit,
    )  # fmt: skip
    if filed != asked:
        raise _conflict()
    return appeal


def _content_of(new: NewAppeal) -> dict[str, Any]:
    return {
        "appeal": new.id,
        "unit": new.unit,
        "indicator": new.indicator,
        "ground": new.ground,
        "evidence": list(new.evidence),
        "filer": new.filer or new.unit,
    }


def _cloud_event(
    type_: str, id_: str, subject: str, at: Instant, data: Mapping[str, Any]
) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "type": f"workorder.{type_}",
        "source": SOURCE,
        "id": id_,
        "subject": subject,
        "time": format_instant(at),
        "data": dict(data),
    }


def _emitter(context: ApiContext) -> Emit:
    if context.emit is None:
        raise refusal(
            "read_only",
            "Set HOTLINE_KAFKA_BOOTSTRAP for this process too.",
            "请为本进程设置 HOTLINE_KAFKA_BOOTSTRAP。",
        )
    return context.emit


def _of(appeals: list[Appeal], number: str) -> Appeal:
    return next(appeal for appeal in appeals if appeal.number == number)


def _is(event: Event, id_: str) -> bool:
    return (event.source, event.id) == (SOURCE, id_)


def _stored(events: list[Event], id_: str) -> Event | None:
    return next((event for event in events if _is(event, id_)), None)


def _refused(why: str) -> Problem:
    text = WHY[why]
    return refusal("appeal_refused", f"{text.en[0].upper()}{text.en[1:]}.", f"{text.zh}。")


def _conflict() -> Problem:
    return refusal(
        "appeal_conflict",
        "What was filed or decided under this number says something else; it is never changed.",
        "该编号下已登记的内容不同；登记后不可更改。",
    )
