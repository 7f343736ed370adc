"""The scripts among the cases run as given, and every file of the cases has its test."""

from pathlib import Path
from typing import Final

import pytest

from tests.support.case_scripts import REPOSITORY, STREAM, run_case

CASES: Final = STREAM.parent
FOLDERS: Final = ("logs", "stream", "vehicle")

pytestmark = [
    pytest.mark.shared_data,
    pytest.mark.skipif(not STREAM.is_dir(), reason="the cases are not at hand"),
]

ELSEWHERE: Final = {
    "stream/02-notice-rewritten.py": "policy/diff/test_fields.py",
    "stream/03-query-time-zone.sh": "sinks/query/test_session.py",
    "stream/09-yaml-merge-key.py": "policy/language/test_broken_documents.py",
    "stream/10-yaml-number-and-text-key.py": "policy/language/test_broken_documents.py",
    "stream/13-query-json-nan.sh": "roadfade/commands/test_query.py",
    "stream/15-submillisecond.py": "telemetry/test_instants.py",
    "stream/16-leap-second.py": "processors/test_times.py",
    "stream/18-period-for-ever.py": "policy/vocabulary/test_words.py",
    "stream/19-append-time-of-the-future.py": "processors/test_times.py",
    "stream/22-effective-in-japan.py": "policy/compiler/test_compile.py",
    "stream/24-json-name-twice.py": "telemetry/wire/test_envelope_content.py",
    "logs/cut-mf4.sh": "ingest/logs/test_ends.py",
    # Its adapter on a pseudo terminal, and a clock that is set while it is asked.
    "vehicle/20-elm-odd.py": "ingest/obd/test_odd_answers.py",
    "vehicle/21-clock-step/sitecustomize.py": "ingest/obd/test_session.py",
}
"""Cases whose claim a module tests in the suite's own words, beside what it names itself."""

HELP: Final = {"stream/_common.py", "stream/lake_of_now.py", "vehicle/see.py", "vehicle/dry.py"}
"""What cases share, or print with."""

NAMED_BY_PATTERN: Final = {
    "vehicle/09-": "ingest/test_case_files.py",
    "vehicle/16-time-": "assessment/test_case_envelopes.py",
}


def test_a_minute_is_thinned_alike_however_it_is_cut(tmp_path: Path) -> None:
    lines = run_case("01-thin-across-envelopes.py", tmp_path)
    assert [line.split("app got ")[1].split(" of")[0] for line in lines] == ["6"] * 4


def test_a_strange_name_stops_no_deletion_and_no_query(tmp_path: Path) -> None:
    lines = run_case("05-sweep-stray-name.py", tmp_path)
    swept = [line for line in lines if "->" in line]
    assert len(swept) == 4
    assert all("Swept(files=2, rows=2" in line and line.endswith("left=())") for line in swept)
    left = [line for line in lines if "still there" in line]
    assert [line.split(":")[1].split()[0] for line in left] == ["0"] * 4
    assert not [line for line in lines if line.startswith("   query:")]


def test_an_interval_that_has_not_begun_locks_nobody_out(tmp_path: Path) -> None:
    said = dict(
        line.split(" -> ", 1)
        for line in run_case("07-link-in-the-future.py", tmp_path)
        if "->" in line
    )
    again = said.pop("unregister --at next year + 1 ms")
    assert again == "refused: the device has no open link: check the device id"
    assert set(said.values()) == {"done"}


def test_no_exact_bound_falls_into_the_bucket_below(tmp_path: Path) -> None:
    *counts, digits = run_case("12-bucket-fractions.py", tmp_path)
    assert len(counts) == 4
    assert all(": one bucket low 0 of 5000, as []" in line for line in counts)
    assert digits == "28.3 right 28.3; 0.3 right 0.3"


def test_every_file_of_the_cases_has_a_test() -> None:
    """A new case cannot be missed: it fails here until a module names it, or the table does."""
    tests = {
        path.relative_to(REPOSITORY / "tests").as_posix(): path.read_text(encoding="utf-8")
        for path in (REPOSITORY / "tests").rglob("*.py")
    }
    files = {
        path.relative_to(CASES).as_posix()
        for folder in FOLDERS
        for path in (CASES / folder).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert files >= set(ELSEWHERE) | HELP
    assert set(ELSEWHERE.values()) | set(NAMED_BY_PATTERN.values()) <= set(tests)
    nowhere = sorted(
        file
        for file in files - set(ELSEWHERE) - HELP
        if not file.startswith(tuple(NAMED_BY_PATTERN))
        and not any(Path(file).name in text or Path(file).stem in text for text in tests.values())
    )
    assert nowhere == []
