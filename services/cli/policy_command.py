"""`hotline policy`: the rules of a running service."""

from __future__ import annotations

from typing import Annotated, Any, Final

import httpx
import typer

from services.cli import policy_documents
from services.cli.errors import EXPECTED, CommandError, end_with
from services.web.connection import Connection, no_answer
from services.web.problems import MEDIA_TYPE

policy_app = typer.Typer(help="The assessment policy. 考核办法", no_args_is_help=True)

policy_app.command("check")(policy_documents.check)
policy_app.command("show")(policy_documents.show)
policy_app.command("diff")(policy_documents.diff)
policy_app.command("presets")(policy_documents.list_presets)

_YAML: Final = "application/yaml"

Url = Annotated[str, typer.Option(help="The running service. 服务地址")]


@policy_app.command("activate")
def activate(
    policy: Annotated[str, typer.Argument(help="YAML file, or a preset. 文件或内置办法名")],
    url: Url = "http://127.0.0.1:8000",
    calendar: Annotated[
        str, typer.Option(help="Calendar file, put into the policy. 日历文件")
    ] = "",
) -> None:
    """启用考核办法 · Put a policy in force in a running service.

    The service evaluates all stored orders again while events keep arriving. Its numbers stay
    those of the present policy until the new ones are complete, and then change once.
    """
    try:
        answer = send_policy(policy, url, calendar)
    except EXPECTED as error:
        end_with(error)
    typer.echo(
        f"policy {answer['id']} version {answer['version']} is number {answer['ruleset']}, "
        f"{answer['state']}; progress: {url.rstrip('/')}/v1/policies · 已受理，编号 "
        f"{answer['ruleset']}，状态 {answer['state_zh']}"
    )


def send_policy(policy: str, url: str, calendar: str) -> dict[str, Any]:
    """Send a policy to a service; return its answer (docs/api.md).

    Raises:
        AddressError: ``url`` is no http address.
        CommandError: no such file, no service, or it refuses: then each mistake has its line.
        PolicyError: policy or calendar have mistakes.
    """
    text = policy_documents.read_document(policy)
    if calendar:
        text = policy_documents.read_policy(policy, calendar=calendar).document
    with Connection(url) as service:
        try:
            answer = service.http.post(
                f"{service.url}/v1/policies",
                content=text.encode(),
                headers={"content-type": _YAML},
            )
        except httpx.TransportError as error:
            raise CommandError(no_answer(service.url, error)) from error
        if answer.status_code == httpx.codes.ACCEPTED:
            accepted: dict[str, Any] = answer.json()
            return accepted
        raise CommandError(_refused(service.url, answer))


def _refused(url: str, answer: httpx.Response) -> str:
    if answer.headers.get("content-type") != MEDIA_TYPE:
        return f"{url} answers {answer.status_code}; is it this service? 该地址不是本服务。"
    problem = answer.json()
    lines = [mistake["detail"] for mistake in problem.get("errors", ())]
    return "\n".join([f"{problem['title']}. {problem['title_zh']}。", *lines])
