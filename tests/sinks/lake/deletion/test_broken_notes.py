"""A broken note of a restatement is told, and what it is about stays as it is."""

from pathlib import Path

import pytest

from sinks.lake.check import check
from sinks.lake.deletion.journal import name_of
from sinks.lake.deletion.restate import Restatement
from sinks.lake.layout import RESTATING
from sinks.lake.steps import Step
from sinks.lake.stored import StoredLake
from sinks.port.results import Oddity
from sinks.query.session import run_query
from tests.sinks.lakes import Killed, lake_at, parts, stored
from tests.sinks.records import NOW_MS, SPEED, record
from tests.sinks.restating import SOONER_MS, FixedEnds

ENDS = FixedEnds({SPEED: SOONER_MS})
BROKEN = {
    "empty": b"",
    "cut": b'{"source": "purp',
    "another's": b"{}",
    "no text": b"\xff",
    "about another part": b'{"source": "purpose=a/expires=b/part-a", "parts": []}',
    "out of the lake": b'{"source": "../..", "parts": ["x"]}',
    "absolute": b'{"source": "/etc/passwd", "parts": []}',
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A lake of two parts; a restatement of the first was killed before its source went."""
    with lake_at(tmp_path) as lake:
        lake.write([record(0, dtc=["P0301"])], NOW_MS)
        lake.write([record(1, pseudonym="OTHER", dtc=["P0301"])], NOW_MS)

    def die(step: Step) -> None:
        if step is Step.PART_RENAMED:
            raise Killed

    with pytest.raises(Killed):
        Restatement(tmp_path, "uncompressed", die).run(ENDS, NOW_MS)
    return tmp_path


def note_of(root: Path) -> Path:
    [note] = (root / RESTATING).iterdir()
    return note


def restate(root: Path) -> tuple[int, int]:
    done = Restatement(root, "uncompressed").run(ENDS, NOW_MS)
    return done.files, done.unreadable


@pytest.mark.parametrize("content", BROKEN.values(), ids=list(BROKEN))
def test_a_broken_note_undoes_nothing_and_the_rest_is_restated(root: Path, content: bytes) -> None:
    before, note = parts(root), note_of(root)
    concerned = [place for place in before if about(root, place, note.name)]
    note.write_bytes(content)
    assert restate(root) == (1, 1)
    assert len(concerned) == 2, "a source and a copy"
    assert set(concerned) <= set(parts(root))
    assert note.read_bytes() == content
    assert run_query(root, "service_improve", "SELECT count(*) FROM readings", NOW_MS).rows == [
        (6,)
    ]


@pytest.mark.parametrize("content", BROKEN.values(), ids=list(BROKEN))
def test_a_broken_note_is_told_with_a_remedy(root: Path, content: bytes) -> None:
    note_of(root).write_bytes(content)
    for told in (check(root, NOW_MS).strange, StoredLake(root).strange()):
        [one] = told
        assert (one.oddity, one.place) == (Oddity.UNREADABLE, f"_restating/{note_of(root).name}")
        assert "put it back" in one.why


def test_a_note_put_back_lets_the_restatement_go_on(root: Path) -> None:
    note = note_of(root)
    whole = note.read_bytes()
    note.write_bytes(b"")
    restate(root)
    note.write_bytes(whole)
    assert check(root, NOW_MS).strange == ()
    restate(root)
    assert len(stored(root)) == 6
    assert list((root / RESTATING).iterdir()) == []


def test_what_the_sentence_advises_makes_the_lake_whole(root: Path) -> None:
    note = note_of(root)
    note.write_bytes(b"")
    for place in parts(root):
        if f"-r{note.name}v" in place:
            (root / place).unlink()
    note.unlink()
    restate(root)
    assert check(root, NOW_MS).strange == ()
    assert len(stored(root)) == 6


def test_a_stranger_among_the_notes_is_told_and_left(root: Path) -> None:
    restate(root)
    (root / RESTATING / "backup").write_bytes(b"")
    (root / RESTATING / "0123456789abcdef").mkdir()
    (root / "_staged" / "backup").write_bytes(b"")
    places = [(one.oddity, one.place) for one in check(root, NOW_MS).strange]
    assert places == [
        (Oddity.FOREIGN, "_restating/0123456789abcdef"),
        (Oddity.FOREIGN, "_restating/backup"),
        (Oddity.FOREIGN, "_staged/backup"),
    ]
    with lake_at(root):
        restate(root)
    assert len(check(root, NOW_MS).strange) == 3


def about(root: Path, place: str, name: str) -> bool:
    return f"-r{name}v" in place or name_of(root, root / place) == name
