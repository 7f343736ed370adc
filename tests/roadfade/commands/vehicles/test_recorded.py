"""replay and dry-run end with one table, of one mechanism, with the same warnings."""

import json
import re
from datetime import UTC
from pathlib import Path
from typing import Any

import pytest
import typer
from rich.console import Console

from ingest.logs.capture import Capture
from policy.vocabulary.bilingual import Language
from roadfade.commands.policy import dry_run
from roadfade.commands.vehicles import recorded
from roadfade.commands.vehicles.recorded import RecordedDrive, counted, outcome, show
from tests.ingest.can.test_recorded_clocks import DEVICE, NOW_MS
from tests.ingest.captures import ALL_PATHS, CATALOGUE, OWN_DBC, OWN_MAP, own_drive, write

ONE = "(1700000000.000000) can0 123#0001000001000000\n"


@pytest.fixture(autouse=True)
def _wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorded, "Console", lambda: Console(width=300))


def drive(folder: Path, log: str = ONE, *, keep_time: bool = False) -> RecordedDrive:
    (folder / "own.dbc").write_text(OWN_DBC)
    (folder / "own.yaml").write_text(OWN_MAP)
    (folder / "x.log").write_text(log)
    names = folder / "x.log", folder / "own.dbc", str(folder / "own.yaml")
    return RecordedDrive(*names, UTC, keep_time)


def told(one: RecordedDrive) -> dict[str, Any]:
    taken = one.open(CATALOGUE)
    sent = sum(e.readings for e in taken.envelopes(DEVICE, ALL_PATHS, NOW_MS))
    return outcome(taken, sent)


def test_the_table_has_every_outcome_by_its_reason(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one = drive(tmp_path)
    log = write(tmp_path / "candump.log", own_drive())
    body = told(RecordedDrive(log, one.database, one.map_name, UTC, keep_time=False))
    assert body["unaccounted"] == 0 and body["warnings"] == []
    assert sum(body["data_frames"].values()) == body["frames"]["data"] == 163
    show(body)
    shown = capsys.readouterr()
    for words in (
        r"frames +│ +163 │ +163 ",
        r"data frames decoded +│ +163 │ +121 │ unknown_id 40, unknown_multiplex 1, wrong_length 1",
        r"values to readings +│ +282 │ +197 │ unmapped 80, invalid 4, out_of_range 1",
    ):
        assert re.search(words, shown.out), words
    assert shown.err == ""


WARNED: dict[str, tuple[str, str]] = {
    "garbled": (ONE + "(1.0) can0 123#0\n", "1 lines or frames were cut off or garbled"),
    "cut": (ONE[:-1], "cut off, damaged or never closed"),
    "wild": (ONE + ONE.replace("1700000000", "999999999999") + ONE, "1 frames have times"),
    "set": (ONE.replace("1700000000", "17") + ONE, "clock was set while it ran, 2 parts"),
    "other car": (ONE.replace("123#", "124#"), "0 readings: no frame has an id of the database"),
    "too short": (ONE.replace("0001000001000000", "00"), "0 readings: no frame was decoded"),
}


@pytest.mark.parametrize("fault", WARNED)
def test_what_is_wrong_with_a_capture_is_said(
    tmp_path: Path, fault: str, capsys: pytest.CaptureFixture[str]
) -> None:
    log, said = WARNED[fault]
    body = told(drive(tmp_path, log))
    assert [warning for warning in body["warnings"] if said in warning]
    show(body)
    assert f"warning: {body['warnings'][0]}" in capsys.readouterr().err


@pytest.mark.parametrize("fault", ["garbled", "cut", "wild", "set"])
def test_without_a_database_it_is_said_too(tmp_path: Path, fault: str) -> None:
    log, said = WARNED[fault]
    capture = Capture(drive(tmp_path, log).log)
    body = counted(capture, capture.timeline())
    assert [warning for warning in body["warnings"] if said in warning]
    assert body["frames"]["read"] == capture.counts.frames


def test_a_capture_without_frames_is_said_to_have_none(tmp_path: Path) -> None:
    capture = Capture(drive(tmp_path, "(1.0) can0 123# B0 04\n").log)
    warnings = counted(capture, capture.timeline())["warnings"]
    assert any("holds no data frame" in warning for warning in warnings)


def test_a_map_for_another_database_is_said_to_be_one(tmp_path: Path) -> None:
    one = drive(tmp_path, ONE)
    other = "map: m\nsignals:\n  Place.Lat: {path: Vehicle.Speed, unit: km/h}\n"
    Path(one.map_name).write_text(other)
    [warning] = told(one)["warnings"]
    assert "the map names no signal that was decoded" in warning


def run(one: RecordedDrive, *, as_json: bool) -> None:
    language: Language = "en"
    dry_run.run_dry_run(
        one.log, one, None, language, agreed=True, role="driver", policy=None, as_json=as_json
    )


def test_a_dry_run_ends_with_the_same_object(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(drive(tmp_path, ONE.replace("1700000000", "17") + ONE), as_json=True)
    body = json.loads(capsys.readouterr().out)
    assert body["readings"] == body["capture"]["readings"] == 4
    assert body["capture"]["frames"]["clocks"] == 2
    assert len(body["capture"]["warnings"]) == 1
    run(drive(tmp_path), as_json=False)
    assert capsys.readouterr().out.rstrip().endswith("┘")


def test_a_dry_run_keeps_times_if_asked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit) as stopped:
        run(drive(tmp_path, ONE.replace("1700000000", "17"), keep_time=True), as_json=False)
    assert stopped.value.exit_code == 2
    assert "leave out --keep-time" in capsys.readouterr().err
