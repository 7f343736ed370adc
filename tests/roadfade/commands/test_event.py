"""Events from the command line and from a file; nobody's id comes back."""

import asyncio
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from office.store.database import make_office
from roadfade.cli import app
from roadfade.commands.office_desk import OfficeDesk
from telemetry.instants import parse_instant

NOW_MS = parse_instant("2026-11-30T00:00:00Z")
DONGLE = "dongle-of-nobody"
ANA = "ana-the-subject"
AT = "2026-11-01T00:00:00Z"


class Office:
    def __init__(self, folder: Path) -> None:
        file = folder / "office.sqlite"
        asyncio.run(make_office(file))
        self._desk = OfficeDesk(file, dict, lambda: NOW_MS)

    def __call__(self, *words: str) -> Result:
        result = CliRunner().invoke(app, list(words), obj=self._desk, catch_exceptions=False)
        for identifier in (DONGLE, ANA):
            assert identifier not in result.output
        return result


@pytest.fixture
def office(tmp_path: Path) -> Office:
    made = Office(tmp_path)
    made("register", "--device", DONGLE, "--subject", ANA, "--from", "2026-01-01T00:00:00Z")
    return made


def test_a_contracts_end_is_recorded_listed_and_taken_back(office: Office) -> None:
    done = office("event", "record", "contract_end", "--subject", ANA, "--at", AT)
    row = done.stdout.split()[1]
    assert done.stdout == f"recorded {row}\n"
    listed = json.loads(office("event", "list", "--json").stdout)["events"]
    assert listed == [
        {
            "event": row,
            "kind": "contract_end",
            "at": "2026-11-01T00:00:00Z",
            "recorded": "2026-11-30T00:00:00Z",
            "of": "person",
            "origin": "office",
            "ends": [],
        }
    ]
    assert row in office("event", "list").stdout
    assert office("event", "take-back", row).stdout == f"deleted {row}\n"
    assert office("event", "list").stdout.startswith("no event is on record")


def test_many_events_come_in_a_file(office: Office, tmp_path: Path) -> None:
    file = tmp_path / "events.jsonl"
    lines = [
        {"kind": "contract_end", "at": AT, "subject": ANA},
        {"kind": "device_retired", "at": AT, "device": DONGLE},
    ]
    file.write_text("\n".join(map(json.dumps, lines)) + "\n\n")
    rows = json.loads(office("event", "record", "--file", str(file), "--json").stdout)["rows"]
    assert len(set(rows)) == 2


@pytest.mark.parametrize(
    "line",
    [
        "no json",
        "[]",
        '{"kind": "contract_end"}',
        '{"kind": "contract_end", "at": "yesterday", "subject": "ana-the-subject"}',
        '{"kind": "contract_end", "at": 5, "subject": "ana-the-subject"}',
        '{"kind": "contract_end", "at": "2026-11-01T00:00:00Z", "subject": 7}',
        '{"kind": "contract_end", "at": "2026-11-01T00:00:00Z", "name": "ana-the-subject"}',
        "[" * 100_000,
    ],
)
def test_a_line_that_is_no_event_is_named_and_nothing_is_recorded(
    office: Office, tmp_path: Path, line: str
) -> None:
    file = tmp_path / "events.jsonl"
    good = json.dumps({"kind": "contract_end", "at": AT, "subject": ANA})
    file.write_text(f"{good}\n{line}\n")
    refused = office("event", "record", "--file", str(file))
    assert refused.exit_code == 1
    assert "line 2: no event" in " ".join(refused.stderr.split())
    assert office("event", "list").stdout.startswith("no event is on record")


def test_words_beside_a_file_or_no_words_at_all_are_wrong_usage(
    office: Office, tmp_path: Path
) -> None:
    file = str(tmp_path / "events.jsonl")
    assert office("event", "record").exit_code == 2
    assert office("event", "record", "contract_end", "--file", file).exit_code == 2
    assert office("event", "record", "--file", file).exit_code == 1
