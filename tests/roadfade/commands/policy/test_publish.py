"""``policy publish``: compared with what is on record, approved or refused, then published."""

import asyncio
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from office.store.database import make_office
from office.store.recorded import recorded
from policy.diff.diff import diff
from policy.plan.limits import Limits
from roadfade.cli import policy_app as app
from roadfade.in_force.documents import load_files
from roadfade.in_force.plans import Plans
from roadfade.in_force.publishing import propose
from telemetry.instants import MINUTE_MS, SECOND_MS, Grain
from telemetry.wire.publication import Publication
from tests.support.documents import FILES
from tests.support.versions import Bends, document

STUDY = "purposes/study.yaml"
POLICY = "policy.yaml"
FINER: Bends = {STUDY: (("bucket 10 km/h", "bucket 5 km/h"),)}


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of an office that has nothing on record yet."""
    monkeypatch.setenv("ROADFADE_STATE_DIR", str(tmp_path / "state"))
    first = document(tmp_path / "first", 1, {}, of=FILES)
    monkeypatch.setenv("ROADFADE_POLICY", str(first))
    file = tmp_path / "state" / "office.sqlite"
    asyncio.run(make_office(file))
    return file


def publish(folder: Path, *options: str) -> Result:
    return CliRunner().invoke(app, ["publish", "--policy", str(folder), *options])


def small(tmp_path: Path, version: int, bends: Bends) -> Path:
    """The small document under another number."""
    return document(tmp_path / f"of-{version}-{len(str(bends))}", version, bends, of=FILES)


def numbers(state: Path) -> list[int]:
    return [one.version for one in recorded(state)]


def test_a_version_is_put_on_record_behind_the_one_in_force(tmp_path: Path, state: Path) -> None:
    second = small(tmp_path, 2, {})
    result = publish(second, "--json")
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert (told["version"], told["told"]) == (2, False)
    first, new = recorded(state)
    assert (first.version, first.files) == (1, FILES)
    assert (new.files, new.starts_ms) == (load_files(second), new.published_ms)


def test_publishing_twice_is_publishing_once(tmp_path: Path, state: Path) -> None:
    second = small(tmp_path, 2, {})
    assert publish(second).exit_code == publish(second).exit_code == 0
    assert numbers(state) == [1, 2]


def test_an_undecided_widening_is_not_published(tmp_path: Path, state: Path) -> None:
    finer = small(tmp_path, 2, FINER)
    result = publish(finer)
    assert result.exit_code == 1
    assert "NEEDS_DECISION" in result.output and "approve as" in result.output
    assert numbers(state) == [1]
    asked = json.loads(publish(finer, "--json").stdout)
    assert asked["undecided"] == 1 and "contains no approval or no new notice" in asked["refused"]


def line_of(folder: Path, file: str, text: str) -> int:
    """The first line of a document's file that has this text; from 1."""
    lines = (folder / file).read_text().splitlines()
    return next(number for number, line in enumerate(lines, 1) if text in line)


@pytest.mark.parametrize(
    ("bends", "file", "text"),
    [
        (FINER, STUDY, "C09:"),
        ({STUDY: (("at_most: 30 days", "at_most: 40 days"),)}, STUDY, "C07:"),
        ({STUDY: (("countries: [JP]", "countries: [JP, DE]"),)}, STUDY, "- {id: team"),
        ({POLICY: (("at_least: 10", "at_least: 5"),)}, POLICY, "at_least: 5"),
    ],
    ids=["finer", "longer", "abroad", "fewer people"],
)
def test_what_is_refused_is_named_by_its_file_and_line(
    bends: Bends, file: str, text: str, tmp_path: Path
) -> None:
    wider = small(tmp_path, 2, bends)
    place = f"{file}:{line_of(wider, file, text)}:"
    for options in (("--check",), ()):
        _, *lines = publish(wider, *options).stderr.splitlines()
        assert lines and all(line.startswith(place) for line in lines), lines
    refused = json.loads(publish(wider, "--check", "--json").stdout)
    places = {
        (one["file"], one["line"])
        for one in refused["changes"]
        if one["needs_decision"] or one["needs_notice"]
    }
    assert places == {(file, line_of(wider, file, text))}


def test_a_number_that_was_used_is_named_by_its_place(tmp_path: Path) -> None:
    assert publish(small(tmp_path, 3, {})).exit_code == 0
    second = small(tmp_path, 2, {})
    refused = publish(second, "--check")
    line = line_of(second, POLICY, "version: 2")
    assert refused.exit_code == 1
    assert refused.stderr.startswith(f"refused: policy.yaml:{line}:10: version 3 is published")
    as_json = json.loads(publish(second, "--check", "--json").stdout)
    assert (as_json["file"], as_json["line"]) == (POLICY, line)


def test_a_case_that_does_not_hold_is_named_by_its_place(tmp_path: Path) -> None:
    bent = small(tmp_path, 2, {"cases/study.yaml": (("becomes: 40", "becomes: 41"),)})
    refused = publish(bent, "--check").stderr.splitlines()
    assert refused[1].startswith("cases/study.yaml:") and "expected" in refused[1]


def test_a_widening_is_compared_with_what_is_on_record_not_the_shipped_one(
    tmp_path: Path, state: Path
) -> None:
    coarser: Bends = {STUDY: (("bucket 10 km/h", "bucket 20 km/h"),)}
    assert publish(small(tmp_path, 2, coarser)).exit_code == 0
    back = small(tmp_path, 3, {})
    assert publish(back).exit_code == 1
    assert numbers(state) == [1, 2]


def test_a_version_that_does_not_follow_is_not_published(tmp_path: Path, state: Path) -> None:
    assert publish(small(tmp_path, 3, {})).exit_code == 0
    result = publish(small(tmp_path, 2, {}))
    assert result.exit_code == 1 and "higher number" in result.output
    assert numbers(state) == [1, 3]


def test_no_version_gives_a_topic_to_another_recipient(tmp_path: Path, state: Path) -> None:
    lab: Bends = {
        STUDY: (
            ("{id: team,", "{id: lab,"),
            ("forbids: []", "approvals:\n  - {change: new recipient lab, decision: yes, by: officer, on: 2026-11-20}"),
        ),
        "cases/study.yaml": (("to: team", "to: lab"),),
    }  # fmt: skip
    result = publish(small(tmp_path, 2, lab))
    assert result.exit_code == 1 and "another recipient's in version 1" in result.output
    assert numbers(state) == [1]


def test_a_folder_with_odd_characters_has_its_versions_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    odd = tmp_path / "a#b c"
    monkeypatch.setenv("ROADFADE_STATE_DIR", str(odd))
    asyncio.run(make_office(odd / "office.sqlite"))
    assert publish(small(tmp_path, 2, {})).exit_code == 0
    assert numbers(odd / "office.sqlite") == [1, 2]


def test_a_check_writes_nothing(tmp_path: Path, state: Path) -> None:
    assert publish(small(tmp_path, 2, {}), "--check").exit_code == 0
    assert publish(small(tmp_path, 2, FINER), "--check").exit_code == 1
    assert numbers(state) == []


def test_a_document_that_does_not_hold_is_not_published(tmp_path: Path, state: Path) -> None:
    broken = small(tmp_path, 2, {STUDY: (("precision: P2", "precision: P9"),)})
    assert publish(broken).exit_code == 1
    assert numbers(state) == []


def test_a_version_whose_own_cases_do_not_hold_is_not_published(
    tmp_path: Path, state: Path
) -> None:
    bend: Bends = {"cases/study.yaml": (("becomes: 40", "becomes: 41"),)}
    result = publish(small(tmp_path, 2, bend))
    assert result.exit_code == 1 and "cases do not hold" in result.output
    assert numbers(state) == []


def test_waiting_in_vain_for_the_office_is_reported(tmp_path: Path) -> None:
    result = publish(small(tmp_path, 2, {}), "--wait", "0.1")
    assert result.exit_code == 1 and "not yet published to the workers" in result.output


def test_an_unchanged_version_changes_nothing_whatever_the_limits_of_the_installation(
    tmp_path: Path,
) -> None:
    quick = Limits(Grain.MINUTE, MINUTE_MS, None, SECOND_MS, SECOND_MS)
    tight, loose = Plans(quick, tmp_path), Plans(Limits(), tmp_path)
    first, second = (
        Publication("small", number, 0, 0, load_files(small(tmp_path, number, {})))
        for number in (1, 2)
    )
    difference = propose(second, (first,), tight).difference
    assert difference is not None
    assert difference.changes == ()
    # The limits do make a difference: both versions have to be under the same.
    assert diff(tight.version(first), loose.version(second)).undecided
