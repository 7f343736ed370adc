"""A document that was parsed before is the same document, with the same problems and places."""

import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from policy.language.document import Document, Sheet
from policy.language.parse import parse, parse_policy, read_text
from policy.language.problems import Findings, Places, Problem, Tree
from roadfade.in_force import parsed_files as module
from roadfade.in_force.documents import load_files, shipped_policy_path
from roadfade.in_force.parsed_files import parsed_files
from tests.policy.language.test_broken_documents import BROKEN
from tests.support.documents import FILES, bent

ODD: dict[str, str] = {
    "instant": "at: 2026-12-01T09:30:00Z",
    "digits": "at: 123456789012345678901234567890",
    "surrogate": 'at: "\\ud800"',
    "escapes": 'at: "\\0\\t\\u00e9"',
    "numbers": "at: [1, -1, 0x1f, 1.5, .inf, -.inf, 1e3, 0o17, true, null, ~]",
    "keys": "1: a\ntrue: b\n2026-12-01: c",
    "anchors": "a: &a {b: [1, 2]}\nc: *a",
    "day": "at: 2026-12-01",
    "nothing": "",
}


def kept(files: Mapping[str, str], state: Path) -> Document | tuple[Problem, ...]:
    with parsed_files(state) as read:
        return parse(files, read)


def places(document: Document) -> dict[str, Places]:
    single = ("policy", "authorities", "clauses", "profiles", "categories", "precisions")
    sheets: list[Sheet[Any]] = [getattr(document, name) for name in single]
    sheets += [*document.purposes, *document.notices.values(), *document.cases.values()]
    return {sheet.file: sheet.places for sheet in sheets}


def same(files: Mapping[str, str], state: Path) -> None:
    plain = parse(files)
    for again in (kept(files, state), kept(files, state)):
        assert again == plain
        if isinstance(plain, Document):
            assert isinstance(again, Document)
            assert places(again) == places(plain)


@pytest.fixture
def kept_once(tmp_path: Path) -> Path:
    kept(FILES, tmp_path)
    return tmp_path / "cache" / "parsed"


@pytest.fixture
def nothing_is_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(name: str, *_: object) -> None:
        pytest.fail(f"{name} was parsed")

    monkeypatch.setattr(module, "read_text", refuse)


def test_the_shipped_document_is_the_same(tmp_path: Path) -> None:
    files = load_files(shipped_policy_path())
    # Its cases are half of the texts, and the small document has some.
    same({name: text for name, text in files.items() if not name.startswith("cases/")}, tmp_path)


def test_every_broken_document_has_the_same_problems(tmp_path: Path) -> None:
    for file, old, new, _ in BROKEN:
        same(bent(file, old, new), tmp_path)


@pytest.mark.parametrize("text", ODD.values(), ids=ODD)
def test_every_value_of_yaml_comes_back_as_it_was(text: str, tmp_path: Path) -> None:
    found = []
    for _ in range(2):
        with parsed_files(tmp_path) as read:
            found.append(read("x.yaml", text, Findings()))
    assert repr(found[0]) == repr(found[1])


@pytest.mark.usefixtures("kept_once", "nothing_is_parsed")
def test_what_was_parsed_before_is_not_parsed_again(tmp_path: Path) -> None:
    assert isinstance(kept(FILES, tmp_path), Document)
    with parsed_files(tmp_path) as read:
        parse_policy(FILES, read)


def test_a_changed_text_is_parsed_and_the_others_are_not(
    kept_once: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    del kept_once
    asked: list[str] = []

    def ask(name: str, text: str, findings: Findings) -> Tree | None:
        asked.append(name)
        return read_text(name, text, findings)

    monkeypatch.setattr(module, "read_text", ask)
    changed = bent("policy.yaml", "version: 1", "version: 2")
    document = kept(changed, tmp_path)
    assert isinstance(document, Document)
    assert document.policy.content.version == 2
    assert asked == ["policy.yaml"]


def test_only_the_user_may_read_it(kept_once: Path) -> None:
    assert stat.S_IMODE(kept_once.stat().st_mode) == 0o600
    assert stat.S_IMODE(kept_once.parent.stat().st_mode) == 0o700
    assert list(kept_once.parent.iterdir()) == [kept_once]


@pytest.mark.parametrize("at", [0, 31, 32, 40, 5_000, -1])
def test_a_file_with_any_byte_changed_is_not_believed(at: int, kept_once: Path) -> None:
    whole = kept_once.read_bytes()
    bad = bytearray(whole)
    bad[at] ^= 1
    kept_once.write_bytes(bad)
    same(FILES, kept_once.parents[1])
    assert kept_once.read_bytes() == whole


@pytest.mark.parametrize("content", [b"", b"\0", b"\0" * 32, b"x" * 1_000])
def test_a_foreign_or_truncated_file_is_replaced(content: bytes, kept_once: Path) -> None:
    whole = kept_once.read_bytes()
    for other in (content, whole[:-1], whole[:40]):
        kept_once.write_bytes(other)
        same(FILES, kept_once.parents[1])
        assert kept_once.read_bytes() == whole


def test_what_another_version_wrote_is_not_believed(
    kept_once: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = kept_once.read_bytes()
    monkeypatch.setattr(module, "FORMAT", module.FORMAT + 1)
    same(FILES, kept_once.parents[1])
    assert kept_once.read_bytes() != ours


def test_nothing_is_made_beside_a_state_folder_that_is_not_there(tmp_path: Path) -> None:
    same(FILES, tmp_path / "none")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_takes_no_file_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file where the folder should be")
    same(FILES, tmp_path)
    (tmp_path / "cache").unlink()
    (tmp_path / "cache" / "parsed").mkdir(parents=True)
    same(FILES, tmp_path)
    assert list((tmp_path / "cache").iterdir()) == [tmp_path / "cache" / "parsed"]


def test_a_full_disk_stops_nothing_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> Any:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    same(FILES, tmp_path)
    assert list((tmp_path / "cache").iterdir()) == []


def test_what_was_used_last_stays_if_not_all_has_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept(FILES, tmp_path)
    file = tmp_path / "cache" / "parsed"
    monkeypatch.setattr(module, "KEPT_BYTES_MAX", file.stat().st_size)
    for version in range(2, 40):
        kept(bent("policy.yaml", "version: 1", f"version: {version}"), tmp_path)
    assert file.stat().st_size < module.KEPT_BYTES_MAX + 1_000
    monkeypatch.setattr(module, "read_text", lambda *_: pytest.fail("parsed again"))
    kept(bent("policy.yaml", "version: 1", "version: 39"), tmp_path)
