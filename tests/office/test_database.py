from pathlib import Path

import pytest
from sqlalchemy import insert
from sqlalchemy.exc import IntegrityError

from office.database import Database
from office.errors import OfficeError
from office.tables import DEVICES


async def test_a_drivers_error_does_not_carry_what_was_written(database: Database) -> None:
    row = {"row": "r", "device": "dongle-of-nobody", "registered_ms": 1}
    with pytest.raises(IntegrityError) as error:
        async with database.writing() as connection:
            await connection.execute(insert(DEVICES), [row, row])
    assert "dongle-of-nobody" not in f"{error.value} {error.value!r}"


@pytest.mark.parametrize(
    "url", ["sqlite+aiosqlite://", "sqlite+aiosqlite:///:memory:", "sqlite:///office.sqlite"]
)
async def test_an_office_that_is_no_shared_file_is_refused(url: str) -> None:
    with pytest.raises(OfficeError, match="must be a file"):
        await Database.open(url)


async def test_opening_again_changes_nothing(folder: Path, database: Database) -> None:
    async with database.writing() as connection:
        await connection.execute(insert(DEVICES).values(row="r", device="d", registered_ms=1))
    again = await Database.open(f"sqlite+aiosqlite:///{folder}/office.sqlite")
    async with again.reading() as connection:
        assert len((await connection.execute(DEVICES.select())).all()) == 1
    await again.close()
