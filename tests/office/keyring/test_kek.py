import base64
import os
import stat
from pathlib import Path

import pytest

from office.errors import OfficeError
from office.keyring.kek import EnvironmentKek, FileKek, Kek


def base64_key() -> str:
    return base64.b64encode(os.urandom(32)).decode()


def test_the_file_is_made_for_its_owner_alone(tmp_path: Path) -> None:
    file = tmp_path / "kek"
    kek = FileKek(file).add()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert FileKek(file).load() == {kek.id: kek}


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o622])
def test_a_file_that_others_may_touch_is_refused_with_the_remedy(tmp_path: Path, mode: int) -> None:
    file = tmp_path / "kek"
    FileKek(file).add()
    file.chmod(mode)
    with pytest.raises(OfficeError, match="chmod 600"):
        FileKek(file).load()


def test_the_replaced_file_is_overwritten_not_only_unlinked(tmp_path: Path) -> None:
    file = tmp_path / "kek"
    holder = FileKek(file)
    old = holder.add()
    with file.open("rb") as still_open:
        fresh = holder.add()
        holder.keep_only(fresh.id)
        assert set(still_open.read()) == {0}
    assert holder.load() == {fresh.id: fresh}
    assert base64.b64encode(old) not in file.read_bytes()


def test_what_a_crash_left_beside_the_file_is_destroyed_by_the_next_change(tmp_path: Path) -> None:
    file = tmp_path / "kek"
    holder = FileKek(file)
    holder.add()
    left = tmp_path / "kek.next"
    left.write_text("half a key")
    with left.open("rb") as still_open:
        holder.add()
        assert set(still_open.read()) == {0}
    assert not left.exists()


def test_the_last_kek_cannot_be_dropped_by_keeping_one_that_is_not_there(tmp_path: Path) -> None:
    holder = FileKek(tmp_path / "kek")
    kek = holder.add()
    with pytest.raises(KeyError):
        holder.keep_only("0123456789abcdef")
    assert holder.load() == {kek.id: kek}


@pytest.mark.parametrize(
    "text",
    ["", "short", "é", base64_key() + "!", base64_key()[:-4]],
    ids=["empty", "short", "no base64", "too much", "too little"],
)
def test_a_kek_that_is_no_key_is_refused_without_being_quoted(text: str) -> None:
    with pytest.raises(OfficeError, match="32 random bytes, written in base64") as refusal:
        EnvironmentKek(text)
    assert not text or text not in str(refusal.value)


def test_destroying_with_a_kek_from_outside_needs_the_following_one(tmp_path: Path) -> None:
    alone = EnvironmentKek(base64_key())
    with pytest.raises(OfficeError, match="give the following KEK"):
        alone.add()
    both = EnvironmentKek(base64_key(), base64_key())
    assert both.add().id == list(both.load())[1]


def test_a_kek_id_tells_keys_apart_and_shows_none() -> None:
    one, other = Kek(bytes(32)), Kek(bytes([1]) * 32)
    assert one.id != other.id
    assert len(one.id) == 16
    assert repr(one) == str(one) == "Kek(…)"
