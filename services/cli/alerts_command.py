"""`hotline alerts`: what was told, and whom a rule would tell of now; asked of a running service."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Final

import httpx
import typer

from services.cli import policy_documents
from services.cli.errors import EXPECTED, CommandError
from services.web.connection import Connection, no_answer
from services.web.problems import MEDIA_TYPE

alerts_app = typer.Typer(help="Alerts. 预警", no_args_is_help=True)

_HERE: Final = "http://127.0.0.1:8000"
_SHOWN: Final = (
    "rank", "score", "margin", "share", "peers", "highest", "lowest", "hours", "due", "times",
    "orders", "more_orders",
)  # fmt: skip

Answer = dict[str, Any]
Url = Annotated[str, typer.Option(help="The running service. 服务地址")]


@alerts_app.command("list")
def list_alerts(
    unit: Annotated[str | None, typer.Option(help="Code of a unit. 单位代码")] = None,
    rule: Annotated[str | None, typer.Option(help="Such as bottom_entered. 规则")] = None,
    limit: Annotated[int, typer.Option(min=1, max=500, help="How many. 条数")] = 20,
    url: Url = _HERE,
) -> None:
    """预警记录 · List alerts, the last one first, with why one was not pushed."""
    wanted = {"unit": unit, "rule": rule, "limit": limit}
    try:
        found = ask(
            "GET", "/v1/alerts", url, params={k: v for k, v in wanted.items() if v is not None}
        )
    except EXPECTED as error:
        typer.echo(f"hotline: {error}", err=True)
        raise typer.Exit(1) from None
    for alert in found["alerts"]:
        typer.echo(alert_line(alert))
    if not found["alerts"]:
        typer.echo("无预警 no alerts")


@alerts_app.command("test")
def try_rule(
    rule: Annotated[str, typer.Argument(help="Name of the rule in the policy. 规则名称")],
    policy: Annotated[
        Path | None, typer.Option(help="Policy file to take the rule from. 考核办法文件")
    ] = None,
    url: Url = _HERE,
) -> None:
    """试运行预警规则 · Tell whom a rule would tell of now, and why. Nothing is stored or sent."""
    try:
        text = None if policy is None else policy_documents.read_document(str(policy))
        found = ask("POST", "/v1/alerts/trial", url, json={"rule": rule, "policy": text})
    except EXPECTED as error:
        typer.echo(f"hotline: {error}", err=True)
        raise typer.Exit(1) from None
    for line in trial_lines(found):
        typer.echo(line)


def ask(method: str, path: str, url: str, **content: Any) -> Answer:
    """Put a question to a service.

    Raises:
        AddressError: ``url`` is no http address.
        CommandError: no service, or it refuses.
    """
    with Connection(url) as service:
        try:
            answer = service.http.request(method, f"{service.url}{path}", **content)
        except httpx.TransportError as error:
            raise CommandError(no_answer(service.url, error)) from error
    if answer.status_code == httpx.codes.OK:
        found: Answer = answer.json()
        return found
    if answer.headers.get("content-type") != MEDIA_TYPE:
        raise CommandError(
            f"{service.url} answers {answer.status_code}; is it this service? 该地址不是本服务。"
        )
    refused = answer.json()
    lines = [
        f"{refused['title']}: {refused['detail']} {refused['title_zh']}：{refused['detail_zh']}"
    ]
    lines += [f"  {error['detail']}" for error in refused.get("errors", ())]
    raise CommandError("\n".join(lines))


def alert_line(alert: Answer) -> str:
    """One alert in a line."""
    unit, evidence = alert["unit"], alert["evidence"]
    shown = ", ".join(f"{name} {_text(evidence[name])}" for name in _SHOWN if name in evidence)
    why = f" [{alert['withheld']}]" if alert["withheld"] else ""
    noted = " ✓" if alert["acknowledgements"] else ""
    return (
        f"{alert['as_of']} {alert['name']} {unit['name'] or unit['code']} ({unit['code']})"
        f" {alert['window']['name']} {shown}{why}{noted}"
    )


def _text(value: Any) -> str:
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)


def trial_lines(found: Answer) -> list[str]:
    """What a trial found, list by list."""
    to = ", ".join(found["recipients"])
    lines = [f"{found['name']} ({found['rule']}) {found['as_of']}, 告知 to: {to}"]
    for listed in found["lists"]:
        group = f" {listed['group']}" if listed["group"] else ""
        lines.append(
            f"{listed['kind']}{group}, {listed['window']['name']}: 参评 ranked {listed['ranked']},"
            f" 满足 meet it {len(listed['units'])}"
        )
        for each in listed["units"]:
            unit = each["unit"]
            why = ", ".join(f"{name} {_text(value)}" for name, value in each["evidence"].items())
            place = "-" if each["rank"] is None else f"{each['rank']}, {each['score']}"
            lines.append(
                f"  {unit['name'] or unit['code']} ({unit['code']}) {place} {why}".rstrip()
            )
    return lines
