import asyncio
import json
import sys
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path

import obd
import psutil
import pytest

from ingest.batching import Reading, Source
from ingest.obd.answers import UNITS, Codes, Dropped, Signpost, commands, read_line
from ingest.obd.reader import USAGE_ERROR, main
from ingest.obd.session import Adapter, Session
from ingest.refused import Refused
from telemetry.identity import DeviceId
from telemetry.wire.envelope import Envelope, decode_envelope, encode_envelope
from telemetry.wire.record import TROUBLE_CODES
from tests.ingest.captures import ALL_PATHS, CATALOGUE
from tests.ingest.elm327 import Elm327

SOURCE = Source(DeviceId("dongle"), "session-1", "ntp", "obd")
SPEED = "Vehicle.Speed"
ENGINE = "Vehicle.Powertrain.CombustionEngine.Speed"
FUEL = "Vehicle.Powertrain.FuelSystem.RelativeLevel"


async def collect(session: Session) -> list[Envelope]:
    async with aclosing(session.envelopes()) as envelopes:
        return [envelope async for envelope in envelopes]


async def test_a_session_with_an_adapter_arrives_as_envelopes() -> None:
    with Elm327() as car:
        session = Session(Adapter(car.port, period_s=0.01, rounds=25), SOURCE, CATALOGUE, ALL_PATHS)
        envelopes = await collect(session)
    counts = session.counts
    assert not counts.lost
    assert counts.readings == 25 * 11
    assert counts.dropped == {Dropped.UNSUPPORTED: len(commands(CATALOGUE, ALL_PATHS)) - 11}
    assert sum(e.readings for e in envelopes) == counts.readings + counts.codes
    assert [e.seq for e in envelopes] == list(range(len(envelopes)))
    first = envelopes[0]
    assert decode_envelope(encode_envelope(first)).id == first.id
    assert first.dtc == ["P0301", "P0420"]
    found = {path: (column.unit, column.value[0]) for path, column in first.series.items()}
    assert found == {
        SPEED: ("km/h", 57.0),
        ENGINE: ("rpm", 1726.0),
        FUEL: ("percent", 50.196078),
        "Vehicle.Powertrain.CombustionEngine.EngineCoolant.Temperature": ("celsius", 90.0),
        "Vehicle.Powertrain.CombustionEngine.TPS": ("percent", 20.0),
        "Vehicle.OBD.Status.IsMILOn": ("", True),
        "Vehicle.OBD.Status.DTCCount": ("", 2),
        "Vehicle.OBD.RunTime": ("s", 256.0),
        "Vehicle.OBD.O2WR.Sensor1.Current": ("A", 0.016),
        "Vehicle.OBD.ControlModuleVoltage": ("V", 14.0),
        "Vehicle.OBD.RunTimeMIL": ("min", 16.0),
    }


async def test_a_session_that_is_stopped_gives_what_it_held() -> None:
    with Elm327() as car:
        session = Session(Adapter(car.port, period_s=0.01), SOURCE, CATALOGUE, {SPEED})

        async def stop_when_asked() -> None:
            while session.counts.lines < 20:  # noqa: ASYNC110  # counts set no event
                await asyncio.sleep(0.01)
            session.stop()

        async with asyncio.TaskGroup() as group:
            collecting = group.create_task(collect(session))
            group.create_task(stop_when_asked())
    assert session.counts.readings == sum(e.readings for e in collecting.result()) > 10
    assert not session.counts.lost


async def test_an_adapter_is_asked_for_nothing_but_what_is_collected() -> None:
    with Elm327() as car:
        session = Session(
            Adapter(car.port, period_s=0.01, rounds=2),
            SOURCE,
            CATALOGUE,
            {SPEED, "Vehicle.CurrentLocation.Latitude"},
        )
        [envelope] = await collect(session)
        asked = [request for request in car.requests if not request.startswith("AT")]
    assert set(envelope.series) == {SPEED}
    assert {request[:4] for request in asked} == {"0100", "0120", "0140", "010D"}


async def test_an_adapter_that_never_answers_is_lost_without_a_reading() -> None:
    with Elm327() as car:
        car.fall_silent()
        session = Session(Adapter(car.port, silence_s_max=0.2), SOURCE, CATALOGUE, {SPEED})
        assert await collect(session) == []
    assert session.counts.lost


async def test_a_port_that_is_not_there_is_lost() -> None:
    session = Session(Adapter("/dev/not-there"), SOURCE, CATALOGUE, {SPEED})
    assert await collect(session) == []
    assert session.counts.lost


def living_children() -> set[int]:
    children = psutil.Process().children()
    return {child.pid for child in children if child.status() != psutil.STATUS_ZOMBIE}


async def test_a_session_that_is_closed_early_ends_its_reader() -> None:
    before = living_children()
    with Elm327() as car:
        session = Session(Adapter(car.port, period_s=0.001), SOURCE, CATALOGUE, ALL_PATHS)
        async with aclosing(session.envelopes()) as envelopes:
            first = await anext(envelopes)
            assert living_children() > before
    assert first.readings > 0
    assert living_children() == before


async def test_a_policy_that_collects_nothing_of_an_adapter_starts_no_session() -> None:
    with pytest.raises(Refused, match="nothing to ask"):
        await collect(
            Session(Adapter("/dev/null"), SOURCE, CATALOGUE, {"Vehicle.CurrentLocation.Latitude"})
        )


async def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "obd", None)
    with pytest.raises(Refused, match=r"roadfade\[obd\]"):
        await collect(Session(Adapter("/dev/null"), SOURCE, CATALOGUE, {SPEED}))


@pytest.mark.parametrize(
    "command",
    ["CLEAR_DTC", "VIN", "CALIBRATION_ID", "CVN", "PIDS_A", "DTC_SPEED", "GET_DTC", "STATUS"],
)
def test_the_reader_refuses_what_is_not_a_mode_01_read(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ["--port", "/dev/null", "--command", "SPEED", "--command", command]
    assert main(asked) == USAGE_ERROR
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err == f"refused: {command}: only mode 01 reads are allowed\n"


def test_the_reader_imports_nothing_of_ours() -> None:
    text = (Path(__file__).parents[3] / "ingest" / "obd" / "reader.py").read_text()
    imports = {
        line.split()[1].partition(".")[0]
        for line in text.splitlines()
        if line.startswith(("import ", "from "))
    }
    assert imports - set(sys.stdlib_module_names) == {"obd"}


def test_every_unit_of_every_row_has_its_line_in_the_table() -> None:
    asked = commands(CATALOGUE, ALL_PATHS)
    for command in obd.commands.modes[1]:
        if command.name not in asked:
            continue
        message = type("Answer", (), {"data": bytearray([0x41, 0]) + bytes(command.bytes - 2)})
        value = command.decode([message()])
        unit = "" if isinstance(value, bool) else str(value.units)
        assert UNITS[unit][0] == asked[command.name].unit, command.name


def test_a_command_at_two_paths_means_the_one_of_the_main_branch() -> None:
    asked = commands(CATALOGUE, ALL_PATHS)
    assert asked["SPEED"].path == SPEED
    assert asked["RPM"].path == ENGINE
    assert commands(CATALOGUE, {"Vehicle.OBD.Speed"})["SPEED"].path == "Vehicle.OBD.Speed"


def value(**fields: object) -> bytes:
    return json.dumps(
        {
            "kind": "value",
            "command": "SPEED",
            "t_ms": 5,
            "value": 43.0,
            "unit": "kilometer_per_hour",
            **fields,
        }
    ).encode()


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"", Dropped.MALFORMED),
        (b"not json", Dropped.MALFORMED),
        (b"\xff\xfe", Dropped.MALFORMED),
        (b'{"kind":"value"}', Dropped.MALFORMED),
        (b'{"kind":"vin","value":"x"}', Dropped.MALFORMED),
        (b'{"kind":"unanswered","command":"SPEED"}', Dropped.UNANSWERED),
        (value(extra=1), Dropped.MALFORMED),
        (value(t_ms=-1), Dropped.MALFORMED),
        (value(value="43"), Dropped.MALFORMED),
        (value(command="VIN"), Dropped.NOT_ASKED),
        (value(unit="mile_per_hour"), Dropped.WRONG_UNIT),
        (value(value=True), Dropped.WRONG_UNIT),
        (value(value=401), Dropped.OUT_OF_RANGE),
        (value(value=400.0000004), Dropped.OUT_OF_RANGE),
        (value(value=1e308), Dropped.OUT_OF_RANGE),
        (b'{"kind":"unsupported","command":"SPEED"}', Dropped.UNSUPPORTED),
    ],
)
def test_a_line_that_is_no_reading_is_counted_under_its_reason(
    line: bytes, reason: Dropped
) -> None:
    dropped: Counter[Dropped] = Counter()
    assert read_line(line, {"SPEED": CATALOGUE[SPEED]}, dropped) is None
    assert dropped == {reason: 1}


def test_a_line_says_a_reading_codes_or_how_the_session_goes() -> None:
    dropped: Counter[Dropped] = Counter()
    asked = {"SPEED": CATALOGUE[SPEED]}
    assert read_line(value(), asked, dropped) == Reading(5, SPEED, "km/h", 43.0)
    assert read_line(b'{"kind":"codes","t_ms":1,"codes":["P0301"]}', asked, dropped) == Codes(
        1, ("P0301",)
    )
    assert read_line(b'{"kind":"lost"}', asked, dropped) is Signpost.LOST
    assert not dropped
    mixed = b'{"kind":"codes","t_ms":1,"codes":["P0301\\u0000","P0A80","p0301","WVWZZZ1JZ"]}'
    assert read_line(mixed, asked, dropped) == Codes(1, ("P0A80",))
    assert dropped == {Dropped.MALFORMED: 3}
    assert TROUBLE_CODES in CATALOGUE


async def test_a_clock_set_back_begins_another_envelope(monkeypatch: pytest.MonkeyPatch) -> None:
    start_ms = 1_795_398_293_000
    month_ms = 30 * 86_400_000
    stamps = [start_ms + month_ms, start_ms + month_ms + 1_000, start_ms, start_ms + 1_000]

    async def answers(_: Session) -> AsyncGenerator[Reading | Codes, None]:
        for stamp in stamps:
            yield Reading(stamp, SPEED, "km/h", 57.0)
        yield Codes(start_ms - month_ms, ("P0301",))

    monkeypatch.setattr(Session, "_answers", answers)
    envelopes = await collect(Session(Adapter("none"), SOURCE, CATALOGUE, ALL_PATHS))
    assert [e.readings for e in envelopes] == [2, 2, 1]
    for envelope in envelopes:
        assert decode_envelope(encode_envelope(envelope)).id == envelope.id
