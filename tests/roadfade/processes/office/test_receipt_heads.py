"""The office keeps each day's head by itself, and says if the chain does not hold an earlier one."""

import asyncio
import shutil
from pathlib import Path

import pytest
from sqlalchemy import delete

from office.erasure.head_files import kept_heads
from office.erasure.receipt_chain import file_of, read, verify
from office.erasure.receipts import Draft, all_receipts, issue
from office.erasure.signing import Signer
from office.errors import OfficeError
from office.store.database import Database
from office.store.erasure_tables import RECEIPTS
from roadfade import metrics
from roadfade.processes.office.receipt_heads import ReceiptHeads
from roadfade.settings import Settings
from telemetry.instants import DAY_MS
from tests.support.small_house import NOW_MS, Clock


class House:
    """An office's turn at heads, and what it works on."""

    def __init__(self, settings: Settings, database: Database) -> None:
        self.settings, self.database = settings, database
        self.clock = Clock()
        self.heads = ReceiptHeads(settings, database, self.clock)

    async def issue(self, count: int) -> None:
        signer = await asyncio.to_thread(Signer.opened, self.settings.receipt_key_file)
        drafts: list[Draft] = [{"erasure": "AAAA", "what": "asked"}] * count
        async with self.database.writing() as connection:
            await issue(connection, drafts, signer.sign, self.clock.now_ms)

    async def turn(self) -> bool:
        return await self.heads._attempt("heads", self.heads.turn)

    async def kept(self) -> list[tuple[str, int]]:
        found = await asyncio.to_thread(kept_heads, self.settings.receipt_heads_dir)
        return [(one.day, one.number) for one in found.heads]

    async def faults(self) -> list[str]:
        file = file_of(await all_receipts(self.database))
        signer = await asyncio.to_thread(Signer.opened, self.settings.receipt_key_file)
        found = await asyncio.to_thread(kept_heads, self.settings.receipt_heads_dir)
        return verify(file, signer.public_key, *found.heads)


@pytest.fixture
def house(settings: Settings, database: Database) -> House:
    return House(settings, database)


def failures() -> float:
    return float(metrics.ERASURE_FAILURES.labels("heads")._value.get())


async def test_each_day_gets_one_head_from_the_first_receipt_on(house: House) -> None:
    assert await house.turn()
    assert await house.kept() == []
    assert not await asyncio.to_thread(house.settings.receipt_key_file.exists)
    await house.issue(2)
    assert await house.turn()
    await house.issue(3)
    assert await house.turn()
    assert await house.kept() == [("2026-11-22", 2)]
    house.clock.now_ms += DAY_MS
    assert await house.turn()
    house.clock.now_ms += DAY_MS
    assert await house.turn()
    assert await house.kept() == [("2026-11-22", 2), ("2026-11-23", 5), ("2026-11-24", 5)]
    assert await house.faults() == []


async def test_a_tail_that_was_cut_is_found_and_said_and_gets_no_head(house: House) -> None:
    await house.issue(5)
    assert await house.turn()
    async with house.database.writing() as connection:
        await connection.execute(delete(RECEIPTS).where(RECEIPTS.c.number > 3))
    before, house.clock.now_ms = failures(), NOW_MS + DAY_MS
    assert not await house.turn()
    assert failures() == before + 1
    assert await house.kept() == [("2026-11-22", 5)]
    assert await house.faults() == ["entry 5 is missing, which stood there on 2026-11-22"]
    # What is written behind the cut does not hide it.
    await house.issue(4)
    assert not await house.turn()
    assert await house.faults() == ["entry 5 is not the one that stood there on 2026-11-22"]


async def test_what_is_to_be_done_after_a_restore_is_said_and_does_it(house: House) -> None:
    await house.issue(5)
    assert await house.turn()
    async with house.database.writing() as connection:
        await connection.execute(delete(RECEIPTS).where(RECEIPTS.c.number > 3))
    house.clock.now_ms += DAY_MS
    with pytest.raises(OfficeError, match="move the heads of the lost time out of the folder"):
        await house.heads.turn()
    folder = house.settings.receipt_heads_dir
    lost = folder.with_name("lost")
    await asyncio.to_thread(lost.mkdir)
    for path in await asyncio.to_thread(lambda: list(folder.glob("2026-11-22*"))):
        await asyncio.to_thread(path.rename, lost / path.name)
    await house.heads.turn()
    assert await house.kept() == [("2026-11-23", 3)]


async def test_an_older_copy_of_the_database_is_found(house: House, tmp_path: Path) -> None:
    await house.issue(2)
    old = tmp_path / "old.sqlite"
    async with house.database.writing():
        pass
    await house.database.scrub()  # everything is in the file itself
    await asyncio.to_thread(shutil.copyfile, house.settings.office_path, old)
    await house.issue(2)
    assert await house.turn()
    restored = await Database.open(old)
    try:
        again = House(house.settings, restored)
        again.clock.now_ms += DAY_MS
        assert not await again.turn()
        assert await again.faults() == ["entry 4 is missing, which stood there on 2026-11-22"]
    finally:
        await restored.close()


async def test_a_folder_with_a_file_that_is_no_head_is_said(house: House) -> None:
    await house.issue(1)
    assert await house.turn()
    await asyncio.to_thread(
        (house.settings.receipt_heads_dir / "2026-11-22.json").write_text, "nothing"
    )
    assert not await house.turn()


async def test_a_clock_that_was_set_back_changes_no_head(house: House) -> None:
    await house.issue(1)
    assert await house.turn()
    house.clock.now_ms -= DAY_MS
    assert await house.turn()
    house.clock.now_ms += DAY_MS
    await house.issue(1)
    assert await house.turn()
    assert await house.kept() == [("2026-11-21", 1), ("2026-11-22", 1)]


def lost() -> float:
    return float(metrics.RECEIPT_KEYS_LOST._value.get())


async def test_a_key_that_was_lost_is_said_counted_and_written_into_the_chain(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    await house.issue(2)
    assert await house.turn()
    assert lost() == 0
    await asyncio.to_thread(house.settings.receipt_key_file.unlink)
    for _ in range(2):
        assert await house.turn()
    assert lost() == 1
    assert sum("it was lost" in one for one in caplog.messages) == 1
    await house.issue(2)
    house.clock.now_ms += DAY_MS
    assert await house.turn()
    assert lost() == 1
    file = file_of(await all_receipts(house.database))
    assert [one.entry.what for one in read(file)[0]] == ["asked"] * 2 + ["rekeyed"] + ["asked"] * 2
    assert await house.faults() == []
    assert await house.kept() == [("2026-11-22", 2), ("2026-11-23", 5)]
