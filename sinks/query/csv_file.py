"""A query's result as a CSV file: RFC 4180, UTF-8, times as RFC 3339 in UTC with ``Z``."""

import csv
from pathlib import Path

from sinks.query.session import Result
from sinks.query.values import text_value


def write_csv(result: Result, path: Path) -> int:
    """Write header and rows, replacing the file; how many rows. A NULL is an empty field."""
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(result.columns)
        writer.writerows(map(text_value, row) for row in result.rows)
    return len(result.rows)
