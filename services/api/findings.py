"""What could not be counted, what was left out, and the rules: the questions of an auditor."""

from __future__ import annotations

from typing import Annotated, Final
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query, Request, Response
from pydantic import ConfigDict, Field, TypeAdapter

from schemas.instants import EARLIEST, FOREVER, Instant
from schemas.records import DeadLetter, Position
from services.api.context import ApiContext, ask
from services.api.cursors import next_page, read_cursor, write_cursor
from services.api.models import (
    DeadLetterModel,
    DeadLettersAnswer,
    DroppedFieldsAnswer,
    IndicatorModel,
    LogPosition,
    PolicyAnswer,
    VersionModel,
)
from services.api.parameters import read_instant
from services.api.tables.download import RESPONSES, Download, reply, wanted
from services.api.tables.registers import dead_letters_table, dropped_fields_table
from services.api.writing import decimal_text, local_text
from services.domain.policy import Policy, Rules
from services.storage import dead_letters
from services.storage.dead_letters import Place, Recorded

_Cursor = tuple[
    Annotated[int, Field(ge=EARLIEST, le=FOREVER)],
    str,
    Annotated[int, Field(ge=0, lt=1 << 16)],
    Annotated[int, Field(ge=0, lt=1 << 32)],
    Annotated[int, Field(ge=-1, lt=1 << 63)],
    Annotated[int, Field(ge=0, lt=1 << 32)],
    str,
]
"""When it was recorded, and its place in the log."""

_CURSOR: Final = TypeAdapter[_Cursor](_Cursor)

# Each number is one that the store can hold.
_PLACE: Final = r"^[0-9]{1,4}/[0-9]{1,9}/[0-9]{1,18}/[0-9]{1,9}$"


class DeadLettersQuery(Download):
    """Which dead letters, and a page of them."""

    model_config = ConfigDict(extra="forbid")

    reason: Annotated[str, Field(max_length=64)] = Field("", description="Reason code. 原因代码。")
    subject: Annotated[str, Field(max_length=128)] = Field("", description="Work order. 工单号。")
    from_: Annotated[str | None, Field(max_length=40)] = Field(
        None,
        alias="from",
        description="Recorded from this instant on, RFC 3339 with an offset. 记录时间起点（含）。",
    )
    to: Annotated[str | None, Field(max_length=40)] = Field(
        None, description="Recorded before this instant. 记录时间终点（不含）。"
    )
    place: Annotated[str | None, Field(pattern=_PLACE)] = Field(
        None,
        description="Where the log holds the original: shard/epoch/offset/index. 原始消息在日志中的位置。",
    )
    after: Annotated[str | None, Field(max_length=500)] = None
    limit: Annotated[int, Field(ge=1, le=1000)] = 100


class DroppedQuery(Download):
    """Nothing to choose but the form."""

    model_config = ConfigDict(extra="forbid")


def create_findings_router(context: ApiContext) -> APIRouter:
    """Build the routes."""
    router = APIRouter(tags=["audit"])

    @router.get(
        "/v1/dead-letters",
        response_model=DeadLettersAnswer,
        summary="What could not be counted, and why · 未入账事件",
        responses=RESPONSES,
    )
    async def letters(request: Request, query: Annotated[DeadLettersQuery, Query()]) -> Response:
        """List dead letters, the last recorded first; `counts` are of all recorded in that time.

        按记录时间倒序；counts 为该时间段内各原因的总数。
        """
        since = EARLIEST if query.from_ is None else read_instant("from", query.from_)
        until = FOREVER if query.to is None else read_instant("to", query.to)
        found = await ask(
            dead_letters.listing,
            context.database,
            reason=query.reason,
            subject=query.subject,
            since=since,
            until=until,
            place=None if query.place is None else Place(*map(int, query.place.split("/"))),
            before=None if query.after is None else _read_cursor(query.after),
            limit=query.limit,
        )
        answer = DeadLettersAnswer(
            dead_letters=[_letter(context, recorded) for recorded in found],
            counts=await ask(dead_letters.counts, context.database, since, until),
            next=_cursor(found[-1]) if len(found) == query.limit else None,
        )
        return await reply(
            wanted(request, query.format),
            answer,
            lambda: [dead_letters_table(answer)],
            "未入账事件-dead-letters",
            next_page(request, answer.next),
        )

    @router.get(
        "/v1/dropped-fields",
        response_model=DroppedFieldsAnswer,
        summary="Unknown fields left out, by name · 被丢弃的字段",
        responses=RESPONSES,
    )
    async def dropped(request: Request, query: Annotated[DroppedQuery, Query()]) -> Response:
        """Count the archived events that came with an unknown field.

        统计未知字段。
        """
        answer = DroppedFieldsAnswer(fields=await ask(context.readers.dropped_fields))
        return await reply(
            wanted(request, query.format),
            answer,
            lambda: [dropped_fields_table(answer)],
            "被丢弃的字段-dropped-fields",
        )

    @router.get("/v1/policy", summary="The policy in force · 现行考核办法")
    async def policy() -> PolicyAnswer:
        """Give the policy that all live numbers follow.

        实时数字所依据的考核办法。
        """
        return _policy(context.policy, context.ruleset, context.clock())

    return router


def _policy(policy: Policy, ruleset: int, now: Instant) -> PolicyAnswer:
    rules = policy.at(now)
    scoring = rules.scorings.top
    score = rules.document.score
    worth = score.weights or {code: each.maximum for code, each in (score.points or {}).items()}
    return PolicyAnswer(
        id=policy.id,
        version=rules.version,
        ruleset=ruleset,
        name_zh=policy.name_zh,
        name_en=policy.name_en,
        checksum=policy.checksum,
        time_zone=policy.time_zone.key,
        versions=[_version(each, policy.time_zone) for each in policy.versions if _assesses(each)],
        indicators=[
            IndicatorModel(
                code=indicator.code,
                name_zh=indicator.name_zh,
                name_en=indicator.name_en,
                weight=decimal_text(worth.get(indicator.code)),
                floor=decimal_text(indicator.document.floor),
                parts=None if indicator.document.parts is None else dict(indicator.document.parts),
            )
            for indicator in rules.indicators
        ],
        bottom=scoring.bottom,
        minimum_sample=scoring.minimum_sample,
        document=policy.document,
    )


def _assesses(rules: Rules) -> bool:
    """Not where no version is in force, and the nearest one holds with no assessed type."""
    return rules.assessed_types is None or bool(rules.assessed_types)


def _version(rules: Rules, zone: ZoneInfo) -> VersionModel:
    return VersionModel(
        version=rules.version,
        from_=None if rules.begins_at == EARLIEST else local_text(rules.begins_at, zone),
        to=None if rules.ends_at == FOREVER else local_text(rules.ends_at, zone),
    )


def _letter(context: ApiContext, recorded: Recorded) -> DeadLetterModel:
    letter = recorded.letter
    return DeadLetterModel(
        recorded_at=local_text(recorded.recorded_at, context.policy.time_zone),
        topic=letter.topic,
        position=LogPosition(
            shard=letter.partition,
            epoch=letter.position.epoch,
            offset=letter.position.offset,
            index=letter.frame_index,
        ),
        reason=letter.reason,
        path=letter.path,
        detail=letter.detail,
        source=letter.source,
        id=letter.id,
        subject=letter.subject,
        type=letter.type,
    )


def _cursor(recorded: Recorded) -> str:
    letter = recorded.letter
    place: _Cursor = (
        recorded.recorded_at,
        letter.topic,
        letter.partition,
        *letter.position,
        letter.frame_index,
        letter.reason,
    )
    return write_cursor(place)


def _read_cursor(text: str) -> Recorded:
    recorded_at, topic, partition, epoch, offset, index, reason = read_cursor(_CURSOR, text)
    position = Position(epoch, offset)
    return Recorded(recorded_at, DeadLetter(topic, partition, position, index, reason, "", ""))
