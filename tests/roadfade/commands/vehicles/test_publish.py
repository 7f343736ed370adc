import io
import json
import sys
from pathlib import Path

import pytest
import typer

from assessment.rehearsal import Rehearsal, everybody_agrees
from roadfade.commands.vehicles import drives, payloads, publish, publish_check
from roadfade.commands.vehicles.foreign import Foreign, read_foreign
from roadfade.commands.vehicles.payloads import Payload, read_payloads, split
from roadfade.commands.vehicles.publish_check import judge
from roadfade.refusal import Refusal
from roadfade.settings import Settings
from telemetry.identity import DeviceId
from telemetry.instants import DAY_MS
from tests.support.plans import FUEL, PLAN, SPEED
from tests.support.worlds import DEVICE, NOW_MS, column, envelope, known_world

GOOD = envelope({SPEED: column("km/h", [10.0, 20.0])})
BAD = envelope({SPEED: column("km/h", [10.0, 900.0]), "Vehicle.WVWZZZ1KZ": column("", [1.0])})


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setattr(publish_check, "policy_here", lambda *_: PLAN)
    monkeypatch.setattr(publish_check, "wall_ms", lambda: NOW_MS)
    return Settings(state_dir=tmp_path / "state", kafka_bootstrap_servers="127.0.0.1:1")


def written(folder: Path, *payloads: bytes) -> str:
    file = folder / "envelopes.json"
    file.write_bytes(b"\n".join(payloads))
    return str(file)


@pytest.mark.parametrize(
    ("text", "count"),
    [
        (b"", 0),
        (b" \n ", 0),
        (b'{"a":1}', 1),
        (b'{\n "a":\n 1}', 1),
        (b'{\n "a" 1}', 1),
        (b'{"a":1}\n{"b":2}\n', 2),
        (b'{"a":1}\n\nnonsense\n{"b":2}', 3),
        (b"[\n1,\n2\n]", 1),
        (b"\xff\xfe", 1),
    ],
)
def test_a_file_holds_one_envelope_or_one_on_each_line(text: bytes, count: int) -> None:
    assert len(split(text)) == count


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_the_mark_of_an_editor_costs_no_envelope(tmp_path: Path, encoding: str) -> None:
    file = tmp_path / "envelopes.json"
    file.write_bytes((GOOD + b"\r\n\r\n" + BAD + b"\r\n").decode().encode(encoding))
    assert [payload.value for payload in read_payloads([str(file)])] == [GOOD, BAD]


def test_envelopes_are_read_in_order_and_from_standard_input(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(GOOD)))
    file = written(tmp_path, GOOD, BAD)
    assert read_payloads([file, "-"]) == [
        Payload(f"{file}:1", GOOD),
        Payload(f"{file}:2", BAD),
        Payload("-:1", GOOD),
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [(None, "No such file"), (b"\n", "is empty"), (b"x" * 30, "longer than 20 bytes")],
)
def test_a_file_that_cannot_be_taken_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: bytes | None, said: str
) -> None:
    monkeypatch.setattr(payloads, "FILE_BYTES_MAX", 20)
    file = tmp_path / "here.json"
    if text is not None:
        file.write_bytes(text)
    with pytest.raises(Refusal, match=f"here.json.*{said}"):
        read_payloads([str(file)])


def test_a_check_says_what_the_worker_then_does() -> None:
    world = known_world(PLAN)
    rehearsal = Rehearsal(world.program, world.people, NOW_MS)
    judgement = judge(Payload("x:1", BAD), rehearsal, PLAN)
    world.feed(BAD)
    assert judgement.rows == world.ledger()
    assert {str(f.reason): f.readings for f in judgement.checked.findings} == world.rejected()


def test_a_check_keeps_nothing_from_one_envelope_to_the_next() -> None:
    world = known_world(PLAN)
    rehearsal = Rehearsal(world.program, world.people, NOW_MS)
    assert rehearsal.outcome(GOOD) == rehearsal.outcome(GOOD)


def test_a_checked_envelope_shows_no_value_and_no_identifier_on_screen(
    settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = written(tmp_path, GOOD, BAD, b'{"v":1,"id":"x","device":"WVWZZZ1KZ"}')
    with pytest.raises(typer.Exit) as ended:
        publish_check.main(settings, [file], as_known=True, as_json=False)
    assert ended.value.exit_code == 1
    shown = capsys.readouterr()
    assert "2 of 2 readings would be admitted" in shown.out
    assert "1 rejected as out_of_range in Vehicle.Speed" in shown.out
    assert "malformed in $.id" in shown.out
    for planted in (DEVICE, "WVWZZZ1KZ", "900", "10.0"):
        assert planted not in shown.out + shown.err


def test_an_unknown_dongles_envelope_would_be_rejected_and_json_has_it_all(
    settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = written(tmp_path, GOOD)
    with pytest.raises(typer.Exit):
        publish_check.main(settings, [file], as_known=False, as_json=True)
    body = json.loads(capsys.readouterr().out)
    assert not body["admitted"]
    [told] = body["envelopes"]
    assert [f["reason"] for f in told["findings"]] == ["unknown_device"]
    assert not (tmp_path / "state").exists()


def test_an_admitted_envelope_exits_0_and_says_what_each_output_would_get(
    settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = written(
        tmp_path, envelope({SPEED: column("km/h", [10.0]), FUEL: column("percent", [50.0])})
    )
    publish_check.main(settings, [file], as_known=True, as_json=False)
    lines = capsys.readouterr().out.splitlines()
    assert "  service: 2 delivered" in lines
    assert "  research: 1 delivered; withheld: unsupported 1" in lines


def test_everybody_agrees_covers_every_consent_the_plan_asks_for() -> None:
    world = known_world(PLAN)
    rehearsal = Rehearsal(world.program, everybody_agrees(PLAN, [DEVICE]), NOW_MS)
    rows, _ = rehearsal.outcome(envelope({SPEED: column("km/h", [10.0])}, NOW_MS - DAY_MS))
    assert all("no_consent" not in row.withheld for row in rows.values())
    assert rows["sharing"].delivered == 1


def test_what_is_no_envelope_is_not_published(settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(
        Refusal, match=r"envelopes.json:2 is no envelope; `roadfade publish --check`"
    ):
        publish.main(settings, [written(tmp_path, GOOD, b'{"v":1}')], as_json=False)


def test_without_a_broker_publishing_says_so(settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(Refusal, match=r"no broker answers at 127\.0\.0\.1:1: start it"):
        publish.main(settings, [written(tmp_path, GOOD)], as_json=False)


TRACE = b"""{"name": "vehicle_speed", "value": 43.5}
{"name": "fuel_level", "value": 61.25}
{"name": "vin", "value": "WVWZZZ1KZ"}
{"name": "WVWZZZ1KZ", "value": 43.5}
"""


def test_a_message_of_another_system_is_checked_as_the_gateway_would_take_it(
    settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    how = Foreign("openxc", DeviceId("dongle-WVWZZZ1KZ"), NOW_MS)
    file = written(tmp_path, TRACE)
    publish_check.main(settings, [file], as_known=True, as_json=False, foreign=how)
    shown = capsys.readouterr()
    assert "2 of 2 readings would be admitted" in shown.out
    assert "left out unmapped: 2" in shown.out
    for planted in ("WVWZZZ1KZ", "43.5", "61.25"):
        assert planted not in shown.out + shown.err
    publish_check.main(settings, [file], as_known=True, as_json=True, foreign=how)
    assert json.loads(capsys.readouterr().out)["left_out"] == {"unmapped": 2}


@pytest.mark.parametrize(
    ("format_", "message", "said"),
    [
        ("wican", b"[]", "refused as malformed"),
        ("wican", b" " * 2**20 + b"{}", "refused as oversized"),
        ("telegram", b"{}", "there are fleetwise, openxc, ovms"),
    ],
)
def test_what_the_gateway_would_refuse_is_refused_here_without_a_quotation(
    tmp_path: Path, format_: str, message: bytes, said: str
) -> None:
    file = written(tmp_path, message)
    with pytest.raises(Refusal, match=said):
        read_foreign([file], Foreign(format_, DeviceId("dongle-7"), NOW_MS))


def test_a_message_of_another_system_says_not_whose_it_is(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(typer.Exit) as ended:
        drives.publish(["message.json"], format_="wican")
    assert ended.value.exit_code == 2
    assert "give both --format and --device" in capsys.readouterr().err
