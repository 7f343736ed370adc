"""The office destroys keys and links that are over, whatever died meanwhile, and by no wrong clock."""

import asyncio
import re
from collections.abc import Sequence

import pytest
from sqlalchemy import update

from bus.memory.broker import FakeBroker
from office.consent_evidence.officers_file import OfficersFile
from office.erasure.consent_ends import EVENT, note_seen
from office.keyring.ended import needed_until_ms
from office.keyring.kek import FileKek
from office.keyring.keyring import Keyring
from office.keyring.wrapping import KeyName
from office.registry.erasure_requests import NewErasure, ask
from office.registry.events import TakenBack
from office.registry.listed import list_consents, list_links
from office.registry.registry import Registry
from office.replay_memory.memory import WEEK_MS
from office.replay_memory.taken_back import TakenBackEvents
from office.store.database import Database
from office.store.erasure_tables import ERASURES
from policy.plan.consents import Grantable
from policy.plan.epochs import epoch_at
from policy.plan.plan import Plan
from roadfade import metrics
from roadfade.processes.clocks.judged_clock import JudgedClock
from roadfade.processes.office import register_ends
from roadfade.processes.office.process import topics_of
from roadfade.processes.office.register_ends import RegisterEnds
from roadfade.processes.office.reported_events import IDS_BEYOND_MS
from roadfade.settings import Settings
from telemetry.identity import DeviceId, SubjectId
from telemetry.instants import DAY_MS
from tests.office.erasure.test_consent_ends import keeping
from tests.office.erasure.test_consent_moves import evidencing
from tests.support.small_house import NOW_MS, Clock

ANA = SubjectId("ana-the-subject")
DEVICE = DeviceId("dongle-1")


class Versions:
    """Versions on record, by their plans."""

    def __init__(self, plans: Sequence[Plan]) -> None:
        self.plans = plans
        self.broken: list[int] = []

    def every_plan(self) -> Sequence[Plan]:
        return self.plans

    def versions_without_plan(self) -> Sequence[int]:
        return self.broken


class House:
    """An office's turn at keys, and what it works on."""

    def __init__(
        self, settings: Settings, broker: FakeBroker, database: Database, plan: Plan
    ) -> None:
        self.settings, self.database, self.plan = settings, database, plan
        self.clock = Clock()
        self.versions = Versions([plan])
        self.ends = RegisterEnds(settings, broker, database, self.versions, self.clock)
        (output,) = plan.outputs
        self.names: list[KeyName] = [
            (output.purpose, output.recipient, epoch_at(output.epoch, at_ms).name)
            for at_ms in (NOW_MS - 1000 * DAY_MS, NOW_MS)
        ]

    def opened(self) -> Keyring:
        return Keyring.open(self.settings.keyring_path, FileKek(self.settings.kek_file))

    def make(self) -> None:
        self.opened().ensure(self.names)

    def states(self) -> list[str | None]:
        ring = self.opened()
        return [ring.state(name) for name in self.names]

    async def turn(self) -> list[str | None]:
        await self.ends._attempt("keys", self.ends._keys)
        await self.ends._attempt("links", self.ends._links)
        return await asyncio.to_thread(self.states)


@pytest.fixture
async def house(settings: Settings, broker: FakeBroker, database: Database) -> House:
    keeper = await topics_of(settings, broker, database)
    made = House(settings, broker, database, keeper.plan)
    await asyncio.to_thread(made.make)
    # The broker of these tests says nothing of the time.
    broker.go_away()
    return made


def failures(step: str) -> float:
    return float(metrics.ERASURE_FAILURES.labels(step)._value.get())


async def test_a_key_whose_last_record_has_ended_is_destroyed_and_the_others_stay(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    destroyed = metrics.EPOCH_KEYS_DESTROYED._value.get()
    assert await house.turn() == ["destroyed", "live"]
    assert await house.turn() == ["destroyed", "live"]
    assert metrics.EPOCH_KEYS_DESTROYED._value.get() == destroyed + 1
    assert metrics.EPOCH_KEYS.labels("live")._value.get() == 1
    assert metrics.EPOCH_KEYS.labels("destroyed")._value.get() == 1
    said = " ".join(one.getMessage() for one in caplog.records)
    assert not re.search(r"\d{4}-\d\d\.\d", said)


async def test_a_request_that_may_mean_its_rows_keeps_it_until_commands_are_computed(
    house: House,
) -> None:
    await Registry(house.database).register(DEVICE, ANA, NOW_MS - 2000 * DAY_MS)
    until_ms = needed_until_ms(house.names[0], [house.plan], house.settings.replay_days * DAY_MS)
    assert until_ms is not None
    async with house.database.writing() as connection:
        await ask(connection, NewErasure("erase", ANA, "asked", 1, until_ms), until_ms - 1)
    assert await house.turn() == ["live", "live"]


async def test_nothing_is_destroyed_while_a_version_on_record_does_not_hold(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    house.versions.broken = [7]
    failed = failures("keys")
    for _ in range(2):
        assert await house.turn() == ["live", "live"]
    assert failures("keys") == failed + 2
    assert len([one for one in caplog.records if "version 7" in one.getMessage()]) == 1
    house.versions.broken = []
    assert await house.turn() == ["destroyed", "live"]


async def test_a_clock_that_jumps_ahead_destroys_nothing_for_an_hour(house: House) -> None:
    await house.turn()
    house.clock.now_ms += 5000 * DAY_MS
    assert await house.turn() == ["destroyed", "live"]


class Killed(BaseException):
    """The process ends here."""


@pytest.mark.parametrize("at", ["add", "keep_only"])
async def test_a_destruction_that_was_cut_short_is_finished_by_the_next_turn(
    house: House, monkeypatch: pytest.MonkeyPatch, at: str
) -> None:
    """Killed before the keys were emptied, or between that and the old KEK's end."""
    real = getattr(FileKek, at)

    def dying(holder: FileKek, *words: str) -> object:
        if at == "add":
            real(holder, *words)
        raise Killed

    ring = Keyring(house.settings.keyring_path, FileKek(house.settings.kek_file))
    with monkeypatch.context() as patched:
        patched.setattr(FileKek, at, dying)
        with pytest.raises(Killed):
            await asyncio.to_thread(ring.destroy, house.names[:1])
    assert len(await asyncio.to_thread(FileKek(house.settings.kek_file).load)) == 2
    assert await house.turn() == ["destroyed", "live"]
    assert len(await asyncio.to_thread(FileKek(house.settings.kek_file).load)) == 1


async def test_without_a_keyring_it_waits_in_silence(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    for one in house.settings.state_dir.glob("keyring*"):
        one.unlink()
    failed = failures("keys")
    await house.ends._attempt("keys", house.ends._keys)
    assert failures("keys") == failed
    assert not house.settings.keyring_path.exists()
    assert caplog.records == []


async def test_a_link_that_ended_long_ago_goes_and_only_its_number_is_said(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", logger=register_ends.__name__)
    registry = Registry(house.database)
    link = await registry.register(DEVICE, ANA, NOW_MS - 3000 * DAY_MS)
    await registry.register(DeviceId("dongle-2"), ANA, NOW_MS - 3000 * DAY_MS)
    await registry.close_link(DEVICE, NOW_MS - 2000 * DAY_MS)
    await house.turn()
    assert len(await list_links(house.database)) == 2  # its end became known only now
    house.clock.now_ms += 2000 * DAY_MS
    house.ends._judged = JudgedClock(house.ends._heard, 0.0, house.clock)
    deleted = metrics.LINKS_DELETED._value.get()
    await house.turn()
    assert len(await list_links(house.database)) == 1
    assert metrics.LINKS_DELETED._value.get() == deleted + 1
    said = " ".join(one.getMessage() for one in caplog.records)
    assert "deleted 1 links" in said
    assert link not in said and ANA not in said


async def test_a_consent_whose_evidence_is_kept_no_longer_goes_and_nobody_is_named(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", logger=register_ends.__name__)
    asks = Grantable("study", "location", None, "study@1")
    registry = Registry(house.database, {asks: {}})
    await registry.register(DEVICE, ANA, NOW_MS - 3000 * DAY_MS)
    consent = await registry.grant(ANA, *asks, NOW_MS - 3000 * DAY_MS)
    await registry.withdraw(ANA, "study", None, NOW_MS - 2000 * DAY_MS)
    await note_seen(house.database, NOW_MS - 2000 * DAY_MS)
    async with house.database.writing() as connection:
        await connection.execute(update(ERASURES).values(state="closed"))
    deleted = metrics.CONSENTS_DELETED._value.get()
    await house.ends._attempt("consents", house.ends._consents)
    assert metrics.CONSENTS_DELETED._value.get() == deleted
    house.versions.plans = [house.plan, keeping(3, house.plan)]
    await house.ends._attempt("consents", house.ends._consents)
    assert metrics.CONSENTS_DELETED._value.get() == deleted + 1
    assert await list_consents(house.database, ANA) == []
    said = " ".join(one.getMessage() for one in caplog.records)
    assert "deleted 1 consents" in said
    assert consent not in said and ANA not in said


async def test_a_consent_that_goes_leaves_evidence_until_its_day_and_by_no_clock_that_is_ahead(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    asks = Grantable("study", "location", None, "study@1")
    registry = Registry(house.database, {asks: {}})
    await registry.register(DEVICE, ANA, NOW_MS - 3000 * DAY_MS)
    await registry.grant(ANA, *asks, NOW_MS - 3000 * DAY_MS)
    await registry.withdraw(ANA, "study", None, NOW_MS - 2000 * DAY_MS)
    await note_seen(house.database, NOW_MS - 2000 * DAY_MS)
    async with house.database.writing() as connection:
        await connection.execute(update(ERASURES).values(state="closed"))
    house.versions.plans = [evidencing(9, EVENT, keeping(3, house.plan))]
    ended = metrics.EVIDENCE_ENDED._value.get()
    for what in ("consents", "evidence"):
        await house.ends._attempt(what, getattr(house.ends, f"_{what}"))
    assert await list_consents(house.database, ANA) == []
    file = OfficersFile(house.settings.consent_evidence_path)
    (row,) = await asyncio.to_thread(file.rows, NOW_MS)
    assert (row.purpose, row.notice) == ("study", "study@1")
    assert metrics.EVIDENCE_ROWS._value.get() == 1
    house.clock.now_ms += 5000 * DAY_MS
    await house.ends._attempt("evidence", house.ends._evidence)
    assert await asyncio.to_thread(file.count) == 1
    house.clock.now_ms = row.ends_ms
    house.ends._judged = JudgedClock(house.ends._heard, 0, house.clock)
    await house.ends._attempt("evidence", house.ends._evidence)
    assert await asyncio.to_thread(file.count) == 0
    assert metrics.EVIDENCE_ENDED._value.get() == ended + 1
    assert metrics.EVIDENCE_ROWS._value.get() == 0
    said = " ".join(one.getMessage() for one in caplog.records)
    assert row.number not in said and ANA not in said


async def test_a_failure_is_counted_and_ends_nothing(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    stopping = asyncio.Event()
    turns = []

    async def fails() -> None:
        turns.append(1)
        if len(turns) == 3:
            stopping.set()
        msg = "no disk"
        raise OSError(msg)

    monkeypatch.setattr(house.ends, "_keys", fails)
    failed = failures("keys")
    await house.ends.run(stopping)
    assert failures("keys") == failed + 3


async def test_a_topic_may_bring_what_was_taken_back_for_longer_than_anything_is_restored(
    settings: Settings, house: House
) -> None:
    week_ends_ms = NOW_MS // WEEK_MS * WEEK_MS
    clock = Clock(week_ends_ms - 1)
    taken_back = TakenBackEvents(house.database.file, clock)
    await taken_back.remember(TakenBack("row-1", ["digest"]))
    restoring_nothing = settings.model_copy(update={"replay_days": 0})
    for beyond_ms, found in ((-1, {"digest"}), (0, set[str]())):
        clock.now_ms = week_ends_ms + IDS_BEYOND_MS + beyond_ms
        ends = RegisterEnds(
            restoring_nothing, house.ends._broker, house.database, house.versions, clock
        )
        await ends._memory()
        assert await taken_back.known(["digest"]) == found
