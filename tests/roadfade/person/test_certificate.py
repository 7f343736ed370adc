"""A certificate tells what is on record, names nobody, and claims no more than receipts can."""

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import insert

from office.erasure.answers import take_answers
from office.erasure.certified import Certified, certified, opened_by
from office.erasure.overview import of_subject
from office.erasure.saga import State
from office.errors import OfficeError
from office.registry.erasure_requests import NewErasure
from office.registry.told_recipients import mark_told, note_recipients
from office.restored.commands import take_over
from office.store.erasure_tables import ERASE_COMMANDS
from policy.plan.outside_recipients import OutsideRecipient
from policy.vocabulary.bilingual import Language
from roadfade.person.certificate import certificate_page
from telemetry.instants import DAY_MS
from telemetry.wire.erasure import EraseAnswer
from tests.office.erasure.conftest import ANA, BEN, HORIZONS, LAKE, NOW_MS, SIGNING, Office
from tests.support.documents import policy_of
from tests.support.plans import PLAN

KEY = SIGNING.public_key().public_bytes_raw()
POLICY = policy_of()
SEEN = re.compile(r"<(?:style|title)>.*?</(?:style|title)>|<[^>]+>", re.DOTALL)


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    made = Office(tmp_path / "state")
    await made.open()
    await made.furnish()
    yield made
    await made.database.close()


async def told(office: Office, erasure: str) -> Certified:
    return await certified(
        office.database, erasure, SIGNING.sign, KEY, HORIZONS.view_ms, office.now_ms
    )


async def page(found: Certified, language: Language = "en") -> str:
    return await asyncio.to_thread(certificate_page, found, POLICY, [PLAN], language)


async def seen(found: Certified, language: Language = "en") -> str:
    html = await page(found, language)
    assert "<script" not in html
    assert "default-src 'none'" in html
    return " ".join(SEEN.sub(" ", html).split())


async def test_it_tells_what_was_asked_what_was_reached_and_which_copy_answered_what(
    office: Office,
) -> None:
    asked = await office.ask(NewErasure("erase", ANA, "asked"))
    await office.run(asked.erasure)
    found = await told(office, asked.erasure)
    text = await seen(found)
    assert (
        f"{asked.erasure} 2026-09-21 23:13 the person asked for it everything of the person" in text
    )
    assert "Nobody is given it any more 2026-09-21" in text
    assert "not yet" not in text
    assert "no day can be named: no backup is on the register" in text
    for output in PLAN.outputs:
        # Of each output by the store that had it: so many before, and none after.
        assert f"{LAKE} {output.purpose} removed by the store that had it 7 0 " in text
    for topic in ("telemetry.raw", *(one.topic for one in PLAN.outputs)):
        assert f"{topic} - ended by itself, within its bound" in text
    assert "office - vehicles, consents and secrets were deleted" in text
    assert "tamper-evident evidence" in text
    assert "proof that there is no other copy" in text
    for one in found.receipts:
        assert one.receipt.hash in text
    assert (found.head.hash in text, KEY.hex() in text) == (True, True)


async def test_what_is_not_done_yet_is_said_to_be_not_yet(office: Office) -> None:
    parts = NewErasure("erase", ANA, "asked", NOW_MS - 9 * DAY_MS, None, None, ["sharing"])
    asked = await office.ask(parts)
    with pytest.raises(OfficeError, match="no receipt of that request yet"):
        await told(office, asked.erasure)
    office.hindered = {"sharing"}
    await office.run(asked.erasure, State.SUPPRESSED)
    text = await seen(await told(office, asked.erasure))
    assert "sharing, recorded from 2026-09-12 23:13 on, recorded before 2026-09-21 23:13" in text
    assert "on the register not yet" in text
    assert "No copy has answered yet." in text
    assert "purpose.sharing: nobody can rewrite it. It ends by itself, by 2026-09-" in text
    assert "Not every store has answered yet." in text
    assert "What comes late is refused until 2026-" in text
    assert "everything of the person" not in text


async def test_a_withdrawal_for_which_nothing_was_left_says_so_and_is_not_told_as_to_come(
    office: Office,
) -> None:
    later_ms = NOW_MS + 400 * DAY_MS
    for at_ms in (later_ms, later_ms - DAY_MS):
        await office.registry.withdraw(ANA, "sharing", "insurer", at_ms, now_ms=NOW_MS)
    async with office.database.reading() as connection:
        one, other = await of_subject(connection, ANA, HORIZONS.view_ms, NOW_MS)
    needless = one if one.state is State.CLOSED else other
    assert needless.needless
    text = await seen(await told(office, needless.erasure))
    assert text.count("nothing lay there that this request had to remove") == 5
    assert "not yet" not in text
    assert "No copy has answered yet" not in text
    assert "消去すべきもの" in await seen(await told(office, needless.erasure), "ja")


async def test_commands_that_outlived_their_request_are_not_told_as_if_nothing_had_been_removed(
    office: Office,
) -> None:
    async with office.database.writing() as connection:
        erasure = await take_over(connection, NOW_MS + 1, NOW_MS)
        row = {"command": "c" * 22, "erasure": erasure, "output": "x", "topic": "t", "value": b"{}"}
        await connection.execute(insert(ERASE_COMMANDS), row)
        answer = EraseAnswer(
            v=1, command="c" * 22, output="x", store=LAKE, located_before=7, located_after=0,
            unreadable=0, digest="d" * 64, at_ms=NOW_MS,
        )  # fmt: skip
        assert await take_answers(connection, [answer]) == 0
    office.now_ms += DAY_MS
    await office.run(erasure)
    found = await told(office, erasure)
    assert not found.overview.needless
    text = await seen(found)
    assert "nothing lay there" not in text
    assert f"{LAKE} x removed by the store that had it 7 0" in text
    assert "not yet" not in text


@pytest.mark.parametrize("language", ["ja", "en"])
async def test_nobody_stands_in_it_and_the_nonce_alone_opens_it(
    office: Office, language: Language
) -> None:
    asked = await office.ask(NewErasure("erase", ANA, "asked"))
    await office.run(asked.erasure, State.ERASED)
    found = await told(office, asked.erasure)
    text = await seen(found, language)
    assert asked.nonce is not None
    assert await opened_by(office.database, asked.nonce, ANA) == asked.erasure
    for nonce, who in ((asked.nonce, BEN), (b"x" * 32, ANA)):
        with pytest.raises(OfficeError, match="no request is opened"):
            await opened_by(office.database, nonce, who)
    assert (found.receipts[0].entry.opening or "-") in text
    for secret in (ANA, BEN, "dongle-of", asked.nonce.hex()):
        assert secret not in text


async def test_a_withdrawal_and_an_end_are_told_as_what_they_are(office: Office) -> None:
    await office.registry.withdraw(ANA, "sharing", "insurer", NOW_MS, now_ms=NOW_MS)
    ended = await office.ask(NewErasure("end", BEN, "contract_end", to_ms=NOW_MS))
    await office.turn()
    (withdrawn,) = [e.erasure for e in await office.entries() if e.erasure != ended.erasure]
    text = await seen(await told(office, withdrawn))
    assert "the person took a consent back what rests on that consent, sharing" in text
    text = await seen(await told(office, ended.erasure))
    assert "its period is over, after your contract ends" in text


async def test_an_end_is_told_as_what_ends_with_its_event_and_no_more(office: Office) -> None:
    output, other = PLAN.outputs[:2]
    lanes = {output.id: [output.lanes[0].name]}
    new = NewErasure("end", BEN, "contract_end", to_ms=NOW_MS, lanes=lanes)
    asked = await office.ask(new)
    await office.turn()
    text = await seen(await told(office, asked.erasure))
    said = f"only what ends with this event, {output.purpose}, recorded before 2026-"
    assert said in text
    assert other.purpose not in text.split("Nobody is given it")[0]


async def test_a_withdrawal_that_erases_says_that_what_was_before_went_too(office: Office) -> None:
    await office.registry.withdraw(ANA, "sharing", "insurer", NOW_MS, now_ms=NOW_MS)
    await office.turn()
    (entry, *_) = await office.entries()
    found = await told(office, entry.erasure)
    before = "what was recorded before 2026-09-21"
    assert before not in await seen(found)
    erasing = POLICY.plan.cells[0]
    cell = replace(erasing, purpose="sharing", on_withdrawal="erase")
    html = await asyncio.to_thread(
        certificate_page, found, POLICY, [replace(PLAN, cells=(cell,))], "en"
    )
    assert before in " ".join(SEEN.sub(" ", html).split())


async def test_a_chain_that_is_not_whole_certifies_nothing(office: Office) -> None:
    asked = await office.ask(NewErasure("erase", ANA, "asked"))
    await office.run(asked.erasure, State.ERASED)
    with pytest.raises(OfficeError, match="not whole"):
        await certified(office.database, asked.erasure, SIGNING.sign, b"k" * 32, 1, NOW_MS)
    with pytest.raises(OfficeError, match="no request of that number"):
        await told(office, "AAAA")


async def test_markup_in_what_is_shown_is_text(office: Office) -> None:
    office.stores = ["lake:<b>"]
    asked = await office.ask(NewErasure("erase", ANA, "asked"))
    await office.run(asked.erasure, State.ERASED)
    html = await page(await told(office, asked.erasure), "ja")
    assert "<b>" not in html
    assert "lake:&lt;b&gt;" in html


async def test_who_outside_is_told_stands_with_when_and_nobodys_name(office: Office) -> None:
    asked = await office.ask(NewErasure("correction", ANA, "sold_earlier", NOW_MS - 9, NOW_MS))
    await office.run(asked.erasure, State.ERASED)
    text = await seen(await told(office, asked.erasure))
    assert "it was recorded by somebody else" in text
    assert "Who outside is told of it" not in text
    lab = OutsideRecipient("study", "lab")
    async with office.database.writing() as connection:
        team = OutsideRecipient("study", "team")
        await note_recipients(connection, asked.erasure, [lab, team], NOW_MS)
        await mark_told(connection, asked.erasure, "team", "Hana", NOW_MS)
    text = await seen(await told(office, asked.erasure))
    assert "lab Study not yet the team Study 2026-09-21" in text
    assert "Hana" not in text
