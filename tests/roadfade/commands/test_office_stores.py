"""Stores that answered are listed, and one that is gone for good is waited for no more."""

import asyncio
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from office.erasure.answers import known_stores, take_answers
from office.store.database import Database, make_office
from roadfade.cli import app
from roadfade.commands.office_desk import OfficeDesk
from telemetry.wire.erasure import EraseAnswer

NOW_MS = 1_790_000_000_000
LAKE = "lake:0123456789abcdef"
ANSWER = EraseAnswer(
    v=1, command="abcdefgh", output="study", store=LAKE, located_before=1, located_after=0,
    unreadable=0, digest="0" * 64, at_ms=NOW_MS - 5_000,
)  # fmt: skip


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "office.sqlite"
    asyncio.run(make_office(file))
    return file


def said(file: Path, *words: str) -> Result:
    desk = OfficeDesk(file, dict, lambda: NOW_MS)
    return CliRunner().invoke(app, ["office", *words], obj=desk, catch_exceptions=False)


async def answered(file: Path) -> None:
    async with Database.opened(file) as database, database.writing() as connection:
        assert await take_answers(connection, [ANSWER]) == 0


async def known(file: Path) -> dict[str, frozenset[str]]:
    async with Database.opened(file) as database, database.reading() as connection:
        return await known_stores(connection)


def test_a_store_is_known_from_its_first_answer_until_it_is_retired(file: Path) -> None:
    assert said(file, "stores").stdout.startswith("no store is known")
    asyncio.run(answered(file))
    (row,) = json.loads(said(file, "stores", "--json").stdout)["stores"]
    assert (row["store"], row["output"], row["retired"]) == (LAKE, "study", None)
    assert asyncio.run(known(file)) == {"study": frozenset({LAKE})}
    assert said(file, "retire-store", LAKE).stdout == f"retired {LAKE}\n"
    assert asyncio.run(known(file)) == {"study": frozenset()}
    assert f"{LAKE}  study  retired " in said(file, "stores").stdout


def test_a_store_that_nobody_knows_is_not_retired(file: Path) -> None:
    done = said(file, "retire-store", "lake:of-nobody")
    assert done.exit_code == 1
    assert "no store of that name" in " ".join(done.stderr.split())
