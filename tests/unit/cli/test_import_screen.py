"""What a person sees when an import is done."""

from __future__ import annotations

import io

from rich.console import Console

from services.cli.import_screen import print_lines
from services.ingest.importing.report import Line, Report


def test_a_missing_order_is_named_and_a_rejected_row_has_its_number() -> None:
    report = Report(None)
    report.add(Line(7, "街道", "missing_value"))
    report.add(Line(0, "工单编号", "missing_order", order="GD-0042"))
    screen = io.StringIO()

    print_lines(Console(file=screen, width=200), report, None)

    rejected, missing = (
        next(line for line in screen.getvalue().splitlines() if reason in line)
        for reason in ("missing_value", "missing_order")
    )
    assert [cell.strip() for cell in rejected.split("│")[1:4]] == ["7", "街道", ""]
    assert [cell.strip() for cell in missing.split("│")[1:4]] == ["", "工单编号", "GD-0042"]
