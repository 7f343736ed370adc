"""Which offsets files hold is read from the files, those to be unlinked included."""

from pathlib import Path

from bus.ports import LogFolders
from roadfade.forced_end.segments import first_offsets, folders_here

TOPIC = "t.purpose.a"


def segment(folder: Path, place: str, name: str, first: int | None) -> None:
    there = folder / place
    there.mkdir(exist_ok=True)
    batch = b"" if first is None else first.to_bytes(8, "big") + b"and the rest"
    (there / name).write_bytes(batch)


def test_the_first_offset_of_any_file_counts(tmp_path: Path) -> None:
    segment(tmp_path, f"{TOPIC}-0", "00000000000000000007.log", 7)
    segment(tmp_path, f"{TOPIC}-0", "00000000000000000009.log", 9)
    segment(tmp_path, f"{TOPIC}-1", "00000000000000000002.log.deleted", 2)
    segment(tmp_path, f"{TOPIC}-1", "00000000000000000004.log", None)
    segment(tmp_path, f"{TOPIC}-2", "00000000000000000004.log", None)
    segment(tmp_path, f"{TOPIC}-2", "00000000000000000004.timeindex", 0)
    assert first_offsets([tmp_path], TOPIC) == {0: 7, 1: 2, 2: 4}


def test_a_topic_that_was_there_before_counts_and_others_do_not(tmp_path: Path) -> None:
    segment(tmp_path, f"{TOPIC}-0", "00000000000000000007.log", 7)
    deleted = f"{TOPIC}-0.{'a' * 32}-delete"
    segment(tmp_path, deleted, "00000000000000000001.log", 1)
    for other in (f"{TOPIC}b-0", f"x{TOPIC}-0", f"{TOPIC}-0-0"):
        segment(tmp_path, other, "00000000000000000000.log", 0)
    assert first_offsets([tmp_path], TOPIC) == {0: 1}


def test_only_folders_of_this_cluster_are_looked_into(tmp_path: Path) -> None:
    (tmp_path / "meta.properties").write_text("version=1\ncluster.id=mine\n")
    here = str(tmp_path)
    assert folders_here(LogFolders("mine", (here,))) == [tmp_path]
    assert folders_here(LogFolders("min", (here,))) is None
    assert folders_here(LogFolders("mine", (here, str(tmp_path / "elsewhere")))) is None
    assert folders_here(LogFolders("mine", (here, here))) is None, "another machine has the second"
    assert folders_here(LogFolders("mine", ())) is None
