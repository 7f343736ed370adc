"""What a hold must do with every store: copy what is there, revive nothing, hinder nothing.

One suite; each sink subclasses it. Copies are read back with the private key, as the office does.
"""

import json
import zlib
from pathlib import Path
from typing import Any, Final

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from sinks.holds.folder import Held, HoldFolder, selection_of
from sinks.holds.steps import Hook, Step, go_on
from telemetry.held_copy import unframed
from telemetry.identity import Pseudonym
from telemetry.instants import MINUTE_MS
from telemetry.wire.hold import HOLD_VERSION, HoldCommand
from tests.sinks.contract import Restart
from tests.sinks.erasing import UNTIL_MS, everything
from tests.sinks.erasing import command as erase_command
from tests.sinks.records import (
    AFTER_MS,
    CODES,
    EXPIRES_MS,
    NOW_MS,
    OUTPUT_A,
    SPEED,
    T0_MS,
    B,
    record,
    whose,
)

PRIVATE: Final = X25519PrivateKey.from_private_bytes(b"h" * 32)
PUBLIC: Final = PRIVATE.public_key().public_bytes_raw().hex()
CANARY: Final = "P0CANARY99"


def hold(
    *pseudonyms: str,
    id_: str = "hold-command-1",
    output: str = OUTPUT_A,
    from_ms: int | None = None,
    to_ms: int | None = None,
) -> HoldCommand:
    return HoldCommand(
        v=HOLD_VERSION,
        command=id_,
        output=output,
        pseudonyms=list(pseudonyms),
        from_ms=from_ms,
        to_ms=to_ms,
        public_key=PUBLIC,
        placed_ms=NOW_MS,
    )


def opened(path: Path) -> list[dict[str, Any]]:
    """The rows of a sealed file."""
    copy = unframed(path.read_bytes())
    assert copy is not None
    suite = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
    lines = zlib.decompress(suite.decrypt(copy.sealed, PRIVATE, copy.bound_to))
    return [json.loads(line) for line in lines.splitlines()]


def files_in(root: Path) -> list[Path]:
    return sorted(path for path in root.rglob("*") if path.is_file())


def held_rows(root: Path, command: str = "hold-command-1") -> list[dict[str, Any]]:
    """Every row in the copies of a command, by time, record and signal."""
    rows = [row for path in files_in(root / command) for row in opened(path)]
    return sorted(rows, key=lambda row: (row["t_ms"], row["record"], row["signal"]))


def seen(root: Path) -> list[tuple[str, str, int]]:
    return [(row["record"], row["signal"], row["t_ms"] - T0_MS) for row in held_rows(root)]


class Killed(BaseException):
    """Stands for kill -9: nothing of ours may catch it and tidy up."""


def kill_at(step: Step) -> Hook:
    def at(passed: Step) -> None:
        if passed is step:
            raise Killed

    return at


def folder_at(root: Path, at: Hook = go_on, rows_max: int = 1_000) -> HoldFolder:
    return HoldFolder(root, rows_max, at)


class HoldContract:
    @pytest.fixture
    def holds(self, tmp_path: Path) -> Path:
        return tmp_path / "holds"

    def test_exactly_the_rows_in_scope_are_copied_and_stay_where_they_are(
        self, restart: Restart, holds: Path
    ) -> None:
        sink = restart()
        mine = [record(0, ce_id="in", dtc=["P0301"], consent="c1"), record(1, ce_id="also")]
        late = record(2, ce_id="late", t0_ms=T0_MS + MINUTE_MS)
        sink.write([*mine, late, record(3, pseudonym="OTHER"), record(0, B)], NOW_MS)
        before = everything(sink, "PSEUDONYM", "OTHER")
        command = hold("PSEUDONYM", to_ms=T0_MS + MINUTE_MS)
        assert folder_at(holds).copy(sink, command, NOW_MS) == Held(5, 0, complete=True)
        assert seen(holds) == [
            ("also", SPEED, 0),
            ("in", CODES, 0),
            ("in", SPEED, 0),
            ("also", SPEED, 1_000),
            ("in", SPEED, 1_000),
        ]
        assert {row["pseudonym"] for row in held_rows(holds)} == {"PSEUDONYM"}
        assert {row["consent"] for row in held_rows(holds)} == {"c1", None}
        assert everything(sink, "PSEUDONYM", "OTHER") == before

    def test_a_row_is_copied_once_and_equal_ones_as_many_as_there_are(
        self, restart: Restart, holds: Path
    ) -> None:
        sink = restart()
        twice = {SPEED: ("km/h", (0, 0, 1_000), (43.5, 43.5, 44.0))}
        sink.write([record(0, ce_id="twin", series=twice)], NOW_MS)
        folder = folder_at(holds)
        for _ in range(3):
            assert folder.copy(sink, hold("PSEUDONYM"), NOW_MS).rows == 3
        assert len(files_in(holds)) == 1
        sink.write([record(1, ce_id="new")], NOW_MS)
        assert folder.copy(restart(), hold("PSEUDONYM"), NOW_MS).rows == 5
        assert [len(opened(path)) for path in files_in(holds)].count(2) == 1
        assert len(held_rows(holds)) == 5

    def test_only_some_pseudonyms_may_be_asked_for(self, restart: Restart, holds: Path) -> None:
        sink = restart()
        sink.write([record(0), record(1, pseudonym="OTHER")], NOW_MS)
        both, folder = hold("PSEUDONYM", "OTHER"), folder_at(holds)
        some = {Pseudonym("OTHER"), Pseudonym("NOT HELD")}
        assert folder.copy(sink, both, NOW_MS, some).rows == 2
        assert {row["pseudonym"] for row in held_rows(holds)} == {"OTHER"}
        assert folder.copy(sink, both, NOW_MS, set()).rows == 2
        assert folder.copy(sink, both, NOW_MS).rows == 4

    def test_what_has_expired_is_not_revived(self, restart: Restart, holds: Path) -> None:
        sink = restart()
        sink.write([record(0)], NOW_MS)
        folder = folder_at(holds)
        assert folder.copy(sink, hold("PSEUDONYM"), EXPIRES_MS) == Held(0, 0, complete=True)
        sink.expire(AFTER_MS)
        assert folder.copy(sink, hold("PSEUDONYM"), NOW_MS).rows == 0
        assert files_in(holds) == []

    def test_expiry_goes_on_and_what_was_copied_before_stays(
        self, restart: Restart, holds: Path
    ) -> None:
        sink = restart()
        sink.write([record(0)], NOW_MS)
        folder = folder_at(holds)
        folder.copy(sink, hold("PSEUDONYM"), NOW_MS)
        assert sink.expire(AFTER_MS).rows == 2
        assert sink.locate(OUTPUT_A, whose("PSEUDONYM")).rows == 0
        assert folder.copy(sink, hold("PSEUDONYM"), AFTER_MS).rows == 2
        assert len(held_rows(holds)) == 2

    def test_what_is_erased_after_it_was_copied_is_held_alone(
        self, restart: Restart, holds: Path
    ) -> None:
        sink = restart()
        sink.write([record(0), record(1, pseudonym="OTHER")], NOW_MS)
        command = hold("PSEUDONYM")
        folder_at(holds).copy(sink, command, NOW_MS)
        before = [row._asdict() for row in everything(sink, "PSEUDONYM")]
        sink.erase(OUTPUT_A, selection_of(command), NOW_MS)
        assert everything(sink, "PSEUDONYM") == []
        assert held_rows(holds) == before
        assert len(everything(sink, "OTHER")) == 2

    @pytest.mark.parametrize("step", [s for s in Step if "deleted" not in s])
    def test_killed_anywhere_a_file_is_whole_or_none_and_no_row_is_held_twice(
        self, restart: Restart, holds: Path, step: Step
    ) -> None:
        sink = restart()
        sink.write([record(0, ce_id="a"), record(1, ce_id="b")], NOW_MS)
        with pytest.raises(Killed):
            folder_at(holds, kill_at(step)).copy(sink, hold("PSEUDONYM"), NOW_MS)
        whole = [path for path in files_in(holds) if path.suffix == ".held"]
        assert [len(opened(path)) for path in whole] in ([], [4])
        assert folder_at(holds).copy(sink, hold("PSEUDONYM"), NOW_MS) == Held(4, 0, complete=True)
        assert len(held_rows(holds)) == 4, "and nothing half written is left"

    @pytest.mark.parametrize("step", [Step.FILE_DELETED, Step.FOLDER_DELETED])
    def test_killed_while_it_is_released_it_is_deleted_all_the_same(
        self, restart: Restart, holds: Path, step: Step
    ) -> None:
        sink = restart()
        sink.write([record(0)], NOW_MS)
        folder = folder_at(holds)
        folder.copy(sink, hold("PSEUDONYM"), NOW_MS)
        folder.copy(sink, hold("PSEUDONYM", id_="other-command"), NOW_MS)
        with pytest.raises(Killed):
            folder_at(holds, kill_at(step)).delete("hold-command-1")
        for _ in range(2):
            folder.delete("hold-command-1")
        assert [path.parent.name for path in files_in(holds)] == ["other-command"]
        assert [path.name for path in holds.iterdir()] == ["other-command"]

    def test_whatever_else_lies_there_is_deleted_with_it_and_what_links_lead_to_stays(
        self, restart: Restart, holds: Path, tmp_path: Path
    ) -> None:
        sink = restart()
        sink.write([record(0)], NOW_MS)
        folder = folder_at(holds)
        folder.copy(sink, hold("PSEUDONYM"), NOW_MS)
        mine, elsewhere = holds / "hold-command-1", tmp_path / "elsewhere"
        elsewhere.mkdir()
        (elsewhere / "file").write_bytes(b"of somebody else")
        (mine / "0-folder" / "deep").mkdir(parents=True)
        (mine / "0-link").symlink_to(elsewhere)
        folder.delete("hold-command-1")
        assert (list(holds.iterdir()), len(files_in(elsewhere))) == ([], 1)

    def test_no_copy_is_written_through_a_link(
        self, restart: Restart, holds: Path, tmp_path: Path
    ) -> None:
        sink = restart()
        sink.write([record(0)], NOW_MS)
        elsewhere = tmp_path / "elsewhere"
        for path in (holds, elsewhere):
            path.mkdir()
        (holds / "hold-command-1").symlink_to(elsewhere)
        with pytest.raises(NotADirectoryError):
            folder_at(holds).copy(sink, hold("PSEUDONYM"), NOW_MS)
        folder_at(holds).delete("hold-command-1")
        assert (list(holds.iterdir()), files_in(elsewhere)) == ([], [])

    def test_no_value_and_no_identifier_is_to_be_read_in_a_copy(
        self, restart: Restart, holds: Path
    ) -> None:
        sink = restart()
        sink.write([record(0, ce_id="record-canary", dtc=[CANARY])], NOW_MS)
        folder_at(holds).copy(sink, hold("PSEUDONYM"), NOW_MS)
        (path,) = files_in(holds)
        words = path.read_bytes() + str(path).encode()
        for canary in (CANARY, "PSEUDONYM", "record-canary", SPEED):
            assert canary.encode() not in words
        assert path.stat().st_mode & 0o077 == path.parent.stat().st_mode & 0o077 == 0
        assert CANARY in {row["text"] for row in opened(path)}

    def test_any_flipped_byte_is_found_and_the_rows_are_copied_again(
        self, restart: Restart, holds: Path
    ) -> None:
        sink = restart()
        sink.write([record(0)], NOW_MS)
        folder = folder_at(holds)
        folder.copy(sink, hold("PSEUDONYM"), NOW_MS)
        (path,) = files_in(holds)
        whole = path.read_bytes()
        for at in range(0, len(whole), 7):
            assert unframed(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :]) is None
            assert unframed(whole[:at]) is None
        path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
        folder.copy(sink, hold("PSEUDONYM"), NOW_MS)
        assert len(files_in(holds)) == 2

    def test_a_body_opens_under_its_own_header_alone(self, restart: Restart, holds: Path) -> None:
        sink = restart()
        sink.write([record(0)], NOW_MS)
        for id_ in ("hold-command-1", "other-command"):
            folder_at(holds).copy(sink, hold("PSEUDONYM", id_=id_), NOW_MS)
        one, other = (unframed(path.read_bytes()) for path in files_in(holds))
        assert one is not None and other is not None
        suite = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
        with pytest.raises(InvalidTag):
            suite.decrypt(one.sealed, PRIVATE, other.bound_to)

    def test_more_rows_than_the_limit_are_not_copied_and_that_is_said(
        self, restart: Restart, holds: Path
    ) -> None:
        sink = restart()
        sink.write([record(n) for n in range(3)], NOW_MS)
        few = folder_at(holds, rows_max=5)
        for _ in range(2):
            assert few.copy(sink, hold("PSEUDONYM"), NOW_MS) == Held(5, 0, complete=False)
        assert len(held_rows(holds)) == 5
        assert folder_at(holds).copy(sink, hold("PSEUDONYM"), NOW_MS).complete

    def test_what_an_erasure_refuses_is_not_held_since_it_is_not_kept(
        self, restart: Restart, holds: Path
    ) -> None:
        sink = restart()
        sink.refuse([erase_command("PSEUDONYM", until_ms=UNTIL_MS)])
        sink.write([record(0)], NOW_MS)
        assert folder_at(holds).copy(sink, hold("PSEUDONYM"), NOW_MS).rows == 0
