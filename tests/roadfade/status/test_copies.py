"""What lies on broker or disk and is in no register is found, by its name alone."""

import asyncio
import shutil
from pathlib import Path

import pytest

from bus.memory.broker import FakeBroker
from bus.ports import ReaderSettings
from bus.topics import TopicSpec
from office.consent_evidence.officers_file import OfficersFile
from office.keyring.kek import FileKek
from office.keyring.keyring import Keyring
from office.store.database import make_office
from roadfade.commands.audit import copies_report
from roadfade.ledger_file import LedgerFile
from roadfade.raw_routing import make_routing_key
from roadfade.settings import Settings
from roadfade.status.copies import Copies, on_broker, on_disk
from roadfade.status.copy_register import FILES, kind_of
from telemetry.topics import WORKER_GROUP
from tests.support.small_house import BROKEN, FIRST, NOW_MS, make_topics, settings_in, tell, version


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return settings_in(tmp_path)


@pytest.fixture
async def broker(settings: Settings) -> FakeBroker:
    made = FakeBroker()
    await make_topics(made, settings, FIRST)
    tell(made, [FIRST])
    return made


def furnish(settings: Settings) -> None:
    """What the processes make in their folder."""
    asyncio.run(make_office(settings.office_path))
    keyring = Keyring.open(settings.keyring_path, FileKek(settings.kek_file))
    keyring.ensure([("study", "team", "2026-10.3m")])
    keyring.close()
    Keyring.open(settings.raw_keys_path, FileKek(settings.raw_kek_file)).close()
    LedgerFile(settings.ledger_path)
    OfficersFile.made(settings.consent_evidence_path)
    make_routing_key(settings.routing_key_path)
    for name in ("ports/worker-0", "slots/worker-0.slot", "logs/office.log", "cache/parsed"):
        file = settings.state_dir / name
        file.parent.mkdir(exist_ok=True)
        file.write_text("")


def looked(settings: Settings) -> Copies:
    found = Copies()
    on_disk(settings, found)
    return found


async def on_it(settings: Settings, broker: FakeBroker) -> Copies:
    found = Copies()
    await on_broker(settings, broker, found)
    return found


def test_what_the_processes_make_is_registered(settings: Settings) -> None:
    furnish(settings)
    found = looked(settings)
    assert (found.strange_files, found.unknown) == ([], [])
    assert found.files["office"] >= 1 and found.bytes["office"] > 0
    assert found.files["key of keys"] == 2
    assert found.files["raw keys"] >= 1
    assert found.files["evidence of consents"] >= 1


@pytest.mark.parametrize(
    "name",
    [
        "office.sqlite.bak",
        "office.sqlite.lost-20261130T101500Z",
        "office copy.sqlite",
        "backup/office.sqlite",
        "logs/office.sqlite",
        "kek.old",
        "run/keyring.sqlite.1",
        "lake/office.sqlite",
    ],
)
def test_a_copy_of_a_database_or_key_is_found_wherever_it_lies(
    settings: Settings, name: str
) -> None:
    furnish(settings)
    copy = settings.state_dir / name
    copy.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(settings.office_path, copy)
    found = looked(settings)
    assert found.strange_files == [name]
    report = copies_report(found)
    assert report["registered"] is False
    assert report["unregistered"]["files"] == [name]


@pytest.mark.parametrize("folder", ["_restoring", "_restored", "_rebuilding", "_drill"])
def test_what_a_cut_restore_or_rebuild_left_is_registered(settings: Settings, folder: str) -> None:
    furnish(settings)
    (settings.state_dir / folder).mkdir()
    shutil.copy(settings.office_path, settings.state_dir / folder / "office.sqlite")
    assert looked(settings).strange_files == []


def test_a_link_is_named_and_not_followed(settings: Settings, tmp_path: Path) -> None:
    furnish(settings)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "a").write_text("")
    (settings.state_dir / "away").symlink_to(elsewhere)
    (settings.state_dir / "ledger.sqlite-wal").unlink(missing_ok=True)
    (settings.state_dir / "ledger.sqlite-wal").symlink_to(elsewhere / "a")
    assert sorted(looked(settings).strange_files) == ["away", "ledger.sqlite-wal"]


def test_a_name_of_any_bytes_is_one_printable_line(settings: Settings) -> None:
    furnish(settings)
    (settings.state_dir / "a\nb\x1b[31m").write_text("")
    assert looked(settings).strange_files == ["a\\nb\\x1b[31m"]


def test_every_line_of_the_register_names_something() -> None:
    assert all(one.kind and one.ends for one in FILES)
    assert kind_of("run/office.sqlite") == "office"
    assert kind_of("kafka/telemetry.raw-0/00000000000000000000.log") is None
    assert kind_of("run/kafka/telemetry.raw-0/00000000000000000000.log") is not None


async def test_topics_of_the_policy_are_registered(settings: Settings, broker: FakeBroker) -> None:
    found = await on_it(settings, broker)
    assert (found.unregistered, found.unknown) == (0, [])
    assert {"purpose.study", "telemetry.raw", "control.erase.study"} <= set(found.topics)


async def test_a_rogue_topic_and_a_rogue_reader_are_found(
    settings: Settings, broker: FakeBroker
) -> None:
    async with broker.admin() as admin:
        await admin.create([TopicSpec("purpose.study.copy", 1, {})])

    async def nothing() -> None:
        return

    for group in (WORKER_GROUP, "someone"):
        member = broker.group_member(
            group, ["purpose.study"], member=None, settings=ReaderSettings(), revoked=nothing
        )
        await member.start()
        await member.stop(1_000)
    found = await on_it(settings, broker)
    assert found.strange_topics == ["purpose.study.copy"]
    assert found.strange_groups == ["someone"]


async def test_a_version_that_does_not_hold_is_named_as_unknown(
    settings: Settings, broker: FakeBroker
) -> None:
    tell(broker, [version(2, NOW_MS + 10**9, BROKEN)])
    found = await on_it(settings, broker)
    assert found.unknown == ["version 2 of the policy does not hold here: its topics are not known"]
    assert found.unregistered == 0
