"""``roadfade receipts`` as a person runs it: the chain leaves the house and is verified offline."""

import asyncio
import json
import shutil
from pathlib import Path

import pytest
from sqlalchemy import delete
from typer.testing import CliRunner, Result

from office.erasure.receipts import Draft, issue
from office.erasure.signing import Signer
from office.store.database import Database
from office.store.erasure_tables import RECEIPTS
from roadfade.cli import app
from roadfade.processes.office.receipt_heads import ReceiptHeads
from roadfade.settings import Settings

NOW_MS = 1_790_000_000_000


async def fill(settings: Settings, signer: Signer) -> None:
    database = await Database.create(settings.office_path)
    async with database.writing() as connection:
        drafts: list[Draft] = [
            {"erasure": "AAAA", "what": "asked"},
            {
                "erasure": "AAAA",
                "what": "erased",
                "copy": "lake:00",
                "output": "study",
                "located_before": 5,
                "located_after": 0,
            },
            {"erasure": "BBBB", "what": "asked"},
        ]
        await issue(connection, drafts, signer.sign, NOW_MS)
    await database.close()


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ROADFADE_STATE_DIR", str(tmp_path / "state"))
    settings = Settings()
    asyncio.run(fill(settings, Signer.opened(settings.receipt_key_file)))
    return tmp_path


def run(*words: str) -> Result:
    return CliRunner().invoke(app, ["receipts", *words], catch_exceptions=False)


@pytest.mark.usefixtures("state")
def test_receipts_are_listed_of_all_requests_or_of_one() -> None:
    lines = run("list").stdout.splitlines()
    assert len(lines) == 3
    assert "AAAA  erased  lake:00 study 5 → 0" in lines[1]
    assert len(run("list", "--erasure", "BBBB").stdout.splitlines()) == 1
    told = json.loads(run("list", "--json").stdout)["receipts"]
    assert [one["number"] for one in told] == [1, 2, 3]
    assert "nothing was asked" in run("list", "--erasure", "CCCC").stdout


def test_a_chain_is_exported_and_verified_elsewhere_with_what_was_published(
    state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, published = state / "chain", state / "head.json"
    assert run("export", str(file)).stdout == f"3 receipts in {file}\n"
    published.write_text(run("head", "--json").stdout)
    key = json.loads(published.read_text())["public_key"]
    assert key in run("head").stdout
    monkeypatch.setenv("ROADFADE_STATE_DIR", str(state / "elsewhere"))
    without = run("verify", str(file))
    assert (without.exit_code, "--key" in without.stderr) == (1, True)
    verified = run("verify", str(file), "--key", key)
    assert verified.exit_code == 0
    assert "whole" in verified.stdout
    assert "was not looked for" in verified.stdout
    whole = run("verify", str(file), "--key", key, "--head", str(published), "--json")
    assert (whole.exit_code, json.loads(whole.stdout)) == (
        0,
        {"whole": True, "receipts": 3, "heads": 1, "new_keys": [], "faults": []},
    )
    file.write_bytes(b"".join(file.read_bytes().splitlines(keepends=True)[:2]))
    cut = run("verify", str(file), "--key", key, "--head", str(published), "--json")
    assert cut.exit_code == 1
    assert json.loads(cut.stdout)["faults"][0].startswith("entry 3 is missing")
    assert run("verify", str(file), "--key", "0" * 64).exit_code == 1


@pytest.mark.parametrize(
    "words",
    [
        ["verify", "no-such-file"],
        ["verify", "{file}", "--key", "zz"],
        ["verify", "{file}", "--head", "{file}"],
        ["export", "no-such-folder/chain"],
    ],
    ids=" ".join,
)
def test_what_is_asked_wrongly_exits_2(state: Path, words: list[str]) -> None:
    file = state / "chain"
    run("export", str(file))
    assert run(*(word.format(file=file) for word in words)).exit_code == 2


def test_nothing_is_made_by_asking(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROADFADE_STATE_DIR", str(tmp_path / "state"))
    for words in (["list"], ["head"], ["export", str(tmp_path / "chain")]):
        assert run(*words).exit_code == 1
    assert not (tmp_path / "state").exists()


async def shorten(settings: Settings) -> None:
    database = await Database.open(settings.office_path)
    async with database.writing() as connection:
        await connection.execute(delete(RECEIPTS).where(RECEIPTS.c.number == 3))
    await database.close()


async def keep(settings: Settings) -> None:
    database = await Database.open(settings.office_path)
    await ReceiptHeads(settings, database, lambda: NOW_MS).turn()
    await database.close()


def test_a_cut_tail_is_found_by_the_heads_that_nobody_had_to_publish(state: Path) -> None:
    assert "no head is kept yet" in run("heads").stdout
    assert "was not looked for" in run("verify").stdout
    asyncio.run(keep(Settings()))
    (listed,) = json.loads(run("heads", "--json").stdout)["heads"]
    assert listed["number"] == 3
    assert f"{listed['day']}       3  {listed['hash']}" in run("heads").stdout
    assert "held against 1 heads" in run("verify").stdout
    elsewhere = state / "elsewhere"
    shutil.copytree(Settings().receipt_heads_dir, elsewhere)
    asyncio.run(shorten(Settings()))
    cut = run("verify", "--json")
    assert cut.exit_code == 1
    assert json.loads(cut.stdout)["faults"] == [
        f"entry 3 is missing, which stood there on {listed['day']}"
    ]
    shutil.rmtree(Settings().receipt_heads_dir)
    assert run("verify").exit_code == 0
    assert run("verify", "--heads", str(elsewhere)).exit_code == 1
    file = state / "chain"
    run("export", str(file))
    assert run("verify", str(file), "--heads", str(elsewhere)).exit_code == 1
    (elsewhere / f"{listed['day']}.json").write_text("{}")
    broken = run("verify", str(file), "--heads", str(elsewhere), "--json")
    assert json.loads(broken.stdout)["faults"] == [
        f"{listed['day']}.json holds no head of that day"
    ]
    assert run("verify", str(file), "--heads", str(state / "nowhere")).exit_code == 2


def test_a_new_key_is_told_of_as_a_chain_is_verified(state: Path) -> None:
    settings = Settings()
    former = Signer.opened(settings.receipt_key_file).public_key.hex()
    settings.receipt_key_file.unlink()
    asyncio.run(fill(settings, Signer.opened(settings.receipt_key_file)))
    said = run("verify")
    assert said.exit_code == 0
    assert "at entry 4 a new key begins: the former one was lost" in said.stdout
    assert "give the public key of before" in said.stdout
    told = json.loads(run("verify", "--former", former, "--json").stdout)
    assert (told["whole"], told["new_keys"], told["receipts"]) == (True, [4], 7)
    assert run("verify", "--former", "00" * 32).exit_code == 1
    assert run("verify", "--key", former).exit_code == 1
    assert run("verify", "--former", "nothing").exit_code == 2
    assert "-  rekeyed" in run("list").stdout
    del state
