"""What earlier versions left, opened by this one: nothing lacks, nobody is forgotten by accident.

``left/README.md`` says who made these files and how. A file that was once left stays here: whoever
goes on from that version has it.
"""

import asyncio
import json
import shutil
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from sqlalchemy import select

from office.erasure.receipt_chain import file_of, read, verify
from office.erasure.receipts import all_receipts
from office.erasure.whereabouts import whereabouts
from office.keyring.kek import FileKek
from office.keyring.keyring import Keyring
from office.registry.links import link_of
from office.replay_memory.items import PERSON
from office.replay_memory.memory import ReplayMemory
from office.store.database import Database
from office.store.fence import KNOWN
from office.store.tables import LINKS
from policy.plan.plan import Plan
from roadfade.backup.restoring import restore
from roadfade.ledger_file import LedgerFile
from roadfade.settings import Settings
from sinks.lake.digest import lake_digest
from sinks.lake.lake import Lake, LakeSettings
from sinks.lake.stored import StoredLake
from sinks.port.selection import Selection
from telemetry.identity import Pseudonym
from telemetry.instants import DAY_MS
from tests.office.erasure.conftest import ANA as FORGOTTEN
from tests.office.erasure.conftest import SIGNING
from tests.roadfade.backup.house import quiet
from tests.support.pace import plan_of
from tests.upgrade.leave import LEFT, SAID
from tests.upgrade.on_record import asked, on_record
from tests.upgrade.world import ANA, CEM, PEOPLE, SETTINGS, places_of

ROADS = sorted(path.stem for path in LEFT.glob("road_*.zip"))
HOUSES = sorted(path.stem for path in LEFT.glob("house_*.zip"))


class Left(NamedTuple):
    """A state folder that another version left, and what that version said of it."""

    settings: Settings
    said: Mapping[str, Any]

    @property
    def at_ms(self) -> int:
        """When it was left."""
        return int(self.said["at_ms"])


def unpacked(name: str, into: Path) -> Left:
    state = into / "state"
    shutil.unpack_archive(LEFT / f"{name}.zip", state)
    for file in (state / "kek", *state.glob("*.sqlite")):
        file.chmod(0o600)
    settings = Settings(state_dir=state, **SETTINGS)
    return Left(settings, json.loads((state / SAID).read_text()))


@pytest.fixture(params=ROADS)
def left(request: pytest.FixtureRequest, tmp_path: Path) -> Left:
    return unpacked(request.param, tmp_path)


@pytest.fixture(params=HOUSES)
def house(request: pytest.FixtureRequest, tmp_path: Path) -> Left:
    return unpacked(request.param, tmp_path)


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> Plan:
    return plan_of(Settings(state_dir=tmp_path_factory.mktemp("plan"), **SETTINGS))


def opened(file: Path) -> None:
    async def work() -> None:
        await (await Database.open(file)).close()

    asyncio.run(work())


def schema(file: Path) -> dict[str, Any]:
    """Columns and indexes of every table."""
    tables = asked(file, "SELECT name FROM sqlite_master WHERE type = 'table'")
    return {
        name: (
            {row[1] for row in asked(file, f"PRAGMA table_info({name})")},
            {row[1] for row in asked(file, f"PRAGMA index_list({name})")},
        )
        for (name,) in tables
    }


def test_there_is_something_left() -> None:
    assert ROADS
    assert HOUSES


def test_an_office_has_the_same_people_and_is_then_as_one_made_today(
    left: Left, tmp_path: Path
) -> None:
    file = left.settings.office_path
    opened(file)
    assert on_record(file) == left.said["office"]
    ended = [row for row in left.said["office"]["consents"] if row[7] is not None]
    assert {row[1] for row in ended} == {CEM}
    asyncio.run(_made(tmp_path / "fresh.sqlite"))
    assert schema(file) == schema(tmp_path / "fresh.sqlite")


async def _made(file: Path) -> None:
    await (await Database.create(file)).close()


def test_a_program_that_looks_at_nothing_writes_nothing_in_an_office_of_ours(left: Left) -> None:
    """What the version that left it would do: it sends whatever its registry says through here."""
    file, row = left.settings.office_path, "INSERT INTO outbox (topic, key) VALUES ('t', 'k')"
    with closing(sqlite3.connect(file)) as theirs:
        theirs.execute(row)
        theirs.rollback()
        opened(file)
        with pytest.raises(sqlite3.OperationalError, match=KNOWN):
            theirs.execute(row)
    assert on_record(file) == left.said["office"]


def test_a_ledger_says_the_same(left: Left) -> None:
    ledger = LedgerFile(left.settings.ledger_path).read()
    assert ledger.closes
    assert {name: flow.delivered for name, flow in ledger.outputs.items()} == left.said["delivered"]


def test_a_lake_has_the_same_rows_before_and_after_a_sink_opens_it(left: Left, plan: Plan) -> None:
    lake, said = left.settings.lake_dir, left.said["lake"]
    assert list(lake_digest(lake)) == said
    made = Lake(
        lake, {one.topic: one.id for one in plan.outputs}, LakeSettings(buckets=2), wait_s=0
    )
    made.close()
    assert list(lake_digest(lake)) == said
    found = {who: places_of(lake, who, left.at_ms) for who in PEOPLE}
    assert found == left.said["positions"]


@pytest.fixture
def pseudonyms(left: Left, plan: Plan) -> Iterator[dict[str, Mapping[str, frozenset[Pseudonym]]]]:
    """By person and output: where readings of before lie, by links and keys of before."""
    keyring = Keyring.open_made(left.settings.keyring_path, FileKek(left.settings.kek_file))

    async def links() -> list[Any]:
        async with (
            Database.opened(left.settings.office_path) as database,
            database.reading() as connection,
        ):
            return [link_of(row) for row in await connection.execute(select(LINKS))]

    listed = asyncio.run(links())
    assert sorted(map(list, keyring.states())) == left.said["keys"]
    yield {
        who: whereabouts(
            [one for one in listed if one.subject == who], [plan], keyring, left.at_ms
        ).by_output
        for who in PEOPLE
    }
    keyring.close()


def test_every_row_is_somebodys_and_goes_with_them_alone(
    left: Left, pseudonyms: Mapping[str, Mapping[str, frozenset[Pseudonym]]]
) -> None:
    store = StoredLake(left.settings.lake_dir)

    def rows(who: str) -> int:
        mine = pseudonyms[who]
        return sum(store.locate(output, Selection(named)).rows for output, named in mine.items())

    before = {who: rows(who) for who in PEOPLE}
    assert all(before.values())
    assert sum(before.values()) == left.said["lake"][1]
    for output, named in pseudonyms[ANA].items():
        receipt = store.erase(output, Selection(named), left.at_ms)
        assert (receipt.located_after, receipt.unreadable) == (0, 0)
    assert {who: rows(who) for who in PEOPLE} == before | {ANA: 0}


def test_what_is_due_ends(left: Left) -> None:
    store = StoredLake(left.settings.lake_dir)
    rows = left.said["lake"][1]
    first = store.expire(left.at_ms + DAY_MS).rows
    assert 0 < first < rows, "a drive of 30 days before was kept"
    assert store.expire(left.at_ms + 20 * 366 * DAY_MS).rows == rows - first
    assert not store.holdings().readings


def test_receipts_hold_and_the_memory_knows_who_went(house: Left) -> None:
    async def receipts() -> bytes:
        async with Database.opened(house.settings.office_path) as database:
            return file_of(await all_receipts(database))

    file = asyncio.run(receipts())
    assert verify(file, SIGNING.public_key().public_bytes_raw()) == []
    assert len(read(file)[0]) == house.said["receipts"]
    memory = ReplayMemory.made(
        house.settings.office_path.with_name("suppressions.sqlite"), house.at_ms
    )
    with memory.known() as known:
        assert known.ended(PERSON, str(FORGOTTEN)) is not None
    assert list(lake_digest(house.settings.lake_dir)) == house.said["lake"]


def test_a_backup_is_restored_without_who_was_forgotten_since(house: Left) -> None:
    settings, name = house.settings, house.said["backup"]
    for path in (settings.office_path, settings.ledger_path):
        path.unlink()
    shutil.rmtree(settings.lake_dir)
    state = settings.state_dir
    restore(
        settings, state / "backups" / name, state / "backup-keys" / name,
        lambda: house.at_ms, quiet,
    )  # fmt: skip
    with closing(sqlite3.connect(settings.office_path)) as connection:
        found = connection.execute("SELECT DISTINCT subject FROM links").fetchall()
    assert found
    assert (str(FORGOTTEN),) not in found
    opened(settings.office_path)
