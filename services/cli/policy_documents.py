"""`hotline policy check`, `show`, `diff` and `presets`: policies as texts, without changing any."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Final

import httpx
import typer
from rich.console import Console
from rich.table import Table

from schemas.instants import from_datetime
from services.cli.engine import calendar_text
from services.cli.errors import EXPECTED, CommandError
from services.cli.policy_words import (
    attribution_text,
    cycle_text,
    duration_text,
    match_text,
    notes_text,
    numerator_text,
    other_rules,
    period_text,
    ranking_text,
    score_text,
    source_text,
    worth_text,
)
from services.cli.units_command import read_text
from services.domain.policy import Policy, PolicyError, Rules, load_policy, preset, presets
from services.domain.policy_diff import Change, counts_alike, differences
from services.web.connection import Connection, no_answer

CURRENT: Final = "current"
_DAYS_AHEAD: Final = 90  # in which deadlines must be known
_STYLES: Final = {"added": ("+", "green"), "removed": ("−", "red"), "changed": ("~", "yellow")}

Url = Annotated[
    str, typer.Option(help="The running service, for `current`. 服务地址，用于 current")
]
_NAMED: Final = (
    "Preset, YAML file, or `current` for that of a running service. 内置办法名、文件或 current"
)


def check(
    policy: Annotated[str, typer.Argument(help="YAML file, or a preset. 文件或内置办法名")],
    calendar: Annotated[
        str, typer.Option(help="Calendar file instead of the policy's. 日历文件")
    ] = "",
) -> None:
    """检查考核办法 · Read a policy and name every mistake with its line. Exit code 1: it has some."""
    with _said_plainly():
        found = read_policy(policy, calendar=calendar)
        console = _console()
        console.print("考核办法有效 · The policy is good", style="green")
        _print_head(console, found)
        for warning in warnings(found, datetime.now(found.time_zone).date()):
            console.print(warning, style="yellow")


def show(
    policy: Annotated[str, typer.Argument(help=_NAMED)],
    version: Annotated[
        str | None, typer.Option(help="Only this version; else the one in force. 版本")
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="All versions as JSON, defaults included. 输出 JSON")
    ] = False,
    url: Url = "http://127.0.0.1:8000",
) -> None:
    """显示考核办法 · The rules of a policy as people read them."""
    with _said_plainly():
        found = read_policy(policy, url)
        rules = _version(found, version)
        if as_json:
            typer.echo(_as_json(found))
            return
        console = _console()
        _print_head(console, found)
        _print_rules(console, rules)


def diff(
    before: Annotated[str, typer.Argument(help=_NAMED)],
    after: Annotated[str, typer.Argument(help=_NAMED)],
    as_json: Annotated[bool, typer.Option("--json", help="As JSON. 输出 JSON")] = False,
    url: Url = "http://127.0.0.1:8000",
) -> None:
    """比较考核办法 · What differs between two policies, by path. Exit code 1: they differ."""
    with _said_plainly():
        old, new = read_policy(before, url), read_policy(after, url)
        found = differences(old, new)
        if as_json:
            typer.echo(json.dumps([change._asdict() for change in found], ensure_ascii=False))
        elif found:
            console = _console()
            for change in found:
                console.print(_line(change), style=_STYLES[change.kind][1])
            console.print(_consequence(old, new))
        else:
            typer.echo("没有差异 · no difference")
    if found:
        raise typer.Exit(1)


def list_presets() -> None:
    """列出内置办法 · The policies that ship with the project."""
    table = _grid()
    for name in presets():
        found = load_policy(preset(name))
        table.add_row(name, f"{found.name_zh} · {found.name_en}")
    _console().print(table)


def read_policy(name: str, url: str = "", calendar: str = "") -> Policy:
    """Read a preset, a file, or with ``url`` the policy that a service calls current.

    ``calendar`` is the path of a calendar file that replaces the policy's own.

    Raises:
        AddressError: ``url`` is no http address.
        CommandError: there is no such policy or service.
        PolicyError: it has mistakes; each has its line.
    """
    text = read_document(name, url)
    try:
        return load_policy(text, calendar=calendar_text(calendar))
    except PolicyError as error:
        raise PolicyError(f"{name}: the policy has mistakes. 考核办法有误：\n{error}") from None


def read_document(name: str, url: str = "") -> str:
    """The text of what `read_policy` reads, unchecked.

    Raises:
        AddressError: ``url`` is no http address.
        CommandError: there is no such policy or service.
    """
    if name in presets():
        return preset(name)
    if name == CURRENT and url:
        return _current(url)
    return read_text(
        Path(name),
        f"There is no policy {name!r}: name a preset ({', '.join(presets())}) or the path of a "
        f"policy file. 没有这个考核办法，可用：{'、'.join(presets())}。",
    )


def warnings(policy: Policy, today: date) -> Iterator[str]:
    """Years without a known calendar that deadlines may need soon."""
    for year in policy.unknown_years(today, _DAYS_AHEAD):
        yield (
            f"Deadlines of the next {_DAYS_AHEAD} days need the working days of {year}, which are not "
            f"known: list them under calendar, or update chinesecalendar. {year} 年工作日未知，"
            "请在 calendar 中补充或更新节假日数据。"
        )


def _current(url: str) -> str:
    with Connection(url) as service:
        try:
            answer = service.http.get(f"{service.url}/v1/policy")
        except httpx.TransportError as error:
            raise CommandError(no_answer(service.url, error)) from error
    if answer.status_code != httpx.codes.OK:
        raise CommandError(
            f"{service.url} answers {answer.status_code}; is it this service? 该地址不是本服务。"
        )
    return str(answer.json()["document"])


def _version(policy: Policy, name: str | None) -> Rules:
    if name is None:
        return policy.at(from_datetime(datetime.now(policy.time_zone)))
    for rules in policy.versions:
        if rules.version == name:
            return rules
    known = ", ".join(dict.fromkeys(rules.version for rules in policy.versions))
    raise CommandError(
        f"There is no such version; there are {known}. 没有这个版本，可用：{known}。"
    )


def _as_json(policy: Policy) -> str:
    documents = {id(rules.document): rules.document for rules in policy.versions}
    content = policy.header.model_dump(mode="json", by_alias=True)
    content["versions"] = [
        document.model_dump(mode="json", by_alias=True) for document in documents.values()
    ]
    return json.dumps(content, ensure_ascii=False, indent=2)


def _print_head(console: Console, policy: Policy) -> None:
    table = _grid()
    table.add_row("办法 policy", f"{policy.id}  {policy.name_zh} · {policy.name_en}")
    table.add_row("校验和 checksum", policy.checksum)
    table.add_row("周期 cycle", f"{cycle_text(policy.cycle)}; {policy.time_zone.key}")
    table.add_row(
        "工作日 working days", f"已知至 known until {policy.working_days.known_until():%Y-%m-%d}"
    )
    documents = {id(rules.document): rules.document for rules in policy.versions}
    for document in documents.values():
        dates = period_text(document.effective.from_, document.effective.to)
        codes = ", ".join(document.indicators)
        table.add_row(f"版本 version {document.version}", f"{dates}: {codes}")
    console.print(table)


def _print_rules(console: Console, rules: Rules) -> None:
    document = rules.document
    dates = period_text(document.effective.from_, document.effective.to)
    console.print(f"\n版本 version {rules.version}: {dates}", style="bold")
    indicators = _table(
        "指标 Indicators", "指标 indicator", "分母 denominator", "计入 booked", "分子 numerator",
        "分值 worth", "说明 notes",
    )  # fmt: skip
    for indicator in rules.indicators:
        content = indicator.document
        indicators.add_row(
            f"{indicator.name_zh}\n{indicator.name_en}\n{indicator.code}",
            source_text(content),
            attribution_text(content),
            numerator_text(content),
            worth_text(indicator.code, document.score),
            notes_text(content),
        )
    console.print(indicators)
    if document.deadlines:
        deadlines = _table(
            "时限 Deadlines", "", "工单 orders", "签收 sign", "联系 contact", "办结 resolve"
        )
        for number, entry in enumerate(document.deadlines, start=1):
            steps = (duration_text(step) for step in (entry.sign, entry.contact, entry.resolve))
            deadlines.add_row(str(number), match_text(entry), *steps)
        console.print(deadlines)
    others = _grid("其他 Other rules")
    others.add_row("score 得分", score_text(document.score))
    others.add_row("ranking 排名", ranking_text(document.ranking))
    for key, text in other_rules(document):
        others.add_row(key, text)
    console.print(others)


def _grid(title: str | None = None) -> Table:
    table = Table(box=None, show_header=False, title=title, title_justify="left")
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    return table


def _table(title: str, *headers: str) -> Table:
    table = Table(title=title, title_justify="left")
    for header in headers:
        table.add_column(header, overflow="fold")
    return table


def _line(change: Change) -> str:
    version = f"[{change.version}] " if change.version else ""
    path = change.path or "整个版本 the whole version"
    values = {
        "added": change.after,
        "removed": change.before,
        "changed": f"{change.before} → {change.after}",
    }
    text = f": {values[change.kind]}" if change.path else ""
    return f"{_STYLES[change.kind][0]} {version}{path}{text}"


def _consequence(before: Policy, after: Policy) -> str:
    if counts_alike(before, after):
        return "工单计数不变，仅影响得分、排名或名称 · orders count alike; scores, rankings or names differ"
    return (
        "工单将重新计数 · orders count otherwise: they are evaluated again when this is activated"
    )


def _console() -> Console:
    return Console(markup=False, highlight=False, soft_wrap=True)


@contextmanager
def _said_plainly() -> Iterator[None]:
    """Answer an expected failure with its sentence and exit code 1."""
    try:
        yield
    except EXPECTED as error:
        typer.echo(f"hotline: {error}", err=True)
        raise typer.Exit(1) from None
