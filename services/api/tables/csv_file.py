"""A table as CSV in UTF-8 with a byte order mark, without which Excel shows no Chinese."""

from __future__ import annotations

import csv
from decimal import Decimal
from io import StringIO

from services.api.tables.table import Table, plain


def csv_bytes(table: Table) -> bytes:
    """Headings, then rows; what the table is about stands in columns of its own behind them.

    So every row can be read alone, and files of several windows can be put under each other.
    """
    labels = [label for label, _ in table.about]
    values = [plain(value) for _, value in table.about]
    text = StringIO()
    writer = csv.writer(text)
    writer.writerow([*table.headings, *labels])
    for row in table.rows:
        writer.writerow([*(f"{c:f}" if isinstance(c, Decimal) else plain(c) for c in row), *values])
    return b"\xef\xbb\xbf" + text.getvalue().encode()
