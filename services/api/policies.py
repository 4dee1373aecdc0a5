"""``/v1/policies``: the history of policies, and how one is put in force."""

from __future__ import annotations

import asyncio
import re
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Path, Request
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from schemas.instants import Instant, to_datetime
from services.api.context import ApiContext, ask
from services.api.models import Model, TimeText
from services.api.refusals import problem, refusal
from services.api.writing import local_text
from services.domain.policy import Policy, PolicyError
from services.storage import rulesets
from services.storage.rulesets import Numbers, Progress, Ruleset
from services.web.problems import Problem

State = Literal["building", "current", "past"]
STATES_ZH: Final[dict[State, str]] = {"building": "正在重算", "current": "现行", "past": "历史"}

_LARGEST: Final = 1 << 20  # bytes
_TEXT: Final = ("application/yaml", "application/x-yaml", "text/yaml", "text/plain")
_JSON: Final = "application/json"
_LINE: Final = re.compile(r"line (\d+)(?:, ([^:]+))?: ")


class ShardProgress(Model):
    """How far one shard is with a policy that is being built.

    单个分区的重算进度。
    """

    shard: int
    complete: bool = Field(description="It has all its orders and keeps up. 已完成并持续更新。")
    orders: int = Field(description="Orders evaluated under this policy. 已重算的工单数。")
    of: int = Field(description="Orders under the policy in force. 现行办法下的工单数。")


class PolicyLine(Model):
    """One activation of a policy.

    一次启用记录。
    """

    ruleset: int = Field(description="Number of the policy in this database. 规则集编号。")
    id: str
    version: str
    checksum: str = Field(description="Equal ones give equal results. 内容校验码。")
    activated_at: TimeText
    state: State = Field(
        description="current: all numbers follow it; building: evaluated beside it, to become "
        "current when every shard is complete; past. 状态。"
    )
    state_zh: str
    shards: list[ShardProgress] = Field(description="While it is being built. 重算进度。")


class PoliciesAnswer(Model):
    """Every policy that was ever put in force, the last first."""

    policies: list[PolicyLine]


class PolicyDocumentAnswer(PolicyLine):
    """One activation, with the text of the policy."""

    document: str = Field(description="YAML. 原文。")


class NewPolicy(BaseModel):
    """A policy inside JSON."""

    model_config = ConfigDict(extra="forbid", strict=True)

    document: str = Field(description="The YAML text. 考核办法原文。")


def create_policies_router(context: ApiContext) -> APIRouter:
    """Build the routes."""
    router = APIRouter(tags=["audit"])

    async def described(entries: list[Ruleset]) -> list[PolicyLine]:
        numbers = await ask(rulesets.numbers, context.database, context.partitions)
        if numbers is None:
            return []
        shards = await _progress(context, numbers)
        return [_line(context, entry, numbers, shards) for entry in entries]

    @router.get("/v1/policies", summary="The history of policies · 考核办法启用记录")
    async def listing() -> PoliciesAnswer:
        """List every activation, the last first, and how far the newest one is.

        列出历次启用的考核办法及重算进度。
        """
        entries = await ask(rulesets.history, context.database)
        return PoliciesAnswer(policies=await described(entries))

    @router.get(
        "/v1/policies/{ruleset}",
        summary="The text of one policy · 某次启用的考核办法原文",
        responses={404: {"description": "No policy has this number · 没有该编号"}},
    )
    async def one(ruleset: Annotated[int, Path(ge=1, lt=1 << 32)]) -> PolicyDocumentAnswer:
        """Give the document of an activation, past ones too.

        返回某次启用的原文。
        """
        entry = await ask(rulesets.get, context.database, ruleset)
        if entry is None:
            raise refusal(
                "unknown_ruleset",
                "GET /v1/policies lists the numbers there are.",
                "可用编号见 GET /v1/policies。",
            )
        (line,) = await described([entry])
        return PolicyDocumentAnswer(**dict(line), document=entry.document)

    @router.post(
        "/v1/policies",
        status_code=202,
        summary="Put a policy in force · 启用考核办法",
        responses={422: {"description": "The errors name the lines · errors 给出行号"}},
        openapi_extra={"requestBody": {"required": True, "content": _request_body()}},
    )
    async def activate(request: Request) -> PolicyLine:
        """Accept a policy as YAML text, or as JSON with the text in `document`.

        All stored orders are evaluated again while events keep arriving. The numbers stay those of
        the policy in force until every shard is complete, and then change once. A policy that is
        the newest already keeps its number.

        接收后在后台重算全部工单，完成前数字不变，完成后一次切换。
        """
        policy = await _read(context, request)
        number = await ask(
            rulesets.activate,
            context.database,
            policy.id,
            policy.version,
            policy.checksum,
            policy.document,
            context.clock(),
        )
        entry = await ask(rulesets.get, context.database, number)
        if entry is None:
            raise RuntimeError("an activated policy is not in the history")
        (line,) = await described([entry])
        return line

    return router


async def _progress(context: ApiContext, numbers: Numbers) -> list[ShardProgress]:
    if numbers.newest == numbers.current:
        return []
    done, whole = await asyncio.gather(
        ask(rulesets.progress, context.database, numbers.newest),
        ask(rulesets.progress, context.database, numbers.current),
    )
    nothing = Progress(0, 0, complete=False)
    return [
        ShardProgress(
            shard=shard,
            complete=done.get(shard, nothing).complete,
            orders=done.get(shard, nothing).orders,
            of=whole.get(shard, nothing).orders,
        )
        for shard in range(context.partitions)
    ]


def _line(
    context: ApiContext, entry: Ruleset, numbers: Numbers, shards: list[ShardProgress]
) -> PolicyLine:
    state: State = "past"
    if entry.ruleset == numbers.current:
        state = "current"
    elif entry.ruleset == numbers.newest:
        state = "building"
    return PolicyLine(
        ruleset=entry.ruleset,
        id=entry.policy_id,
        version=entry.policy_version,
        checksum=entry.checksum,
        activated_at=local_text(entry.activated_at, context.policy.time_zone),
        state=state,
        state_zh=STATES_ZH[state],
        shards=shards if state == "building" else [],
    )


async def _read(context: ApiContext, request: Request) -> Policy:
    """The policy of a request.

    Raises:
        Problem: 413, 415, 422.
    """
    text = _document(request, await _body(request))
    try:
        policy = await asyncio.to_thread(context.read_policy, text)
    except PolicyError as error:
        raise problem(
            "invalid_policy",
            "Mend what the errors name; nothing was activated.",
            "请按 errors 修改，未启用。",
            errors=[mistake(line) for line in str(error).splitlines()],
        ) from None
    if years := unknown_years(policy, context.clock(), days_ahead=0):
        raise problem(
            "invalid_policy",
            "Add the days off of the years that the errors name; nothing was activated.",
            "请补充 errors 所列年份的放假安排，未启用。",
            errors=[
                {
                    "in": "body",
                    "path": "calendar.years",
                    "reason": "unknown_year",
                    "detail": f"The working days of {year} are not known, and orders of today need "
                    "them.",
                    "detail_zh": f"{year} 年的放假安排未知，而今天的工单已需要用到。",
                }
                for year in years
            ],
        )
    return policy


def unknown_years(policy: Policy, now: Instant, *, days_ahead: int) -> tuple[int, ...]:
    """Years whose days off are wanting for orders dispatched from now on, so many days long."""
    today = to_datetime(now).astimezone(policy.time_zone).date()
    return policy.unknown_years(today, days_ahead)


def mistake(text: str) -> dict[str, Any]:
    """One line of a `PolicyError` as an entry of a problem's errors."""
    found = _LINE.match(text)
    line = int(found[1]) if found else None
    place = f"第 {line} 行有误" if line else "考核办法有误"
    return {
        "in": "body",
        "path": found[2] or "" if found else "",
        "line": line,
        "reason": "invalid_policy",
        "detail": text,
        "detail_zh": f"{place}：{text[found.end() :] if found else text}",
    }


async def _body(request: Request) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > _LARGEST:
            raise refusal(
                "policy_too_large", "A policy has at most 1 MiB.", "考核办法不超过 1 MiB。"
            )
    return bytes(body)


def _document(request: Request, body: bytes) -> str:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    try:
        if kind == _JSON:
            return NewPolicy.model_validate_json(body).document
        if kind in _TEXT:
            return body.decode("utf-8-sig")
    except (ValidationError, UnicodeDecodeError):
        raise _unreadable(
            "The body is UTF-8: YAML text, or a JSON object with the text in document.",
            "请求体须为 UTF-8 编码的 YAML 文本，或含 document 字段的 JSON 对象。",
        ) from None
    raise _unreadable(
        f"The content type is {_TEXT[0]} or {_JSON}.", f"内容类型须为 {_TEXT[0]} 或 {_JSON}。"
    )


def _unreadable(detail: str, detail_zh: str) -> Problem:
    return refusal("unreadable_policy", detail, detail_zh)


def _request_body() -> dict[str, Any]:
    return {
        _TEXT[0]: {"schema": {"type": "string"}},
        _JSON: {"schema": NewPolicy.model_json_schema()},
    }
