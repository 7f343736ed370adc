import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import insert
from sqlalchemy.exc import IntegrityError

from office.errors import OfficeError
from office.registry.device_rows import standing_of
from office.store.database import Database, make_office
from office.store.tables import DEVICES
from telemetry.identity import DeviceId
from telemetry.wire.control import DeviceRegistration, LinkInterval, encode_row


async def test_a_drivers_error_does_not_carry_what_was_written(database: Database) -> None:
    row = {"row": "r", "device": "dongle-of-nobody", "registered_ms": 1}
    with pytest.raises(IntegrityError) as error:
        async with database.writing() as connection:
            await connection.execute(insert(DEVICES), [row, row])
    assert "dongle-of-nobody" not in f"{error.value} {error.value!r}"


async def test_an_office_that_nobody_made_is_not_opened(tmp_path: Path) -> None:
    folder = tmp_path / "elsewhere"
    with pytest.raises(OfficeError, match=r"there is no office in .*elsewhere: name the folder"):
        await Database.open(folder / "office.sqlite")
    assert not folder.exists()


@pytest.mark.parametrize("name", ["100%", "a%20b", "why?x=1", "a#b", "a b", ":memory:", "ü"])
def test_an_office_is_where_its_path_says(tmp_path: Path, name: str) -> None:
    file = tmp_path / name / "office.sqlite"
    assert asyncio.run(make_office(file))
    assert not asyncio.run(make_office(file))
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert file.stat().st_size > 0


async def test_opening_again_changes_nothing(folder: Path, database: Database) -> None:
    async with database.writing() as connection:
        await connection.execute(insert(DEVICES).values(row="r", device="d", registered_ms=1))
    again = await Database.create(folder / "office.sqlite")
    async with again.reading() as connection:
        assert len((await connection.execute(DEVICES.select())).all()) == 1
    await again.close()


BEFORE_ROLES = """
CREATE TABLE devices ("row" VARCHAR NOT NULL, device VARCHAR NOT NULL, registered_ms BIGINT NOT NULL,
    PRIMARY KEY ("row"), UNIQUE (device));
CREATE TABLE links (link VARCHAR NOT NULL, device VARCHAR NOT NULL, subject VARCHAR NOT NULL,
    secret BLOB NOT NULL, from_ms BIGINT NOT NULL, to_ms BIGINT, PRIMARY KEY (link),
    FOREIGN KEY(device) REFERENCES devices (device));
INSERT INTO devices VALUES ('r', 'dongle-1', 1);
INSERT INTO links VALUES ('l', 'dongle-1', 'ana', x'00', 1, NULL);
"""


async def test_a_database_older_than_roles_opens_and_confirms_no_role(
    tmp_path: Path,
) -> None:
    file = tmp_path / "office.sqlite"
    with closing(sqlite3.connect(file)) as connection:
        connection.executescript(BEFORE_ROLES)
    for _ in range(2):
        database = await Database.open(file)
        rows = await standing_of(database, [DeviceId("dongle-1")])
        await database.close()
        assert [row.role for _, row in rows if isinstance(row, LinkInterval)] == ["unknown"]
        # Nor a service: its row on the topic stays what it was, byte by byte.
        known = [row for _, row in rows if isinstance(row, DeviceRegistration)]
        assert encode_row(*known) == b'{"kind":"device","device":"dongle-1","registered_ms":1}'
