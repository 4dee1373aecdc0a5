"""What the City of Boston says itself about its orders of 2015: the official labels."""

from __future__ import annotations

import csv
import gzip
from collections import Counter
from pathlib import Path
from typing import Final, NamedTuple

from schemas.instants import parse_instant

EXCERPT: Final = Path(__file__).parents[1] / "data" / "boston_311_excerpt.csv"
FULL: Final = Path(__file__).parents[3] / "shared" / "data" / "boston_311_2015_slim.csv.gz"
LABELS_AT: Final = parse_instant("2016-01-13T00:00:00-05:00")
"""When the labels were true: the export of the file, midnight in Boston."""


class Labels(NamedTuple):
    """Of the labelled orders with a target: closed and on time by neighborhood, overdue by id."""

    closed: Counter[str]
    on_time: Counter[str]
    overdue: frozenset[str]


def labels(path: Path) -> Labels:
    """Read the labels; nothing is computed from times."""
    closed: Counter[str] = Counter()
    on_time: Counter[str] = Counter()
    overdue: set[str] = set()
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if not row["OnTime_Status"] or not row["TARGET_DT"]:
                continue
            unit = row["neighborhood"] or "(none)"
            if row["CASE_STATUS"] == "Closed":
                closed[unit] += 1
                on_time[unit] += row["OnTime_Status"] == "ONTIME"
            elif row["OnTime_Status"] == "OVERDUE":
                overdue.add(row["CASE_ENQUIRY_ID"])
    return Labels(+closed, +on_time, frozenset(overdue))
