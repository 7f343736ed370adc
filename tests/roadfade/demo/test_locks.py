"""The locks of a local run: who gets which password, and who can read it."""

import stat
from pathlib import Path

import pytest

from policy.artefacts.acls import ADMIN, READER, acls
from roadfade.demo.locks import PROCESS_PRINCIPALS, Locks, make_locks
from roadfade.demo.process_group import GATEWAY_TOO, child_environment, own_environment
from roadfade.demo.run import Asked, main
from roadfade.local.broker_doors import MASTER
from roadfade.refusal import NotReady
from roadfade.settings import Settings
from tests.support.plans import PLAN


@pytest.fixture
def locks(tmp_path: Path) -> Locks:
    return make_locks(tmp_path, PLAN)


def test_every_principal_of_the_plan_and_the_broker_has_a_password_of_its_own(locks: Locks) -> None:
    passwords = locks.doors.passwords
    assert set(passwords) == {MASTER, *(one.principal for one in acls(PLAN))}
    assert len(set(passwords.values())) == len(passwords)
    assert all(len(word) >= 32 and word.isalnum() for word in passwords.values())


def test_every_process_is_given_its_own_password_and_no_other(locks: Locks) -> None:
    by_role = locks.by_role(Settings())
    assert set(by_role) == set(GATEWAY_TOO) == set(PROCESS_PRINCIPALS)
    for role, settings in by_role.items():
        own = locks.doors.passwords[PROCESS_PRINCIPALS[role]]
        given = " ".join(child_environment(settings).values())
        found = {who for who, word in locks.doors.passwords.items() if word in given}
        assert found == {PROCESS_PRINCIPALS[role]}, own[:0]


def test_whoever_joins_in_is_an_administrator_by_a_file_and_no_secret_is_in_the_environment(
    locks: Locks,
) -> None:
    told = own_environment(locks.joining(Settings()))
    assert told["ROADFADE_KAFKA_USER"] == ADMIN
    file = Path(told["ROADFADE_KAFKA_PASSWORD_FILE"])
    assert file.read_text() == locks.doors.passwords[ADMIN]
    assert not [word for word in locks.doors.passwords.values() if word in " ".join(told.values())]


def test_nobody_else_reads_a_password_or_a_key_and_processes_and_broker_have_no_file(
    locks: Locks,
) -> None:
    assert stat.S_IMODE(locks.folder.stat().st_mode) == 0o700
    files = {file.name: file for file in locks.folder.iterdir()}
    assert {stat.S_IMODE(file.stat().st_mode) for file in files.values()} == {0o600}
    assert {ADMIN, READER + PLAN.outputs[0].id} < set(files)
    assert not {MASTER, *PROCESS_PRINCIPALS.values()} & set(files)


def test_passwords_are_in_no_text_of_the_locks(locks: Locks) -> None:
    shown = repr(locks) + repr(locks.master(Settings()))
    assert not [word for word in locks.doors.passwords.values() if word in shown]


def test_a_named_broker_is_not_locked_by_a_run(tmp_path: Path) -> None:
    settings = Settings(kafka_bootstrap_servers="127.0.0.1:1", state_dir=tmp_path)
    with pytest.raises(NotReady, match="leave out one of the two"):
        main(settings, Asked(1.0, None, 1, 1, locked=True))
