"""A person's readings as files: for each output CSV and JSON lines, and one JSON file about all.

In: where rows lie, and a store. Out: files in a new folder, and what the page draws. Nothing in
them depends on when they are made, but for what has ended meanwhile: equal rows, equal digest.
"""

import csv
import json
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from office.erasure.of_person import OfPerson
from policy.compiled import CompiledPolicy
from policy.plan.columns import columns_of
from policy.plan.plan import Output
from roadfade.person.evidence import kept_evidence
from roadfade.person.held import Held, Rows, rows
from roadfade.person.scope import Scope
from sinks.port.selection import FoundRow
from telemetry.instants import format_instant

FORMAT: Final = 1
COLUMNS: Final = ("vehicle", "time", "signal", "value", "unit", "kept_until", "policy_version")
DRAWN_MAX: Final = 20_000
"""Readings of an output that the page draws: the newest. The files have all of them."""
RUN: Final = ("=", "+", "-", "@", "\t", "\r", "\n")
"""What a spreadsheet takes for a formula begins with one of these."""
TOLD_EVERY: Final = 10_000
"""Rows after which progress is told."""

Tell = Callable[[int], None]
"""Takes how many rows more are written."""


@dataclass(slots=True)
class ExportedOutput:
    """What was written of one output. Its repr is never to be printed."""

    output: Output
    readings: int = 0
    first_ms: int | None = None
    last_ms: int | None = None
    ends_ms: int | None = None
    """When the last of its readings ends."""
    files: dict[str, str] = field(default_factory=dict)
    """SHA-256 of each file by its name."""
    drawn: deque[FoundRow] = field(default_factory=lambda: deque(maxlen=DRAWN_MAX))

    def note(self, row: FoundRow) -> None:
        """One more reading."""
        self.readings += 1
        self.first_ms = row.t_ms if self.first_ms is None else min(self.first_ms, row.t_ms)
        self.last_ms = row.t_ms if self.last_ms is None else max(self.last_ms, row.t_ms)
        self.ends_ms = row.expires_ms if self.ends_ms is None else max(self.ends_ms, row.expires_ms)
        self.drawn.append(row)


def write_output(
    folder: Path, held: Held, output: Output, store: Rows, now_ms: int, tell: Tell
) -> ExportedOutput:
    """Write an output's rows into ``readings/<output>.csv`` and ``.jsonl``. Blocks."""
    done = ExportedOutput(output)
    names = [f"readings/{output.id}.csv", f"readings/{output.id}.jsonl"]
    with ExitStack() as open_files:
        table, lines = (
            open_files.enter_context((folder / name).open("w", encoding="utf-8", newline=""))
            for name in names
        )
        writer = csv.writer(table)
        writer.writerow(COLUMNS)
        for number, row in rows(store, held.of(output), now_ms):
            told = _told(number, row)
            writer.writerow([_cell(value) for value in told.values()])
            lines.write(json.dumps(told, ensure_ascii=False, separators=(",", ":")) + "\n")
            done.note(row)
            if done.readings % TOLD_EVERY == 0:
                tell(TOLD_EVERY)
    tell(done.readings % TOLD_EVERY)
    done.files = {name: _digest(folder / name) for name in names}
    return done


def _told(number: int, row: FoundRow) -> dict[str, Any]:
    """A reading without its pseudonym: that would lead whoever has it to what others keep."""
    value = row.text if row.number is None else row.number
    told = (
        number,
        format_instant(row.t_ms),
        row.signal,
        value,
        row.unit,
        format_instant(row.expires_ms),
        row.policy_version,
    )
    return dict(zip(COLUMNS, told, strict=True))


def _cell(value: object) -> object:
    """As the table has it: a text that a spreadsheet would run is marked as a text by ``'``.

    The JSON lines have it as it is.
    """
    if isinstance(value, str) and value.startswith(RUN):
        return f"'{value}"
    return "" if value is None else value


def _digest(file: Path) -> str:
    with file.open("rb") as stream:
        digest = sha256()
        while some := stream.read(1 << 20):
            digest.update(some)
    return digest.hexdigest()


def about(
    scope: Scope,
    person: OfPerson,
    held: Held,
    exported: Iterable[ExportedOutput],
    policy: CompiledPolicy,
) -> dict[str, Any]:
    """``person.json``: whose vehicles when, what was agreed to, and what each file holds."""
    body = {
        "format": FORMAT,
        "policy": f"{policy.plan.policy} {policy.plan.policy_version}",
        "asked": {
            "from": _instant(scope.from_ms),
            "to": _instant(scope.to_ms),
            "purposes": sorted(scope.purposes),
            "one_vehicle": scope.device is not None,
        },
        "vehicles": [
            {
                "vehicle": number,
                "from": _instant(link.from_ms),
                "to": _instant(link.to_ms),
                "role": link.role,
            }
            for number, link in enumerate(person.links, 1)
        ],
        "consents": [
            {
                "purpose": one.purpose,
                "ground": one.basis,
                "recipient": one.recipient,
                "notice": one.notice,
                "from": _instant(one.from_ms),
                "to": _instant(one.to_ms),
                "secret_number": person.nonces[one.consent].hex()
                if one.consent in person.nonces
                else None,
            }
            for one in person.consents
        ],
        "evidence_kept": kept_evidence(policy.plan).facts(),
        "outputs": [_output(one, policy) for one in exported],
        "cannot_be_found": [
            {"purpose": purpose, "recipient": recipient, "epoch": epoch}
            for purpose, recipient, epoch in sorted(held.unlocatable)
        ],
    }
    text = json.dumps(body, ensure_ascii=False, sort_keys=True)
    return body | {"digest": sha256(text.encode()).hexdigest()}


def _output(one: ExportedOutput, policy: CompiledPolicy) -> dict[str, Any]:
    output = one.output
    page = policy.document.pages.get(output.purpose)
    who = None if page is None else next(r for r in page.recipients if r.id == output.recipient)
    return {
        "output": output.id,
        "purpose": output.purpose,
        "title": None if page is None else page.title.model_dump(),
        "recipient": output.recipient,
        "who": None if who is None else who.who.model_dump(),
        "countries": [] if who is None else list(who.countries),
        "source": "vehicle",
        "kinds": _kinds(policy, output),
        "readings": one.readings,
        "first": _instant(one.first_ms),
        "last": _instant(one.last_ms),
        "kept_until": _instant(one.ends_ms),
        "files": one.files,
    }


def _kinds(policy: CompiledPolicy, output: Output) -> list[Mapping[str, Any]]:
    """What is kept of each signal under the version in force: how it is treated, how long."""
    if output not in policy.plan.outputs:
        return []  # of an earlier version: its rows say when they end
    return [
        {
            "signal": column.path,
            "category": column.rule.category,
            "unit": column.unit,
            "treatment": column.treatment,
            "ground": str(column.rule.basis.kind),
            "kept_at_most": str(column.lane.period),
            "counted_from": column.lane.trigger,
        }
        for column in columns_of(policy.plan, output)
    ]


def _instant(at_ms: int | None) -> str | None:
    return None if at_ms is None else format_instant(at_ms)
