"""A file of events, as JSON lines: for a command at the office, and for the topic.

In: a file. Out: its events, or a refusal that names a line and quotes nothing of it.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

from roadfade.refusal import Refusal
from telemetry.identity import DeviceId, SubjectId
from telemetry.instants import parse_instant

LINES_MAX: Final = 100_000
"""Events in one file; more are given in several."""
FIELDS: Final = frozenset({"kind", "at", "subject", "device"})
ID: Final = "id"
"""A field of events for the topic alone: the sender's own id."""


class FileEvent(NamedTuple):
    """One line. Its repr is never to be printed."""

    where: str
    """File and line, for a refusal."""
    kind: str
    at: str
    """As it is written: RFC 3339 with a zone."""
    at_ms: int
    subject: SubjectId | None
    device: DeviceId | None
    id: str | None = None


def read_events(file: Path, *, with_ids: bool = False) -> Iterator[FileEvent]:
    """Every event; Refusal if the file, or a line of it, cannot be read.

    ``with_ids``: whether a line may say its id.
    """
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        msg = f"{file} cannot be read ({type(error).__name__}): name a file of JSON lines in UTF-8"
        raise Refusal(msg) from None
    if len(lines) > LINES_MAX:
        msg = f"{file} has {len(lines):,} lines, and {LINES_MAX:,} are taken at once: split it"
        raise Refusal(msg)
    fields = FIELDS | {ID} if with_ids else FIELDS
    for number, line in enumerate(lines, 1):
        if line.strip():
            yield _event(line, f"{file}, line {number}", fields)


def _event(line: str, where: str, fields: frozenset[str]) -> FileEvent:
    # What it holds is not repeated: a line names a person.
    try:
        told: Any = json.loads(line)
        if not isinstance(told, dict) or told.keys() - fields:
            raise ValueError  # noqa: TRY301  # one answer for all that is wrong
        at_ms = parse_instant(told["at"])
        subject, device, own = (told.get(name) for name in ("subject", "device", ID))
        if not all(isinstance(one, str | None) for one in (subject, device, own)):
            raise TypeError  # noqa: TRY301  # as above
        return FileEvent(
            where,
            str(told["kind"]),
            told["at"],
            at_ms,
            None if subject is None else SubjectId(subject),
            None if device is None else DeviceId(device),
            own,
        )
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError):
        msg = (
            f'{where}: no event; write {{"kind": "contract_end", "at": "2026-11-23T09:00:00Z", '
            '"subject": "…"}, or "device" in place of "subject"'
        )
        raise Refusal(msg) from None
