"""What ``hotline explain`` prints: sentences first, then how it came about."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from services.domain.words import Text as Word

_MARKS: Final = {
    "for": ("✓", "green"),
    "partly": ("◐", "yellow"),
    "against": ("✗", "red"),
    "out": ("–", "dim"),
    "composed": ("Σ", "dim"),
}
_WHY: Final = Word("为什么算 / 不算", "Why it counts, or does not")
_DEADLINES: Final = Word("当前期限", "Deadlines in force")
_STEPS: Final = Word("经过", "Step by step")
_AS_OF: Final = Word("截至", "as of")
_POLICY: Final = Word("考核办法", "policy")
_LATER: Final = Word("尚未发生", "not yet")
_NOW: Final = Word("当前", "now")

_Told = Mapping[str, Any]


def show(found: _Told, languages: Sequence[str]) -> None:
    """Print an answer of the service in one language or both."""
    console = Console(highlight=False)
    policy = found["policy"]
    console.print(Text(found["id"], "bold"))
    console.print(
        Text(
            f"{_said(_AS_OF, languages)} {_moment(found['as_of'])} · "
            f"{_said(_POLICY, languages)} {policy['id']} {found['version']}"
        )
    )
    name, unit = found["state_name"], found["unit"]
    parts = [name[language] for language in languages]
    if unit:
        parts.append(f"{unit['name']} {unit['code']}".strip())
    console.print(Text(" · ".join(parts)))
    _print(console, found["headline"], languages)
    console.print(Text(f"\n{_said(_WHY, languages)}", "bold"))
    for sentence in found["sentences"]:
        mark, style = _MARKS[sentence["verdict"]]
        _print(console, sentence, languages, mark, style)
    if found["deadlines"]:
        console.print(Text(f"\n{_said(_DEADLINES, languages)}", "bold"))
        for deadline in found["deadlines"]:
            _print(console, deadline, languages, "·")
    console.print(Text(f"\n{_said(_STEPS, languages)}", "bold"))
    for step in found["steps"]:
        _show_step(console, step, languages)


def _show_step(console: Console, step: _Told, languages: Sequence[str]) -> None:
    head = Text(_moment(step["at"]), "cyan" if not step["later"] else "dim")
    if step["later"]:
        head.append(f"  {_said(_LATER, languages)}", "dim")
    elif step["in_force"]:
        head.append(f"  {_said(_NOW, languages)}", "green")
    console.print(head)
    for mark, style, told in _lines(step):
        _print(console, told, languages, mark, style, indent=2)


def _lines(step: _Told) -> Iterator[tuple[str, str, _Told]]:
    """Mark, style and text of what a step tells, in its order."""
    for event in step["events"]:
        yield "●", "bold", {"zh": event["type_zh"], "en": event["type_en"]}
        for line in event["lines"]:
            yield " ", "", line
    for passed in step["passed"]:
        yield "●", "bold red", passed
    for deadline in step["deadlines"]:
        yield "⏱", "", deadline
    for contribution in step["ended"]:
        yield "−", "dim", contribution
    for contribution in step["began"]:
        yield "+", "green", contribution


def _print(  # noqa: PLR0917 - a line and how it looks
    console: Console,
    told: _Told,
    languages: Sequence[str],
    mark: str = "",
    style: str = "",
    indent: int = 0,
) -> None:
    """One line for each language; the second one is paler and hangs below the first."""
    for number, language in enumerate(languages):
        begins = (mark if number == 0 else " ") + " " if mark else ""
        line = Text(begins + told[language], style if number == 0 else "dim")
        if console.is_terminal:
            console.print(Padding(line, (0, 0, 0, indent)))
        else:  # into a file: one line, however long
            console.print(Text(" " * indent).append_text(line), soft_wrap=True)


def _said(word: Word, languages: Sequence[str]) -> str:
    return " · ".join(word.zh if language == "zh" else word.en for language in languages)


def _moment(text: str) -> str:
    return text[:19].replace("T", " ")
