"""`hotline keys`: keys made and revoked in the store itself, where no service need run.

The first key of a cluster cannot be asked for over HTTP, as nobody has a key to ask with; whoever
can write into the store may do everything anyway.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, get_args

import typer

from schemas.instants import DAY, format_instant
from services.api.access.keys import create
from services.cli.engine import current_engine
from services.cli.errors import EXPECTED, CommandError, end_with
from services.cli.web_app import now
from services.settings import load_settings
from services.storage import access_keys
from services.storage.access_keys import REVOKED
from services.storage.database import Database
from services.web.access.caller import Scope

keys_app = typer.Typer(help="API keys. 密钥", no_args_is_help=True)


@keys_app.command("create")
def keys_create(
    label: Annotated[str, typer.Argument(help="What it is for. 用途")],
    scope: Annotated[
        list[str], typer.Option(help="ingest, read, govern or admin; may be repeated. 权限")
    ],
    unit: Annotated[
        list[str] | None,
        typer.Option(help="Only these units; a district with its streets. 限定单位"),
    ] = None,
    days: Annotated[
        int | None, typer.Option(min=1, max=3660, help="Days until it expires. 有效天数")
    ] = None,
) -> None:
    """新建密钥 · Make a key and print it, this once."""
    with _store() as database:
        unknown = set(scope) - set(get_args(Scope))
        if unknown:
            raise CommandError(
                f"A scope is one of {', '.join(get_args(Scope))}. 权限只能是上述之一。"
            )
        at = now()
        _, text = create(
            database,
            at,
            label=label,
            scopes=tuple(sorted(set(scope))),
            units=tuple(sorted(set(unit or ()))),
            expires_at=0 if days is None else at + days * DAY,
        )
        typer.echo(text)


@keys_app.command("list")
def keys_list() -> None:
    """列出密钥 · List all keys, without their texts."""
    with _store() as database:
        at = now()
        for key in access_keys.all_keys(database):
            state = "valid" if key.opens(at) else REVOKED if key.state == REVOKED else "expired"
            until = format_instant(key.expires_at) if key.expires_at else "-"
            units = ",".join(key.units) or "-"
            typer.echo(f"{key.id}  {state}  {','.join(key.scopes)}  {units}  {until}  {key.label}")


@keys_app.command("revoke")
def keys_revoke(id_: Annotated[str, typer.Argument(metavar="ID", help="Its id. 密钥编号")]) -> None:
    """吊销密钥 · Revoke a key for ever."""
    with _store() as database:
        if access_keys.revoke(database, id_, now()) is None:
            raise CommandError("There is no such key: see `hotline keys list`. 没有这个密钥。")
        typer.echo("revoked · 已吊销")


def first_key(database: Database) -> str | None:
    """Make the first admin key; None if some key opens everything already."""
    at = now()
    if any(key.opens(at) and "admin" in key.scopes for key in access_keys.all_keys(database)):
        return None
    _, text = create(database, at, label="first start 首次启动", scopes=("admin",))
    return text


@contextmanager
def _store() -> Iterator[Database]:
    try:
        database = current_engine(load_settings()).database
        try:
            yield database
        finally:
            database.close()
    except EXPECTED as error:
        end_with(error)
