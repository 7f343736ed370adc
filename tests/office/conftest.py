"""A registry on a fresh file, and eyes that read its files byte by byte."""

from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from office.outbox import Outbox
from office.ports import ControlRecord
from office.registry.registry import Registry
from office.store.database import Database
from policy.plan.consents import Grantable, Offers
from telemetry.topics import CONTROL
from telemetry.wire.control import ControlRow, Heartbeat, decode_row

IMPROVE = Grantable("improve", "opt_in", None, "improve@2")
INSURE = Grantable("share", "third_party", "insurer", "share@1")
LEASE = Grantable("share", "third_party", "lessor", "share@1")
GRANTABLE: Offers = {
    IMPROVE: {},
    INSURE: {"minor": "a child's data is not handed on"},
    LEASE: {},
}


class Topics:
    """What reached the control topics, and what a compacted reader would still see."""

    def __init__(self) -> None:
        self.records: list[ControlRecord] = []
        self.broken = False

    async def publish(self, records: Sequence[ControlRecord]) -> None:
        if self.broken:
            msg = "the broker is away"
            raise ConnectionError(msg)
        self.records += records

    def seen(self) -> dict[bytes, ControlRow]:
        of_people = [record for record in self.records if record.topic in CONTROL]
        last = {record.key: record.value for record in of_people}
        rows = {key: decode_row(value) for key, value in last.items() if value is not None}
        return {key: row for key, row in rows.items() if not isinstance(row, Heartbeat)}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "state"


@pytest.fixture
async def database(folder: Path) -> AsyncIterator[Database]:
    opened = await Database.create(folder / "office.sqlite")
    yield opened
    await opened.close()


@pytest.fixture
def registry(database: Database) -> Registry:
    return Registry(database, GRANTABLE)


@pytest.fixture
def outbox(database: Database) -> Outbox:
    return Outbox(database)


@pytest.fixture
def topics() -> Topics:
    return Topics()
