"""A backup is whole, and of one moment; one that was cut is none."""

import errno
import shutil
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
from prometheus_client import Gauge

from office.registry.erasure_requests import NewErasure
from roadfade import metrics
from roadfade.backup import kept, making
from roadfade.backup.drill import drill
from roadfade.backup.drill_folder import FOLDER
from roadfade.backup.kept import Places, backups, made_of, newest_whole
from roadfade.backup.making import make
from roadfade.backup.manifest import wrong_in
from roadfade.backup.note import last_drill
from roadfade.backup.sole_work import sole_work
from roadfade.backup.steps import Step
from roadfade.logs.process_log import Named
from roadfade.processes import starting
from roadfade.processes.starting import begin
from roadfade.processes.sweep.backups import end_backups
from roadfade.refusal import NotReady, Refusal
from roadfade.settings import Settings
from sinks.lake import copying, standing
from sinks.lake.checkpoints import newest
from sinks.lake.copying import copy_lake
from sinks.lake.digest import lake_digest
from sinks.lake.standing import CountedPart
from sinks.lake.stored import StoredLake
from telemetry.instants import DAY_MS, HOUR_MS
from tests.office.erasure.conftest import ANA
from tests.roadfade.backup.house import (
    ROWS_EACH,
    House,
    KillAt,
    Killed,
    quiet,
)
from tests.sinks.lakes import lake_at, open_lake, parts
from tests.sinks.records import NOW_MS, A, record

STEPS = [
    Step.ROWS_COPIED, Step.OFFICE_COPIED, Step.KEYS_COPIED, Step.DESCRIBED,
    Step.KEYS_NAMED, Step.NAMED,
]  # fmt: skip


def test_a_backup_says_what_it_is(house: House) -> None:
    hook = KillAt()

    made = house.make(hook)

    assert hook.passed == STEPS
    # Later than what was remembered in that same millisecond.
    assert made.data.made_at == "2026-11-22T11:00:00.001Z"
    assert made.data.ends_ms - house.now_ms == 35 * DAY_MS
    assert made.data.counts["lake_rows"] == 2 * ROWS_EACH
    assert (made.data.counts["links"], made.data.counts["consents"]) == (2, 2)
    assert {one.path for one in made.keys.files} == {"keyring.sqlite", "suppressions.sqlite"}
    (found,) = backups(house.places)
    assert (found.manifest, found.has_keys) == (made.data, True)
    for folder, said in ((found.data, made.data), (found.keys, made.keys)):
        assert wrong_in(folder, said, quiet) == []


def test_neither_folder_holds_the_key_encryption_key_and_data_holds_no_key(house: House) -> None:
    house.make()
    kek = house.settings.kek_file.read_bytes().strip()
    keyring = house.settings.keyring_path.read_bytes()
    assert keyring
    for folder in (house.places.data, house.places.keys):
        for path in folder.rglob("*"):
            assert not path.is_file() or kek not in path.read_bytes()
    assert not list(house.places.data.rglob("keyring*"))
    assert not list(house.places.data.rglob("suppressions*"))


def test_everything_in_a_backup_is_for_its_owner_alone(house: House) -> None:
    house.make()
    for folder in (house.places.data, house.places.keys):
        assert folder.stat().st_mode & 0o077 == 0
        for path in folder.rglob("*"):
            assert path.stat().st_mode & 0o777 == (0o700 if path.is_dir() else 0o600)


def test_no_part_of_the_lake_has_a_second_name_in_a_backup(house: House) -> None:
    house.make()
    assert {path.stat().st_nlink for path in house.places.data.rglob("*.parquet")} == {1}


def test_a_backup_never_ends_later_than_what_was_removed_is_remembered(house: House) -> None:
    house.settings = house.settings.model_copy(update={"replay_days": 7})
    made = house.make()
    assert made.data.ends_ms - house.now_ms == 7 * DAY_MS


@pytest.mark.parametrize("at", range(len(STEPS)))
def test_a_backup_that_was_cut_is_none_and_the_next_one_leaves_nothing_of_it(
    house: House, at: int
) -> None:
    with pytest.raises(Killed):
        house.make(KillAt(at))
    named = at == STEPS.index(Step.NAMED)  # all that was to be done is done by then
    assert [one.has_keys for one in backups(house.places)] == [True] * named
    house.now_ms += HOUR_MS

    made = house.make()

    assert newest_whole(house.places).name == made.data.name
    for folder in (house.places.data, house.places.keys):
        assert not [one for one in folder.iterdir() if one.name.startswith("_")]


@pytest.mark.parametrize(
    ("data", "keys"), [("b", "b"), ("b", "b/keys"), ("k/data", "k"), ("b", "b/../b/keys")]
)
def test_keys_may_not_lie_beside_data(house: House, tmp_path: Path, data: str, keys: str) -> None:
    house.places = Places(tmp_path / data, tmp_path / keys)
    with pytest.raises(Refusal, match="keys of a backup would lie beside its data"):
        house.make()


def test_nor_by_another_name_of_the_same_folder(house: House, tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / "same").symlink_to("b")
    house.places = Places(tmp_path / "b", tmp_path / "same")
    with pytest.raises(Refusal, match="keys of a backup would lie beside its data"):
        house.make()


def test_nor_may_a_backup_lie_in_what_it_is_a_copy_of(house: House, tmp_path: Path) -> None:
    house.places = Places(house.settings.state_dir / "backups", tmp_path / "keys")
    with pytest.raises(Refusal, match="a backup in the state folder is lost with it"):
        house.make()


def test_without_an_office_there_is_nothing_to_copy(tmp_path: Path) -> None:
    settings = Settings(state_dir=tmp_path / "none")
    with pytest.raises(NotReady, match="there is no office"):
        make(settings, Places(tmp_path / "b", tmp_path / "k"), lambda: NOW_MS, quiet)


def test_two_at_once_do_not_work_in_one_place(house: House) -> None:
    house.make()
    with kept.held(house.places), pytest.raises(Refusal, match="try again when that is done"):
        house.make()


def test_a_copy_beside_a_living_sink_has_as_many_rows_as_its_positions_say(
    tmp_path: Path,
) -> None:
    """Each record brings two rows; the copies see what was written by one checkpoint, and no more."""
    root = tmp_path / "busy"
    lake = open_lake(root)
    lake.write([record(0)], NOW_MS)
    written, stop = threading.Event(), threading.Event()

    def work() -> None:
        for offset in range(1, 400):
            lake.write([record(offset)], NOW_MS)
            if offset % 16 == 0:
                lake.join(NOW_MS)
                written.set()
            if stop.is_set():
                return

    sink = threading.Thread(target=work)
    sink.start()
    try:
        assert written.wait(30)
        for number in range(4):
            target = tmp_path / f"copy-{number}"
            copied = copy_lake(root, target, 1_000, NOW_MS, quiet)
            found = newest(target)
            assert found is not None
            assert [one.next_offset * 2 for one in found.places] == [copied.rows]
            assert lake_digest(target).rows == copied.rows
    finally:
        stop.set()
        sink.join()
        lake.close()


def test_what_is_merged_between_two_looks_is_copied_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake = open_lake(tmp_path / "lake")
    for offset in range(8):
        lake.write([record(offset)], NOW_MS)
    monkeypatch.setattr(copying, "HELD_BYTES_MAX", 1)
    merged: list[int] = []
    turn = SimpleNamespace(sleep=lambda _s: merged.append(lake.join(NOW_MS)))
    monkeypatch.setattr(copying, "time", turn)

    copied = copy_lake(tmp_path / "lake", tmp_path / "copy", 1_000, NOW_MS, quiet)

    lake.close()
    assert sum(merged) > 1, "parts were merged meanwhile"
    assert copied.rows == lake_digest(tmp_path / "copy").rows == 16
    assert parts(tmp_path / "copy") == parts(tmp_path / "lake")


def test_a_part_that_goes_before_it_is_measured_stops_no_copy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with lake_at(tmp_path / "lake") as lake:
        lake.write([record(0), record(1)], NOW_MS)
    seen = standing.counted
    gone = iter([1])

    def one_gone(root: Path) -> list[CountedPart]:
        found = seen(root)
        return [*(CountedPart(found[0].place, root / "gone") for _ in gone), *found]

    monkeypatch.setattr(copying, "counted", one_gone)

    assert copy_lake(tmp_path / "lake", tmp_path / "copy", 1_000, NOW_MS, quiet).rows == 4


def test_a_copied_lake_is_opened_and_knows_its_duplicates(tmp_path: Path) -> None:
    lake = open_lake(tmp_path / "lake")
    lake.write([record(0), record(1)], NOW_MS)
    lake.write([record(2)], NOW_MS)
    lake.close()

    copy_lake(tmp_path / "lake", tmp_path / "copy", 1_000, NOW_MS, quiet)

    assert parts(tmp_path / "copy") == parts(tmp_path / "lake")
    assert StoredLake(tmp_path / "copy").name() == StoredLake(tmp_path / "lake").name()
    again = open_lake(tmp_path / "copy")
    # The group may be past what came to this partition after the copy was made.
    assert (again.position(A, 0), again.position(A, 1)) == (3, 0)
    told = again.write([record(1), record(3, ce_id=f"{A}/0/2"), record(4)], NOW_MS)
    again.close()
    assert (told.replayed, told.duplicates, told.records) == (1, 1, 1)
    assert lake_digest(tmp_path / "copy").rows == 8


def test_a_damaged_part_is_not_copied_as_if_it_were_whole(house: House) -> None:
    (path, *_) = sorted(house.settings.lake_dir.rglob("*.parquet"))
    content = path.read_bytes()
    path.write_bytes(content[:20] + bytes([content[20] ^ 1]) + content[21:])
    with pytest.raises(NotReady, match="is damaged"):
        house.make()


def test_what_has_ended_goes_keys_first(house: House) -> None:
    first = house.make()
    house.now_ms += 10 * DAY_MS
    second = house.make()
    house.now_ms = first.data.ends_ms
    keep_ms = 35 * DAY_MS

    with pytest.raises(Killed):
        kept.expire(house.places, keep_ms, house.now_ms, KillAt(0))
    names = [one.name for one in backups(house.places)]
    assert names == [first.data.name, second.data.name]
    assert not backups(house.places)[0].has_keys
    assert not (house.places.keys / first.data.name).exists()

    assert kept.expire(house.places, keep_ms, house.now_ms) == [first.data.name]
    assert [one.name for one in backups(house.places)] == [second.data.name]
    assert kept.expire(house.places, keep_ms, house.now_ms) == []


def test_a_backup_whose_manifest_is_damaged_ends_by_its_name(house: House) -> None:
    made = house.make()
    (house.places.data / made.data.name / "manifest.json").write_bytes(b"{}")
    (found,) = backups(house.places)
    assert found.manifest is None
    with pytest.raises(Refusal, match="there is no whole backup"):
        newest_whole(house.places)
    assert kept.ended(house.places, 35 * DAY_MS, made.data.ends_ms) == [made.data.name]


def test_keys_that_a_cut_backup_left_end_by_their_date(house: House) -> None:
    with pytest.raises(Killed):
        house.make(KillAt(STEPS.index(Step.KEYS_NAMED)))
    (left,) = (one.name for one in house.places.keys.iterdir() if one.name[0].isdigit())
    later_ms = house.now_ms + 35 * DAY_MS
    assert kept.expire(house.places, 35 * DAY_MS, later_ms) == [left]
    assert not (house.places.keys / left).exists()


def test_a_backup_that_fails_leaves_nothing(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "no space")

    monkeypatch.setattr(making, "describe", full)
    with pytest.raises(OSError, match="no space"):
        house.make()
    for folder in (house.places.data, house.places.keys):
        assert [one.name for one in folder.iterdir()] == [".lock"]


def test_a_backup_without_room_is_not_begun(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    size = sum(one.stat().st_size for one in house.settings.lake_dir.rglob("*") if one.is_file())
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=size))
    with pytest.raises(Refusal, match=r"a backup needs about [\d,]+ bytes, and [\d,]+ are free in"):
        house.make()


def test_a_place_on_the_disk_of_what_it_copies_is_said(house: House) -> None:
    told = house.make().warnings
    assert [one.split()[0] for one in told] == [str(house.places.data), str(house.places.keys)]


def test_what_a_killed_backup_left_goes_with_the_next_sweep_unless_one_is_being_made(
    house: House,
) -> None:
    with pytest.raises(Killed):
        house.make(KillAt(1))
    named = house.settings.model_copy(
        update={"backup_dir": house.places.data, "backup_keys_dir": house.places.keys}
    )
    with kept.held(house.places):
        assert end_backups(named, house.now_ms) == []
        assert kept.unfinished(house.places)
    assert end_backups(named, house.now_ms) == []
    assert not kept.unfinished(house.places)


def test_one_that_cannot_be_removed_keeps_no_other(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    stuck = house.make().data
    house.now_ms += DAY_MS
    other = house.make().data
    remove = shutil.rmtree

    def refuse(path: Path) -> None:
        if stuck.name in path.name:
            raise PermissionError(errno.EACCES, "not yours")
        remove(path)

    monkeypatch.setattr(shutil, "rmtree", refuse)
    for _ in range(2):
        with pytest.raises(PermissionError):
            kept.expire(house.places, 35 * DAY_MS, other.ends_ms)
        for folder in (house.places.data, house.places.keys):
            assert not (folder / other.name).exists()


def test_of_a_link_only_the_link_goes(house: House, tmp_path: Path) -> None:
    made = house.make().data
    elsewhere = tmp_path / "elsewhere"
    (house.places.data / made.name).rename(elsewhere)
    (house.places.data / made.name).symlink_to(elsewhere)
    assert kept.expire(house.places, 35 * DAY_MS, made.ends_ms) == [made.name]
    assert {one.name for one in house.places.data.iterdir()} == {".lock"}
    assert elsewhere.is_dir()


def test_a_folder_whose_name_is_no_instant_is_no_backup(house: House) -> None:
    made = house.make().data
    (house.places.data / "20261301T000000.000Z").mkdir()
    assert [one.name for one in backups(house.places)] == [made.name]
    assert kept.expire(house.places, 35 * DAY_MS, made.ends_ms) == [made.name]


def test_a_drill_finds_a_backup_good_and_leaves_nothing(house: House) -> None:
    made = house.make()
    house.erased(NewErasure("erase", ANA, "asked"))
    before = sorted(house.settings.state_dir.rglob("*"))

    found = drill(house.settings, newest_whole(house.places), lambda: house.now_ms, quiet)

    assert found.holds
    assert (found.trued.erased, found.trued.rows) == (ROWS_EACH, ROWS_EACH)
    assert found.trued.office.persons == 1
    left = set(house.settings.state_dir.rglob("*")) - set(before)
    assert {one.name for one in left} == {"last-drill.json"}
    note = last_drill(house.settings.state_dir)
    assert note is not None
    assert (note.at_ms, note.backup, note.holds) == (house.now_ms, made.data.name, True)


def test_a_drill_of_a_damaged_backup_fails_and_leaves_nothing(house: House) -> None:
    made = house.make()
    (path,) = (house.places.data / made.data.name).rglob("office.sqlite")
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(Refusal, match="is not what was copied there"):
        drill(house.settings, newest_whole(house.places), lambda: house.now_ms, quiet)
    assert not (house.settings.state_dir / FOLDER).exists()
    note = last_drill(house.settings.state_dir)
    assert note is not None
    assert not note.holds


def test_two_drills_at_once_are_refused_and_the_second_says_nothing_of_the_backup(
    house: House,
) -> None:
    house.make()
    with sole_work(house.settings.state_dir), pytest.raises(Refusal, match="another drill"):
        drill(house.settings, newest_whole(house.places), lambda: house.now_ms, quiet)
    assert last_drill(house.settings.state_dir) is None


def test_what_a_killed_drill_left_goes_with_the_next_sweep_unless_one_is_at_work(
    house: House,
) -> None:
    left = house.settings.state_dir / FOLDER / "copy"
    left.mkdir(parents=True)
    with sole_work(house.settings.state_dir):
        end_backups(house.settings, house.now_ms)
        assert left.exists()
    end_backups(house.settings, house.now_ms)
    assert not left.parent.exists()


def test_and_as_a_process_starts(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    left = house.settings.state_dir / FOLDER / "copy"
    left.mkdir(parents=True)
    page = SimpleNamespace(server_port=1)
    monkeypatch.setattr(starting, "serve_pages", lambda *_: page)
    begin(house.settings, cast("Named", SimpleNamespace(start=lambda *_, **__: None)), "sink", "s")
    assert not left.parent.exists()


def test_a_sweep_ends_backups_in_the_places_that_the_settings_name(house: House) -> None:
    made = house.make()
    named = house.settings.model_copy(
        update={"backup_dir": house.places.data, "backup_keys_dir": house.places.keys}
    )
    ends_ms = made.data.ends_ms
    assert end_backups(house.settings, ends_ms) == []
    assert end_backups(named, ends_ms - 1) == []
    assert (value(metrics.BACKUPS, "kept"), value(metrics.BACKUPS, "ended")) == (1, 0)
    assert metrics.BACKUP_NEWEST._value.get() == made_of(made.data.name) / 1000
    assert end_backups(named, ends_ms) == [made.data.name]
    assert (value(metrics.BACKUPS, "kept"), value(metrics.BACKUPS, "ended")) == (0, 0)


def test_what_has_ended_and_stays_is_counted(house: House) -> None:
    made = house.make()
    named = house.settings.model_copy(
        update={"backup_dir": house.places.data, "backup_keys_dir": house.places.keys}
    )
    with kept.held(house.places), pytest.raises(Refusal):
        end_backups(named, made.data.ends_ms)
    assert (value(metrics.BACKUPS, "kept"), value(metrics.BACKUPS, "ended")) == (0, 1)


def test_the_end_of_the_last_backup_counts_one_that_is_being_made(house: House) -> None:
    house.make()
    house.now_ms += DAY_MS
    with pytest.raises(Killed):
        house.make(KillAt(0))
    keep_ms = 35 * DAY_MS
    assert kept.last_end_ms(house.places, keep_ms) == house.now_ms + keep_ms


def test_a_place_that_is_not_there_says_nothing_of_its_backups(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        kept.last_end_ms(Places(tmp_path / "none", tmp_path / "keys"), DAY_MS)


def value(metric: Gauge, label: str) -> float:
    return float(metric.labels(label)._value.get())
