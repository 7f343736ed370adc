"""``roadfade receipts certificate`` writes a page for a request that is there, and refuses others."""

import asyncio
import json
from pathlib import Path

import pytest

from office.erasure.receipt_chain import opening
from office.erasure.receipts import Draft, issue
from office.erasure.signing import Signer
from office.store.database import Database
from roadfade.settings import Settings
from tests.roadfade.commands.test_person import ANA, NOW_MS, Office
from tests.support.small_house import settings_in


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    made = settings_in(tmp_path)
    for module in ("commands.person_asks", "terminal.answers"):
        monkeypatch.setattr(f"roadfade.{module}.settings", lambda: made)
    return made


async def receipts(settings: Settings, erasure: str, nonce: str) -> None:
    signer = await asyncio.to_thread(Signer.opened, settings.receipt_key_file)
    shown = opening(bytes.fromhex(nonce), erasure, ANA)
    drafts: list[Draft] = [
        {"erasure": erasure, "what": "asked", "opening": shown},
        {"erasure": erasure, "what": "denied", "d1_ms": NOW_MS},
    ]
    database = await Database.open(settings.office_path)
    async with database.writing() as connection:
        await issue(connection, drafts, signer.sign, NOW_MS)
    await database.close()


def test_a_page_is_written_for_a_number_or_for_whoever_has_the_nonce(
    settings: Settings, tmp_path: Path
) -> None:
    office = Office(settings)
    asked = json.loads(office("person", "erase", "--subject", ANA, "--yes", "--json").stdout)
    number, nonce, file = asked["erasure"], asked["for_the_person"], tmp_path / "page.html"
    words = ["receipts", "certificate", "--to", str(file)]
    early = office(*words, "--request", number)
    assert (early.exit_code, "no receipt of that request yet" in early.stderr) == (1, True)
    assert not settings.receipt_key_file.exists()
    asyncio.run(receipts(settings, number, nonce))
    assert office(*words, "--request", number).exit_code == 0
    japanese = file.read_text(encoding="utf-8")
    assert "ご本人の請求" in japanese
    opened = office(*words, "--nonce", nonce, "--subject", ANA, "--locale", "en", "--json")
    assert json.loads(opened.stdout) == {"request": number, "receipts": 2}
    english = file.read_text(encoding="utf-8")
    assert "the person asked for it" in english
    for page in (japanese, english):
        assert number in page
        assert ANA not in page
        assert nonce not in page
    wrong = office(*words, "--nonce", "00" * 32, "--subject", ANA)
    assert (wrong.exit_code, "no request is opened" in wrong.stderr) == (1, True)
    for asking in (
        ["--request", number, "--nonce", nonce, "--subject", ANA],
        ["--nonce", nonce],
        ["--request", number, "--subject", ANA],
        ["--nonce", "no hex", "--subject", ANA],
        [],
    ):
        assert office(*words, *asking).exit_code == 2
    nowhere = ["receipts", "certificate", "--to", str(tmp_path / "none" / "page.html")]
    assert office(*nowhere, "--request", number).exit_code == 2
