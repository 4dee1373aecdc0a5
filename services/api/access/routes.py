"""``/v1/keys`` and ``/v1/audit-log``: who may do what, and who did what."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Body, Path, Query, Response
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from schemas.instants import DAY
from services.api.access.keys import create
from services.api.access.models import (
    AuditAnswer,
    AuditEntry,
    KeyModel,
    KeysAnswer,
    MadeKey,
    NewKey,
)
from services.api.context import ApiContext, ask
from services.api.cursors import read_cursor, write_cursor
from services.api.refusals import refusal
from services.api.writing import local_text
from services.storage import access_keys, audit_log
from services.storage.access_keys import REVOKED, Key

_CURSOR: Final[TypeAdapter[tuple[Annotated[int, Field(ge=0, lt=1 << 62)], str]]] = TypeAdapter(
    tuple[Annotated[int, Field(ge=0, lt=1 << 62)], Annotated[str, Field(pattern="^[0-9a-f]{16}$")]]
)
_END_OF_TIME: Final = (1 << 62, "")


class AuditQuery(BaseModel):
    """Which page."""

    model_config = ConfigDict(extra="forbid")

    limit: Annotated[int, Field(ge=1, le=1000)] = Field(100, description="每页条数。 Entries.")
    after: Annotated[str | None, Field(max_length=200)] = Field(
        None, description="`next` of the page before. 上一页的 next。"
    )


def create_access_router(context: ApiContext) -> APIRouter:
    """Build the routes."""
    router = APIRouter(tags=["access"])

    @router.get("/v1/keys", summary="All keys · 密钥列表")
    async def listing(response: Response) -> KeysAnswer:
        """List every key that was ever made, without its text.

        列出全部密钥，不含原文。
        """
        response.headers["Cache-Control"] = "no-store"
        found = await ask(access_keys.all_keys, context.database)
        return KeysAnswer(keys=[_model(context, key) for key in found])

    @router.post("/v1/keys", status_code=201, summary="Make a key · 新建密钥")
    async def make(new: Annotated[NewKey, Body()], response: Response) -> MadeKey:
        """Make a key. The answer holds its text, which is not stored and never shown again.

        新建密钥；原文只在本次应答中出现。
        """
        response.headers["Cache-Control"] = "no-store"
        now = context.clock()
        key, text = await ask(
            create,
            context.database,
            now,
            label=new.label,
            scopes=tuple(sorted(set(new.scopes))),
            units=tuple(sorted(set(new.units))),
            expires_at=0 if new.days is None else now + new.days * DAY,
        )
        return MadeKey(**_model(context, key).model_dump(), key=text)

    @router.delete(
        "/v1/keys/{id}",
        summary="Revoke a key · 吊销密钥",
        responses={404: {"description": "No such key · 没有这个密钥"}},
    )
    async def revoke(
        id_: Annotated[str, Path(alias="id", max_length=64, description="密钥编号。 Its id.")],
    ) -> KeyModel:
        """Revoke a key for ever; within a second nobody is let in with it.

        永久吊销密钥，一秒内生效。
        """
        key = await ask(access_keys.revoke, context.database, id_, context.clock())
        if key is None:
            raise refusal("unknown_key", "GET /v1/keys lists them.", "密钥列表见 GET /v1/keys。")
        return _model(context, key)

    @router.get("/v1/audit-log", summary="Who changed what · 操作日志")
    async def log(query: Annotated[AuditQuery, Query()], response: Response) -> AuditAnswer:
        """List the requests that changed something or were refused, the newest first.

        由新到旧列出变更与被拒绝的操作。
        """
        response.headers["Cache-Control"] = "no-store"
        at, id_ = _END_OF_TIME if query.after is None else read_cursor(_CURSOR, query.after)
        found = await ask(audit_log.before, context.database, at, id_, query.limit)
        last = found[-1] if len(found) == query.limit else None
        return AuditAnswer(
            entries=[
                AuditEntry(
                    at=local_text(entry.at, context.policy.time_zone),
                    who=entry.who,
                    method=entry.method,
                    route=entry.route,
                    target=entry.target,
                    status=entry.status,
                )
                for entry in found
            ],
            next=None if last is None else write_cursor((last.at, last.id)),
        )

    return router


def _model(context: ApiContext, key: Key) -> KeyModel:
    zone = context.policy.time_zone
    lapsed = "valid" if key.opens(context.clock()) else "expired"
    return KeyModel(
        id=key.id,
        label=key.label,
        scopes=list(key.scopes),
        units=list(key.units),
        state=REVOKED if key.state == REVOKED else lapsed,
        created_at=local_text(key.created_at, zone),
        changed_at=local_text(key.changed_at, zone),
        expires_at=local_text(key.expires_at, zone) if key.expires_at else None,
    )
