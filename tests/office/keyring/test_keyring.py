import base64
import os
import sqlite3
import traceback
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidTag

from office.errors import OfficeError
from office.keyring.kek import EnvironmentKek, FileKek, Kek
from office.keyring.keyring import Keyring
from office.keyring.memory import MemoryKeyring
from office.keyring.wrapping import KeyName, unwrap, wrap
from telemetry.identity import EpochKey
from tests.office.test_forgetting import bytes_of

SPRING: KeyName = ("improve", "team", "2026-04.3m")
SUMMER: KeyName = ("improve", "team", "2026-07.3m")
INSURER: KeyName = ("share", "insurer", "2026-07.3m")
ALL = (SPRING, SUMMER, INSURER)

Open = Callable[[], Keyring]


@pytest.fixture
def opened(folder: Path) -> Iterator[Open]:
    rings: list[Keyring] = []

    def again() -> Keyring:
        rings.append(Keyring.open(folder / "keyring.sqlite", FileKek(folder / "kek")))
        return rings[-1]

    yield again
    for ring in rings:
        ring.close()


AnyKeyring = Keyring | MemoryKeyring


@pytest.fixture(params=["file", "memory"])
def keyring(request: pytest.FixtureRequest, opened: Open) -> AnyKeyring:
    return opened() if request.param == "file" else MemoryKeyring()


def test_a_key_is_made_on_demand_and_stays_the_same(keyring: AnyKeyring) -> None:
    assert keyring.get(*SPRING) is None
    assert keyring.state(SPRING) is None
    keys = keyring.ensure(ALL)
    assert keys == keyring.ensure(ALL)
    assert keyring.get(*SPRING) == keys[SPRING]
    assert len(set(keys.values())) == 3
    assert {len(key) for key in keys.values()} == {32}
    assert keyring.state(SPRING) == "live"


def test_a_destroyed_key_is_gone_stays_gone_and_is_known_to_be(keyring: AnyKeyring) -> None:
    keys = keyring.ensure([SPRING, SUMMER])
    keyring.destroy([SPRING, INSURER])
    keyring.destroy([SPRING])
    assert keyring.get(*SPRING) is None
    assert keyring.state(SPRING) == keyring.state(INSURER) == "destroyed"
    assert keyring.ensure(ALL) == {SUMMER: keys[SUMMER]}


def test_every_epoch_of_a_recipient_is_told_the_destroyed_ones_too(keyring: AnyKeyring) -> None:
    names = [("p", "a", "2026-10.3m"), ("p", "a", "2027-01.3m"), ("p", "b", "2026-10.3m")]
    made = keyring.ensure(names)
    keyring.destroy(names[1:2])
    assert keyring.epochs("p", "a") == {"2026-10.3m": made[names[0]], "2027-01.3m": None}
    assert keyring.epochs("q", "a") == {}


def test_a_fake_keyring_can_be_repeatable() -> None:
    ring = MemoryKeyring(lambda name: EpochKey("|".join(name).encode().ljust(32)))
    assert ring.ensure([SPRING])[SPRING] == b"improve|team|2026-04.3m".ljust(32)


def test_keys_outlive_the_process(opened: Open) -> None:
    keys = opened().ensure(ALL)
    assert opened().ensure(ALL) == keys


@pytest.mark.parametrize("name", ["100%", "why?x=1", "a#b"], ids=["percent", "question", "hash"])
def test_a_keyring_is_where_its_path_says(tmp_path: Path, name: str) -> None:
    folder = tmp_path / name
    ring = Keyring.open(folder / "keyring.sqlite", FileKek(folder / "kek"))
    ring.ensure([SPRING])
    ring.close()
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert (folder / "keyring.sqlite").stat().st_size > 0


def test_a_damaged_keyring_is_said_and_not_made_anew(opened: Open, folder: Path) -> None:
    opened().ensure([SPRING])
    opened().close()
    for one in folder.glob("keyring.sqlite*"):
        one.unlink()
    (folder / "keyring.sqlite").write_bytes(b"no database, but what somebody put here" * 100)
    with pytest.raises(OfficeError, match=r"the keyring in .* damaged or no database"):
        opened()


def test_a_keyring_that_is_gone_is_said_and_not_made_anew(opened: Open, folder: Path) -> None:
    ring = opened()
    ring.ensure([SPRING])
    for one in folder.glob("keyring.sqlite*"):
        one.unlink()
    with pytest.raises(OfficeError, match="the keyring in"):
        ring.ensure([SUMMER])
    assert not (folder / "keyring.sqlite").exists()


def test_a_keyring_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "no folder").write_text("a file")
    with pytest.raises(OfficeError, match="no keyring can be opened"):
        Keyring.open(tmp_path / "no folder" / "keyring.sqlite", FileKek(tmp_path / "kek"))


def test_no_file_holds_a_key_in_the_clear(opened: Open, folder: Path) -> None:
    keys = opened().ensure(ALL)
    everything = bytes_of(folder)
    for key in keys.values():
        assert bytes(key) not in everything
        assert base64.b64encode(key) not in everything


def rows_of(folder: Path) -> dict[KeyName, tuple[bytes, bytes]]:
    with closing(sqlite3.connect(folder / "keyring.sqlite")) as connection:
        rows = connection.execute("SELECT purpose, recipient, epoch, nonce, wrapped FROM keys")
        return {tuple(name): (nonce, wrapped) for *name, nonce, wrapped in rows}


def test_destroying_leaves_neither_the_wrapped_bytes_nor_the_old_kek(
    opened: Open, folder: Path
) -> None:
    ring = opened()
    many = [("improve", "team", f"epoch-{number:03}") for number in range(300)]
    keys = ring.ensure(many)
    before = rows_of(folder)
    (old_kek,) = FileKek(folder / "kek").load().values()
    ring.destroy(many[::2])
    everything = bytes_of(folder)
    for nonce, wrapped in before.values():
        assert wrapped not in everything
        assert nonce not in everything
    assert base64.b64encode(old_kek) not in everything
    assert list(FileKek(folder / "kek").load()) != [old_kek.id]
    assert opened().ensure(many[1::2]) == {name: keys[name] for name in many[1::2]}


def test_a_worker_that_was_open_meanwhile_goes_over_to_the_new_kek(opened: Open) -> None:
    worker, office = opened(), opened()
    keys = worker.ensure(ALL)
    office.destroy([SPRING])
    assert worker.get(*SUMMER) == keys[SUMMER]
    added = worker.ensure([("improve", "team", "2026-10.3m")])
    assert opened().ensure(added) == added


class DyingKek(FileKek):
    """Raises at the chosen step, as if the process were killed there."""

    at = ""

    def add(self) -> Kek:
        fresh = super().add()
        if self.at == "added":
            raise KeyboardInterrupt
        return fresh

    def keep_only(self, kek_id: str) -> None:
        if self.at == "committed":
            raise KeyboardInterrupt
        super().keep_only(kek_id)


@pytest.mark.parametrize(("at", "state"), [("added", "live"), ("committed", "destroyed")])
def test_a_destruction_cut_short_loses_no_survivor_and_is_finished_later(
    opened: Open, folder: Path, at: str, state: str
) -> None:
    keys = opened().ensure(ALL)
    dying = DyingKek(folder / "kek")
    ring = Keyring.open(folder / "keyring.sqlite", dying)
    dying.at = at
    with pytest.raises(KeyboardInterrupt):
        ring.destroy([SPRING])
    ring.close()
    assert len(FileKek(folder / "kek").load()) == 2
    again = opened()
    assert len(FileKek(folder / "kek").load()) == 1
    assert again.state(SPRING) == state
    assert again.get(*SUMMER) == keys[SUMMER]
    assert again.get(*INSURER) == keys[INSURER]


def test_a_keyring_is_not_opened_with_a_kek_of_somebody_else(opened: Open, folder: Path) -> None:
    opened().ensure(ALL)
    other = EnvironmentKek(base64.b64encode(os.urandom(32)).decode())
    with pytest.raises(OfficeError, match="not the one this keyring was written under"):
        Keyring.open(folder / "keyring.sqlite", other)


def test_a_lost_kek_is_not_silently_replaced_by_a_new_one(opened: Open, folder: Path) -> None:
    opened().ensure(ALL)
    (folder / "kek").unlink()
    with pytest.raises(OfficeError, match="the right kek_file"):
        opened()
    assert not (folder / "kek").exists()


def test_a_wrapped_key_opens_under_no_other_name_or_kek() -> None:
    kek, other = Kek(os.urandom(32)), Kek(os.urandom(32))
    key = EpochKey(os.urandom(32))
    wrapped = wrap(key, SPRING, kek)
    assert unwrap(wrapped, SPRING, kek) == key
    for name, wrong in ((SUMMER, kek), (SPRING, other), (("improve|team", "", SPRING[2]), kek)):
        with pytest.raises(InvalidTag):
            unwrap(wrapped, name, wrong)


def test_nothing_of_a_key_shows_in_a_traceback_or_repr() -> None:
    kek = Kek(os.urandom(32))
    wrapped = wrap(EpochKey(bytes(range(32))), SPRING, kek)
    environment = EnvironmentKek(base64.b64encode(kek).decode())
    shown = f"{kek!r} {kek} {wrapped!r} {wrapped} {environment!r} {environment.load()!r}"
    shown += "".join(traceback.format_exception(ValueError(kek, wrapped)))
    for secret in (bytes(kek), wrapped.wrapped, wrapped.nonce):
        for part in (repr(secret)[2:-1][:20], secret.hex()[:20], base64.b64encode(secret)[:20]):
            assert str(part) not in shown


def test_a_keyring_that_nobody_made_is_not_made_by_whoever_looks_for_somebody(
    tmp_path: Path,
) -> None:
    file, kek = tmp_path / "keyring.sqlite", FileKek(tmp_path / "kek")
    with pytest.raises(OfficeError, match="no keyring in"):
        Keyring.open_made(file, kek)
    assert list(tmp_path.iterdir()) == []
    Keyring.open(file, kek).close()
    Keyring.open_made(file, kek).close()
