"""A recorded drive down the whole road: all forms, one set of rows, everything accounted for."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import can
import pytest

from assessment.rehearsal import Rehearsal, everybody_agrees
from ingest.can.recording import Recording
from policy.plan.limits import Limits
from policy.plan.plan import Plan
from processors.program import build_program
from roadfade.clock import wall_ms
from roadfade.in_force.plans import compile_policy
from roadfade.ledger_file import LedgerFile
from roadfade.settings import Settings
from telemetry.identity import DeviceId
from telemetry.instants import DAY_MS, HOUR_MS
from telemetry.wire.envelope import encode_envelope
from telemetry.wire.flow import Ledger, OutputFlow
from telemetry.wire.record import LATITUDE, LONGITUDE
from tests.ingest.captures import (
    CATALOGUE,
    GNSS_DBC,
    GNSS_LOG,
    OWN_DBC,
    OWN_MAP,
    needs,
    own_drive,
    write,
)
from tests.support.road import Road

TELLING = {"Vehicle.Speed", LATITUDE, LONGITUDE}
DEVICE = DeviceId("dongle")
FORMS = ("drive.mf4", "drive.asc")
"""One in binary, one in text: that all forms give the same readings, ``ingest`` tests."""


def own_files(folder: Path) -> tuple[Path, Path]:
    (folder / "own.dbc").write_text(OWN_DBC)
    (folder / "own.yaml").write_text(OWN_MAP)
    return folder / "own.dbc", folder / "own.yaml"


def moved(messages: Sequence[can.Message], last_ms: int) -> list[can.Message]:
    """The drive moved so that it ends at an instant, each frame in the middle of a millisecond.

    Forms differ in their last digits: a microsecond must not make another millisecond.
    """
    by_ms = last_ms - round(max(message.timestamp for message in messages) * 1000)
    for message in messages:
        message.timestamp = (round(message.timestamp * 1000) + by_ms + 0.5) / 1000
    return list(messages)


def takers(plan: Plan) -> list[str]:
    """The outputs that take speed or position."""
    return [
        output.id
        for output in plan.outputs
        if any(rule.signal in TELLING for lane in output.lanes for rule in lane.rules)
    ]


def ledger(road: Road) -> Ledger:
    return LedgerFile(road.settings.ledger_path).read()


def replay(road: Road, device: str, log: Path, dbc: Path, name: str, *words: str) -> int:
    """How many readings were published; the command's own account must close."""
    road.known(device, f"driver of {device}".replace(" ", "-"), wall_ms() - 30 * DAY_MS)
    done = road.cli(
        "replay", str(log), "--dbc", str(dbc), "--map", name, "--device", device, "--json", *words
    )
    assert done.code == 0, done.err or done.out
    body = done.json()
    assert body["unaccounted"] == 0
    assert body["frames"]["data"] == sum(body["data_frames"].values())
    assert body["values"]["published"] == body["readings"] > 0
    assert device not in done.out + done.err
    return int(body["readings"])


def rows_by_pseudonym(road: Road, output: str) -> dict[str, list[tuple[object, ...]]]:
    found: dict[str, list[tuple[object, ...]]] = {}
    statement = "SELECT pseudonym, signal, t, number, text, unit FROM readings"
    for pseudonym, *row in sorted(road.rows(output, statement), key=str):
        found.setdefault(pseudonym, []).append(tuple(row))
    return found


def all_forms_agree(
    road: Road, folder: Path, messages: list[can.Message], dbc: Path, name: str
) -> None:
    plan = compile_policy(road.settings, Limits())
    road.drained()  # what others published is not among the new
    before = ledger(road)
    seen = {output.id: set(rows_by_pseudonym(road, output.id)) for output in plan.outputs}
    messages = moved(messages, wall_ms() - HOUR_MS)
    published = [
        replay(road, f"{folder.name}-{n}", write(folder / form, messages), dbc, name, "--keep-time")
        for n, form in enumerate(FORMS)
    ]
    assert len(set(published)) == 1
    road.drained()
    after = ledger(road)
    assert after.closes
    assert after.rejected == before.rejected
    for output in plan.outputs:
        entered = before.outputs[output.id].entered if output.id in before.outputs else 0
        assert after.outputs[output.id].entered - entered == sum(published)
        drives = [
            rows
            for pseudonym, rows in rows_by_pseudonym(road, output.id).items()
            if pseudonym not in seen[output.id]
        ]
        differing = [Counter(row[0] for row in {*rows} ^ {*drives[0]}) for rows in drives]
        some = [sorted({*rows} ^ {*drives[0]}, key=str)[:8] for rows in drives]
        assert not any(differing), (output.id, [len(rows) for rows in drives], differing, some)
        assert all(rows == drives[0] for rows in drives), "some stand twice"
        if output.id in takers(plan):
            assert len(drives) == len(FORMS)


def gnss_messages() -> list[can.Message]:
    with can.LogReader(GNSS_LOG) as reader:
        return list(reader)


@pytest.mark.broker
@pytest.mark.shared_data
@needs(GNSS_LOG, GNSS_DBC)
def test_all_forms_of_a_recorded_drive_leave_the_same_rows(road: Road, tmp_path: Path) -> None:
    all_forms_agree(road, tmp_path, gnss_messages(), GNSS_DBC, "css_gnss")


@pytest.mark.broker
def test_all_forms_of_a_generated_drive_leave_the_same_rows(road: Road, tmp_path: Path) -> None:
    dbc, own_map = own_files(tmp_path)
    all_forms_agree(road, tmp_path, own_drive(240), dbc, str(own_map))


def arrives(road: Road, log: Path, dbc: Path, name: str, device: str) -> dict[str, OutputFlow]:
    before = ledger(road)
    replay(road, device, log, dbc, name)
    road.drained()
    after = ledger(road)
    for output in takers(compile_policy(road.settings, Limits())):
        earlier = before.outputs[output].delivered if output in before.outputs else 0
        assert after.outputs[output].delivered > earlier, output
        asked = road.cli("query", "--purpose", output, "SELECT count(*) FROM readings", "--json")
        assert asked.json()["rows"][0][0] > 0
    return after.outputs


@pytest.mark.broker
@pytest.mark.shared_data
@needs(GNSS_LOG, GNSS_DBC)
def test_a_recorded_drive_moved_to_now_arrives_in_every_output_taking_it(road: Road) -> None:
    flows = arrives(road, GNSS_LOG, GNSS_DBC, "css_gnss", "recorded-mf4")
    # The drive is not in Japan: coarse positions leave as H3 cells, and none is lost for that.
    assert all("off_grid" not in flow.withheld for flow in flows.values())


@pytest.mark.broker
def test_a_generated_drive_moved_to_now_arrives_in_every_output_taking_it(
    road: Road, tmp_path: Path
) -> None:
    dbc, own_map = own_files(tmp_path)
    log = write(tmp_path / "drive.mf4", own_drive(240))
    arrives(road, log, dbc, str(own_map), "generated-mf4")


def every_envelope_is_accounted_for(plan: Plan, recording: Recording) -> int:
    now_ms = wall_ms()
    rehearsal = Rehearsal(build_program(plan), everybody_agrees(plan, [DEVICE]), now_ms)
    readings = 0
    for envelope in recording.envelopes(DEVICE, plan.collected, now_ms):
        rows, rejected = rehearsal.outcome(encode_envelope(envelope))
        assert rejected == {}
        assert {row.entered for row in rows.values()} == {envelope.readings}
        assert all(row.closes for row in rows.values())
        readings += envelope.readings
    return readings


@pytest.fixture
def shipped_plan(tmp_path: Path) -> Plan:
    return compile_policy(Settings(state_dir=tmp_path), Limits())


@pytest.mark.shared_data
@needs(GNSS_LOG, GNSS_DBC)
def test_every_envelope_of_a_recorded_drive_is_accounted_for(shipped_plan: Plan) -> None:
    recording = Recording(GNSS_LOG, GNSS_DBC, "css_gnss", CATALOGUE)
    readings = every_envelope_is_accounted_for(shipped_plan, recording)
    assert readings == recording.counts.readings > 0
    assert recording.counts.unaccounted(recording.capture.counts) == 0


def test_every_envelope_of_a_generated_drive_is_accounted_for(
    shipped_plan: Plan, tmp_path: Path
) -> None:
    dbc, own_map = own_files(tmp_path)
    log = write(tmp_path / "candump.log", own_drive(240))
    recording = Recording(log, dbc, str(own_map), CATALOGUE)
    assert every_envelope_is_accounted_for(shipped_plan, recording) == recording.counts.readings > 0
