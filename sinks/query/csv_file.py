"""A query's result as a CSV file: RFC 4180, UTF-8, times as RFC 3339 in UTC with ``Z``."""

import csv
from datetime import UTC, datetime
from pathlib import Path

from sinks.query.session import Result
from telemetry.instants import format_instant, to_ms


def write_csv(result: Result, path: Path) -> int:
    """Write header and rows, replacing the file; how many rows. A NULL is an empty field."""
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(result.columns)
        for row in result.rows:
            writer.writerow([_field(value) for value in row])
    return len(result.rows)


def _field(value: object) -> object:
    if isinstance(value, datetime):
        return format_instant(to_ms(value.replace(tzinfo=UTC)))
    return value
