"""Legal holds from the command line, with a real keyring and sealed files; no id comes back."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from typer.testing import CliRunner, Result

from office.holds.answers import take_hold_answers
from office.holds.commanding import commanded
from office.holds.overview import list_holds
from office.holds.progress import HoldProgress
from office.keyring.hold_keys import name_of
from office.keyring.kek import FileKek
from office.keyring.keyring import Keyring
from office.store.database import Database, make_office
from policy.plan.epochs import epoch_at
from roadfade.cli import app
from roadfade.commands.office_desk import OfficeDesk
from roadfade.settings import Settings
from roadfade.status.copy_register import kind_of
from sinks.holds.folder import HoldFolder
from sinks.port.results import Located
from sinks.port.selection import FoundRow, Selection
from sinks.port.sink import Store
from telemetry.wire.hold import HoldCommand
from tests.office.erasure.conftest import LAKE, SIGNING
from tests.office.holds.conftest import answer
from tests.roadfade.processes.sink.test_sink import compiled
from tests.sinks.holding import files_in
from tests.support.small_house import FIRST, NOW_MS, settings_in

DONGLE = "dongle-of-nobody"
ANA = "ana-the-subject"
REVIEW, LATER = "2026-11-30T00:00:00Z", "2026-12-24T00:00:00Z"
PLACE = (
    "hold", "place", "--subject", ANA, "--basis", "litigation", "--reference", "case 7",
    "--owner", "an officer", "--review", REVIEW,
)  # fmt: skip


class TwoRows:
    """Has two rows under each pseudonym."""

    def rows_of(self, _: str, asked: Selection, __: int) -> Iterator[FoundRow]:
        for name in sorted(asked.pseudonyms):
            for record in ("one", "two"):
                yield FoundRow(
                    record, "Vehicle.Speed", NOW_MS, 1.5, None, "km/h", NOW_MS * 2, "1", "lane",
                    None, str(name),
                )  # fmt: skip

    def locate(self, *_: object) -> Located:
        return Located(2, 0)


class House:
    """An office in the state folder of the settings, with one person and a key of now."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        asyncio.run(make_office(settings.office_path))
        self._desk = OfficeDesk(settings.office_path, dict, lambda: NOW_MS)
        self("register", "--device", DONGLE, "--subject", ANA, "--from", "2026-01-01T00:00:00Z")
        self.plan = compiled(settings, FIRST)
        (output,) = self.plan.outputs
        name = output.purpose, output.recipient, epoch_at(output.epoch, NOW_MS).name
        self.keyring.ensure([name])

    @property
    def keyring(self) -> Keyring:
        return Keyring.open(self.settings.keyring_path, FileKek(self.settings.kek_file))

    def __call__(self, *words: str) -> Result:
        result = CliRunner().invoke(app, list(words), obj=self._desk, catch_exceptions=False)
        for identifier in (DONGLE, ANA):
            assert identifier not in result.output
        return result

    def told(self, *words: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self(*words, "--json").stdout)
        return found

    def place(self, *more: str) -> str:
        return str(self.told(*PLACE, *more)["hold"])

    def turn(self) -> None:
        """What the office does in a second, and a store that copies and answers."""

        async def work() -> None:
            async with Database.opened(self.settings.office_path) as database:
                holding = HoldProgress(database, self.keyring, SIGNING.sign, lambda *_: None, 0)
                await holding.let_go(lambda: [self.plan], NOW_MS)
                assert not await holding.extend(lambda: [self.plan], {"study"}, NOW_MS)
                for one in await self._commands(database):
                    await asyncio.to_thread(self._obey, one)
                    async with database.writing() as connection:
                        await take_hold_answers(connection, [answer(one, LAKE, 2, NOW_MS)])

        asyncio.run(work())

    def commands(self) -> list[HoldCommand]:
        async def work() -> list[HoldCommand]:
            async with Database.opened(self.settings.office_path) as database:
                return await self._commands(database)

        return asyncio.run(work())

    async def _commands(self, database: Database) -> list[HoldCommand]:
        found = []
        async with database.reading() as connection:
            for hold in await _ids(database):
                found += await commanded(connection, hold)
        return found

    def _obey(self, one: HoldCommand) -> None:
        folder = HoldFolder(self.settings.hold_dir, 100)
        if one.released_ms is None:
            folder.copy(cast("Store", TwoRows()), one, NOW_MS)
        else:
            folder.delete(one.command)


async def _ids(database: Database) -> list[str]:
    async with database.reading() as connection:
        return [one.hold for one in await list_holds(connection, NOW_MS)]


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> House:
    made = settings_in(tmp_path)
    monkeypatch.setattr("roadfade.commands.hold_desk.settings", lambda: made)
    return House(made)


def test_a_hold_is_placed_listed_and_shown(house: House) -> None:
    assert house("hold", "list").stdout.startswith("no legal hold was ever placed")
    hold = house.place("--to", "2026-11-23T00:00:00Z")
    house.turn()
    house.turn()
    (listed,) = house.told("hold", "list")["holds"]
    assert listed == house.told("hold", "show", hold)
    assert (listed["basis"], listed["of"], listed["state"]) == ("litigation", "person", "living")
    assert (listed["review_by"], listed["review_overdue"]) == (REVIEW, False)
    assert listed["complete_since"] is not None
    assert [(one["store"], one["rows"]) for one in listed["held"]] == [(LAKE, 2)]
    shown = house("hold", "show", hold).stdout
    assert "litigation  living  of a person  review by" in shown
    assert f"study  {LAKE}  2 rows" in shown and "placed by an officer" in shown


def test_what_may_not_be_held_is_refused_with_a_remedy(house: House) -> None:
    mistyped = [word if word != ANA else "anna" for word in PLACE]
    refused = house(*mistyped)
    assert (refused.exit_code, "nobody of that id" in refused.output) == (1, True)
    late = [word if word != REVIEW else "2027-12-01T00:00:00Z" for word in PLACE]
    refused = house(*late, "--json")
    assert refused.exit_code == 1
    assert "within 90 days" in json.loads(refused.stdout)["refused"]
    refused = house(*PLACE, "--purpose", "studdy")
    assert (refused.exit_code, "no such purpose: studdy" in refused.output) == (2, True)
    for words in (["show"], ["release", "--by", "x"], ["review", "--by", "x", "--review", REVIEW]):
        refused = house("hold", words[0], "NONE", *words[1:])
        assert (refused.exit_code, "hold list" in refused.output) == (1, True)


def test_a_review_is_noted(house: House) -> None:
    hold = house.place()
    house("hold", "review", hold, "--by", "another", "--review", LATER)
    told = house.told("hold", "show", hold)
    assert told["review_by"] == LATER
    assert [(one["what"], one["who"]) for one in told["entries"]][1:] == [("reviewed", "another")]


def test_opened_it_gives_exactly_what_was_copied_and_notes_who(
    house: House, tmp_path: Path
) -> None:
    hold, into = house.place(), tmp_path / "case"
    house.turn()
    told = house.told("hold", "open", hold, "--to", str(into), "--by", "an officer")
    assert (told["rows"], told["damaged"]) == ({"study": 2}, [])
    (file,) = files_in(into)
    assert (file.name, file.stat().st_mode & 0o777) == ("study.jsonl", 0o600)
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    (command,) = house.commands()
    assert [(row["record"], row["pseudonym"]) for row in rows] == [
        (record, command.pseudonyms[0]) for record in ("one", "two")
    ]
    assert house("hold", "open", hold, "--to", str(into), "--by", "x").exit_code == 2
    what = [(e["what"], e["who"]) for e in house.told("hold", "show", hold)["entries"]]
    assert what == [("placed", "an officer"), ("opened", "an officer")]


def test_a_flipped_byte_is_found_and_the_other_files_open(house: House, tmp_path: Path) -> None:
    hold = house.place()
    house.turn()
    (file,) = files_in(house.settings.hold_dir)
    content = file.read_bytes()
    flipped = bytes([content[200] ^ 1])
    file.with_name("0" * 32 + ".held").write_bytes(content[:200] + flipped + content[201:])
    opened = house("hold", "open", hold, "--to", str(tmp_path / "case"), "--by", "x")
    assert (opened.exit_code, "study  2 rows" in opened.stdout) == (1, True)
    assert "1 files do not open" in opened.output


def test_a_copy_of_another_hold_is_none_of_this_one(house: House, tmp_path: Path) -> None:
    first, _ = house.place(), house.place()
    house.turn()
    one, other = files_in(house.settings.hold_dir)
    (one.parent / other.name).write_bytes(other.read_bytes())
    (other.parent / one.name).write_bytes(one.read_bytes())
    opened = house("hold", "open", first, "--to", str(tmp_path / "case"), "--by", "x")
    assert (opened.exit_code, "study  2 rows" in opened.stdout) == (1, True)


def test_released_it_opens_no_more_its_key_is_gone_and_its_files_are_deleted(
    house: House, tmp_path: Path
) -> None:
    hold = house.place()
    house.turn()
    (command,), (file,) = house.commands(), files_in(house.settings.hold_dir)
    key, sealed = house.keyring.get(*name_of(command.command)), file.read_bytes()
    assert key is not None
    house("hold", "release", hold, "--by", "an officer")
    house.turn()
    assert files_in(house.settings.hold_dir) == []
    assert house.keyring.get(*name_of(command.command)) is None
    state = b"".join(path.read_bytes() for path in files_in(house.settings.state_dir))
    assert bytes(key) not in state
    # Somebody kept a copy of the file: nobody opens it.
    file.parent.mkdir()
    file.write_bytes(sealed)
    opened = house("hold", "open", hold, "--to", str(tmp_path / "case"), "--by", "x")
    assert (opened.exit_code, "cannot be read any more" in opened.output) == (1, True)
    house.turn()
    assert house.told("hold", "show", hold)["state"] == "closed"


def test_the_copies_are_in_the_register_of_copies(house: House) -> None:
    house.place()
    house.turn()
    for file in files_in(house.settings.hold_dir):
        assert kind_of(str(file.relative_to(house.settings.state_dir))) == "held copies"
    assert kind_of("holds/ABC/readings.jsonl") is None


def test_waiting_for_stores_that_do_not_answer_fails_and_says_it_goes_on(house: House) -> None:
    placed = house(*PLACE, "--wait", "0.01")
    assert placed.exit_code == 1
    assert "do not place it again" in placed.output
