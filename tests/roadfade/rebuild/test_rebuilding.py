"""An office that is lost comes back from its topics as it was, and revives nobody."""

import shutil
from pathlib import Path

import pytest

from office.consent_evidence.rows import Facts, evidence_of
from office.erasure.progress import Progress
from office.keyring.memory import MemoryKeyring
from office.registry.erasure_requests import NewErasure, ask
from office.replay_memory.known import StoreOf
from office.replay_memory.memory import ReplayMemory
from policy.vocabulary.terms import Period
from roadfade.processes.office.process import tell_lost_offices
from roadfade.processes.starting import require_no_restore
from roadfade.rebuild.rebuilding import look
from roadfade.rebuild.steps import Step
from roadfade.refusal import NotReady, Refusal
from telemetry.instants import DAY_MS, HOUR_MS
from telemetry.topics import CONTROL_POLICIES, HEARTBEAT_KEY
from tests.office.erasure.conftest import HORIZONS, SIGNING
from tests.roadfade.rebuild.small_office import (
    ANA,
    BEN,
    SHARING,
    KillAt,
    Killed,
    SmallOffice,
    quiet,
)

OF_CONSENTS = "consent, subject, purpose, basis, recipient, notice, from_ms, to_ms"
OF_PEOPLE = (
    "SELECT * FROM devices ORDER BY row",
    "SELECT link, device, subject, secret, from_ms, to_ms, role FROM links ORDER BY link",
    f"SELECT {OF_CONSENTS} FROM consents ORDER BY consent",  # noqa: S608  # a constant
    "SELECT * FROM restrictions ORDER BY restriction",
    "SELECT * FROM policies",
)
WHOLE = NewErasure("erase", ANA, "asked")


def everything(office: SmallOffice) -> list[list[object]]:
    return [office.rows(query) for query in OF_PEOPLE]


def asked(office: SmallOffice, new: NewErasure) -> None:
    async def work() -> None:
        async with office.database.writing() as connection:
            await ask(connection, new, office.now_ms)

    office.do(work())


def test_all_rows_come_back_under_their_own_ids_and_the_topics_need_no_mending(
    office: SmallOffice,
) -> None:
    office.do(office.registry.withdraw(ANA, "sharing", "insurer", office.now_ms))
    office.do(office.registry.object_to(BEN, "study", None, office.now_ms))
    office.beat()
    before = everything(office)
    told = office.high_water()
    office.lose()

    done = office.rebuild()

    assert done.outlook.lacking == []
    assert everything(office) == before
    assert office.mend() == 0
    assert office.do(office.outbox.high_water()) == told
    office.beat()
    assert office.high_water() == told
    office.do(office.registry.grant(ANA, *SHARING, office.now_ms))
    assert office.do(office.outbox.last_sequence()) == told + 1, "none is used twice"


def test_a_store_that_is_away_is_awaited_after_a_rebuild_and_a_retired_one_is_not(
    office: SmallOffice,
) -> None:
    office.beat()
    memory = ReplayMemory.made(office.settings.suppressions_path, office.now_ms)
    away, retired = StoreOf("lake:away", "study"), StoreOf("lake:retired", "study")
    memory.remember_stores({away: 7, retired: 8})
    memory.remember_stores({away: 7, retired: None})
    office.lose()

    office.rebuild()

    found = office.rows("SELECT store, output, since_ms, retired_ms FROM erase_stores")
    assert found == [("lake:away", "study", 7, None)]


def test_what_came_behind_the_last_heartbeat_is_taken_and_counted(office: SmallOffice) -> None:
    told = office.high_water()
    office.do(office.registry.grant(BEN, *SHARING, office.now_ms))
    office.do(office.registry.withdraw(ANA, "sharing", "insurer", office.now_ms))
    office.drain()
    before = everything(office)
    office.lose()

    done = office.rebuild()

    assert done.outlook.unvouched == 1  # whoever agrees again changes nothing
    assert everything(office) == before
    assert office.do(office.outbox.high_water()) == told + 1
    assert office.mend() == 0


def test_a_withdrawal_that_was_remembered_and_not_published_holds(office: SmallOffice) -> None:
    at_ms = office.now_ms
    office.do(office.registry.withdraw(ANA, "sharing", "insurer", at_ms))
    office.remember()
    office.lose()

    done = office.rebuild()

    assert office.rows("SELECT subject, to_ms FROM consents WHERE to_ms IS NOT NULL") == [
        (ANA, at_ms)
    ]
    assert done.built is not None
    assert (done.built.amended.ended, done.built.amended.withdrawals) == (1, 1)
    assert office.rows("SELECT kind, subject, from_ms FROM erasures") == [("withdraw", ANA, at_ms)]
    office.beat()
    assert office.mend() == 0


def test_a_withdrawal_that_takes_effect_later_is_carried_out_then(office: SmallOffice) -> None:
    later_ms = office.now_ms + 10 * DAY_MS
    office.do(office.registry.withdraw(ANA, "sharing", "insurer", later_ms, now_ms=office.now_ms))
    office.beat()
    office.lose()

    office.rebuild()

    assert office.rows("SELECT kind, state, from_ms FROM erasures") == [
        ("withdraw", "asked", later_ms)
    ]


def test_who_asked_to_be_forgotten_is_still_to_be(office: SmallOffice) -> None:
    asked(office, WHOLE)
    office.beat()
    office.lose()

    done = office.rebuild()

    assert done.built is not None
    assert done.built.forgetting == 1
    assert office.rows("SELECT kind, state, subject FROM erasures") == [("erase", "asked", ANA)]
    assert len(office.rows("SELECT 1 FROM restrictions")) == 1
    assert office.mend() == 0


def test_who_is_unlinked_already_is_forgotten_once_every_worker_knows(office: SmallOffice) -> None:
    asked(office, WHOLE)
    (link,) = office.rows(f"SELECT link FROM links WHERE subject = '{ANA}'")  # noqa: S608  # ours
    office.do(office.registry.delete_link(*link))
    office.do(_forget_consents(office))
    office.beat()
    office.lose()

    office.rebuild()

    assert office.rows("SELECT kind, subject FROM erasures") == [("erase", ANA)]
    assert office.rows("SELECT 1 FROM links") == [(1,)]
    progress = Progress(office.database, MemoryKeyring(), SIGNING.sign, HORIZONS)
    office.do(_turned(office, progress))
    unlinked_ms = office.now_ms
    copies = "SELECT copy, due_ms, ended_ms FROM erase_steps ORDER BY copy"
    assert office.rows(copies) == [
        ("control topics", unlinked_ms + HORIZONS.control_ms, None),
        ("events.reported", unlinked_ms + HORIZONS.events_ms, None),
    ]
    while office.now_ms < unlinked_ms + HORIZONS.events_ms - HOUR_MS:
        office.now_ms += HOUR_MS
        office.do(_turned(office, progress))
        assert office.rows("SELECT d2_ms FROM erasures") == [(None,)]
    for _ in range(2):
        office.now_ms += HOUR_MS
        office.do(_turned(office, progress))
    ((gone_ms,),) = office.rows("SELECT d2_ms FROM erasures")
    assert gone_ms >= unlinked_ms + HORIZONS.events_ms
    assert office.rows("SELECT 1 FROM restrictions") == []


async def _turned(office: SmallOffice, progress: Progress) -> None:
    """What waits goes out, and the office looks at its requests."""
    await office.published(office.outbox.drain)
    await progress.turn(list, (), office.now_ms)


async def _forget_consents(office: SmallOffice) -> None:
    from office.registry.consents import delete_consents  # noqa: PLC0415  # for this alone

    async with office.database.writing() as connection:
        await delete_consents(connection, ANA)


def test_what_has_ended_counts_as_seen_at_its_end(office: SmallOffice) -> None:
    """Counted from now, everybody who left would be kept anew for as long as any row lives."""
    ended_ms = office.now_ms - 100 * DAY_MS
    office.do(office.registry.close_link(office.device(ANA), ended_ms))
    (link,) = office.rows(f"SELECT link FROM links WHERE subject = '{BEN}'")  # noqa: S608  # ours
    office.do(office.registry.delete_link(*link))
    office.beat()
    office.lose()

    office.rebuild()

    assert office.rows("SELECT to_ms, seen_ended_ms FROM links") == [(ended_ms, ended_ms)]
    found = "SELECT subject, ended_ms, seen_ended_ms, from_ms FROM consents ORDER BY subject"
    (_, *anas, _), (_, *bens, bens_from) = office.rows(found)
    assert anas == [ended_ms, ended_ms], "it ended with the last link"
    assert bens == [bens_from + 1, bens_from + 1], "nobody knows when, but not before it began"
    said = "consent, purpose, basis, recipient, notice, from_ms, ended_ms"
    (facts,) = office.rows(f"SELECT {said} FROM consents WHERE subject = '{BEN}'")  # noqa: S608  # ours
    left = evidence_of(Facts(*facts), Period(3, "years"), str, office.now_ms)
    assert left is not None, "it held, so that it was given is shown for as long as the policy says"
    assert left.row.ended_day == left.row.given_day


def test_an_office_that_is_there_is_never_overwritten(office: SmallOffice) -> None:
    content = office.settings.office_path.read_bytes()
    with pytest.raises(Refusal, match="--move-aside"):
        office.rebuild()
    assert office.settings.office_path.read_bytes() == content
    assert not office.settings.rebuilding_dir.exists()


def test_a_damaged_one_is_moved_aside_with_what_lies_beside_it(office: SmallOffice) -> None:
    before = everything(office)
    office.close()
    place = office.settings.office_path
    place.write_bytes(b"no database")
    place.with_name("office.sqlite-wal").write_bytes(b"its log")

    done = office.rebuild(move_aside=True)

    assert done.moved_aside is not None
    assert done.moved_aside.read_bytes() == b"no database"
    assert Path(f"{done.moved_aside}-wal").read_bytes() == b"its log"
    assert everything(office) == before


def test_a_log_without_its_database_is_not_played_over_the_new_one(office: SmallOffice) -> None:
    office.lose()
    office.settings.office_path.with_name("office.sqlite-wal").write_bytes(b"its log")
    with pytest.raises(Refusal, match=r"office\.sqlite-wal"):
        office.rebuild()
    office.rebuild(move_aside=True)
    assert office.mend() == 0


@pytest.mark.parametrize("move_aside", [False, True])
def test_an_office_that_came_meanwhile_is_refused_and_stays(
    office: SmallOffice, *, move_aside: bool
) -> None:
    office.lose()
    place = office.settings.office_path

    def comes(step: Step) -> None:
        if step is Step.BUILT:
            place.write_bytes(b"a restored office")

    with pytest.raises(Refusal, match="there is an office"):
        office.rebuild(comes, move_aside=move_aside)
    assert place.read_bytes() == b"a restored office"
    assert not office.settings.rebuilding_dir.exists()


@pytest.mark.parametrize("step", Step)
def test_killed_at_any_step_there_is_no_office_or_the_new_one(
    office: SmallOffice, step: Step
) -> None:
    before = everything(office)
    office.close()
    place, damaged = office.settings.office_path, b"no database"
    place.write_bytes(damaged)
    place.with_name("office.sqlite-wal").write_bytes(b"its log")

    with pytest.raises(Killed):
        office.rebuild(KillAt(step), move_aside=True)

    with pytest.raises(NotReady, match="office rebuild"):
        require_no_restore(office.settings)
    is_old = step in (Step.BEGUN, Step.BUILT)
    assert place.exists() == (is_old or step is Step.PLACED)
    assert not is_old or place.read_bytes() == damaged
    if step is Step.PLACED:
        office.open()
        with pytest.raises(Refusal, match="there is an office"):
            office.rebuild()
    else:
        office.rebuild(move_aside=True)
    assert everything(office) == before
    assert office.mend() == 0
    require_no_restore(office.settings)
    lost, log = sorted(office.settings.state_dir.glob("office.sqlite.lost-*"))
    assert log.name == f"{lost.name}-wal", "a log keeps the name of its database"


def test_the_office_names_what_was_moved_aside_until_it_is_gone(
    office: SmallOffice, caplog: pytest.LogCaptureFixture
) -> None:
    office.close()
    moved = office.rebuild(move_aside=True).moved_aside
    assert moved is not None
    tell_lost_offices(office.settings)
    assert f"{moved.name} still holds persons" in caplog.text
    caplog.clear()
    moved.unlink()
    tell_lost_offices(office.settings)
    assert not caplog.records


def test_looking_changes_nothing(office: SmallOffice) -> None:
    office.lose()
    there = sorted(office.settings.state_dir.iterdir())
    ends = {topic: len(office.broker.records(topic)) for topic in office.partitions}

    done = look(office.settings, office.broker, lambda: office.now_ms, quiet)

    assert done.built is None
    counts = done.outlook.rows.counts()
    assert (counts["devices"], counts["links"], counts["consents"], counts["versions"]) == (
        2,
        2,
        2,
        1,
    )
    assert sorted(office.settings.state_dir.iterdir()) == there
    assert {topic: len(office.broker.records(topic)) for topic in office.partitions} == ends
    office.rebuild()


def test_if_the_whole_state_folder_is_lost_the_topics_are_enough(office: SmallOffice) -> None:
    office.do(office.registry.withdraw(ANA, "sharing", "insurer", office.now_ms))
    office.beat()
    before = everything(office)
    office.close()
    shutil.rmtree(office.settings.state_dir)

    done = office.rebuild()

    assert (done.has_memory, done.has_keyring) == (False, False)
    assert everything(office) == before
    assert office.mend() == 0


def test_beside_an_office_that_publishes_none_is_rebuilt(office: SmallOffice) -> None:
    office.lose()
    beat = next(r for r in office.broker.records(CONTROL_POLICIES) if r.key == HEARTBEAT_KEY)

    def somebody_beats(_done: int, _total: int) -> None:
        office.write(CONTROL_POLICIES, HEARTBEAT_KEY, beat.value)

    with pytest.raises(Refusal, match="somebody publishes"):
        office.rebuild(tell=somebody_beats)
    assert not office.settings.office_path.exists()
    require_no_restore(office.settings)
    office.rebuild()
