"""What is asked for a person by a word that means nothing is refused, and never passes for done."""

import asyncio
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from office.store.database import make_office
from roadfade.cli import app
from roadfade.commands.office_desk import OfficeDesk
from roadfade.settings import Settings
from telemetry.instants import parse_instant
from tests.support.small_house import settings_in

NOW_MS = parse_instant("2026-11-30T00:00:00Z")
DONGLE = "dongle-of-nobody"
ANA = "ana-the-subject"


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    made = settings_in(tmp_path)
    for module in ("person_asks", "person_stops"):
        monkeypatch.setattr(f"roadfade.commands.{module}.settings", lambda: made)
    return made


class Office:
    """An office in the state folder of the settings, with one person."""

    def __init__(self, settings: Settings) -> None:
        asyncio.run(make_office(settings.office_path))
        self._desk = OfficeDesk(settings.office_path, dict, lambda: NOW_MS)
        self("register", "--device", DONGLE, "--subject", ANA, "--from", "2026-01-01T00:00:00Z")

    def __call__(self, *words: str) -> Result:
        result = CliRunner().invoke(app, list(words), obj=self._desk, catch_exceptions=False)
        for identifier in (DONGLE, ANA):
            assert identifier not in result.output
        return result

    def requests(self) -> list[dict[str, object]]:
        told = json.loads(self("person", "requests", "--subject", ANA, "--json").stdout)
        found: list[dict[str, object]] = told["requests"]
        return found


def test_a_purpose_that_no_version_has_is_not_erased_for(settings: Settings) -> None:
    office = Office(settings)
    mistyped = office("person", "erase", "--subject", ANA, "--purpose", "studdy", "--yes")
    assert mistyped.exit_code == 2
    assert "no such purpose: studdy; the policy has: " in mistyped.output
    assert office.requests() == []
    office("person", "erase", "--subject", ANA, "--purpose", "study", "--yes")
    assert [one["purposes"] for one in office.requests()] == [["study"]]


def test_nobody_is_stopped_by_a_mistyped_id(settings: Settings) -> None:
    office = Office(settings)
    mistyped = office("person", "stop", "--subject", "anna")
    assert (mistyped.exit_code, "nobody of that id" in mistyped.output) == (1, True)
    assert office("person", "stop", "--subject", ANA).stdout.startswith("stopped ")
