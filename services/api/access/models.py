"""Bodies and answers of ``/v1/keys`` and ``/v1/audit-log``."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from services.web.access.caller import Scope

Code = Annotated[str, Field(min_length=1, max_length=64)]


class NewKey(BaseModel):
    """A key to be made."""

    model_config = ConfigDict(extra="forbid")

    label: Annotated[str, Field(min_length=1, max_length=100)] = Field(
        description="What it is for; no person's name. 用途，不写个人姓名。"
    )
    scopes: Annotated[list[Scope], Field(min_length=1, max_length=4)] = Field(
        description="govern holds read; admin holds all. 权限：govern 含 read，admin 含全部。"
    )
    units: Annotated[list[Code], Field(max_length=500)] = Field(
        default=[],
        description="Restricts it to these units, a district with its streets; empty: the whole "
        "city. Only with the scope read. 限定单位，区含所辖街道；空为全市。",
    )
    days: Annotated[int | None, Field(ge=1, le=3660)] = Field(
        None, description="Days until it expires; never if left out. 有效天数，缺省为长期。"
    )


class KeyModel(BaseModel):
    """A key, without its text."""

    id: str = Field(description="密钥编号。 Its number.")
    label: str = Field(description="用途。 What it is for.")
    scopes: list[str] = Field(description="权限。 What it may do.")
    units: list[str] = Field(description="限定单位。 Units it is restricted to.")
    state: str = Field(description="`valid`, `expired` or `revoked`. 状态：有效、过期、已吊销。")
    created_at: str = Field(description="创建时间。 When it was made.")
    changed_at: str = Field(description="最后变更时间。 When it changed last.")
    expires_at: str | None = Field(description="到期时间，空为长期。 When it expires; null: never.")


class MadeKey(KeyModel):
    """A new key with its text, which is shown this once."""

    key: str = Field(description="The key; it is not stored. 密钥原文，仅显示这一次。")


class KeysAnswer(BaseModel):
    """All keys."""

    keys: list[KeyModel] = Field(description="全部密钥，按创建时间。 As they were made.")


class AuditEntry(BaseModel):
    """One request that changed something, or was refused."""

    at: str = Field(description="时间。 When.")
    who: str = Field(description="`key:` and its id, or `open`. 操作者。")
    method: str = Field(description="请求方法。 Method.")
    route: str = Field(description="接口模板，未声明的接口为空。 Template of the path.")
    target: str = Field(description="路径中的对象，被拒绝的为空。 What stood in the path.")
    status: int = Field(description="应答状态码。 Status of the answer.")


class AuditAnswer(BaseModel):
    """A page of the audit log."""

    entries: list[AuditEntry] = Field(description="由新到旧。 The newest first.")
    next: str | None = Field(description="下一页标记。 `after` of the next page.")
