from __future__ import annotations

import csv
import io
from pathlib import Path

from services.ingest.importing.report import HEADER, SENTENCES, Line, Report


def test_lines_become_csv_with_a_sentence_in_both_languages() -> None:
    file = io.StringIO()
    report = Report(file)
    report.add(Line(7, "街道", "missing_value"))
    report.add(Line(8, "unit", "invalid_field", "Too long.", "过长。"))
    report.add(Line(0, "id", "missing_order", order="=1+1"))
    assert list(csv.reader(io.StringIO(file.getvalue()))) == [
        list(HEADER),
        ["7", "街道", "missing_value", *SENTENCES["missing_value"], ""],
        ["8", "unit", "invalid_field", "Too long.", "过长。", ""],
        ["", "id", "missing_order", *SENTENCES["missing_order"], "'=1+1"],
    ]


def test_the_first_lines_are_kept_for_the_screen() -> None:
    report = Report(None)
    for row in range(2, 100):
        report.add(Line(row, "unit", "missing_value"))
    assert [line.row for line in report.first] == list(range(2, 2 + Report.SHOWN))
    assert report.count == 98


def test_every_reason_is_documented() -> None:
    text = (Path(__file__).parents[3] / "docs" / "import.md").read_text("utf-8")
    for reason, (english, chinese) in SENTENCES.items():
        assert f"| `{reason}` | {english} | {chinese} |" in text
