"""How far the simulation is, on the terminal."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

from schemas.instants import SECOND, to_datetime
from services.cli.simulate.demand import ZONE
from services.cli.simulate.sending import Progress as Step


class Display:
    """A bar for the past, a line for the present. Lines only, where there is no terminal."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._bars = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(bar_width=30),
            TextColumn("{task.fields[when]}  {task.fields[sent]:,} 事件 events"),
            TimeElapsedColumn(),
            console=console,
        )
        self._history: TaskID | None = None
        self._live: TaskID | None = None
        self._last: dict[bool, Step] = {}

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bars.stop()

    def summary(self) -> str:
        """How many events were sent, and how many of them the service did not know."""
        sent = sum(step.sent for step in self._last.values())
        new = sum(step.new for step in self._last.values())
        return f"已发送 sent {sent:,} · 新增 new {new:,}"

    def show(self, step: Step) -> None:
        """Show where the simulation is."""
        self._last[step.live] = step
        when = f"{to_datetime(step.reached).astimezone(ZONE):%Y-%m-%d %H:%M}"
        if step.live:
            if self._live is None:
                self._live = self._bars.add_task("实时 live", total=None, when=when, sent=0)
            self._bars.update(self._live, when=when, sent=step.sent)
            return
        total = (step.ends_at - step.begins_at) / SECOND
        done = (step.reached - step.begins_at) / SECOND
        if self._history is None:
            self._history = self._bars.add_task("历史 history", total=total, when=when, sent=0)
        self._bars.update(self._history, completed=done, when=when, sent=step.sent)
