"""Adapters and cars that answer oddly: a value is believed only if it answers what was asked."""

import asyncio
import sys
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any
from unittest.mock import ANY

import obd
import pytest
from obd.protocols import ECU

from ingest.batching import Source
from ingest.obd.answers import Dropped
from ingest.obd.reader import CarefulCommand
from ingest.obd.session import Adapter, Session
from telemetry.identity import DeviceId
from telemetry.wire.envelope import Envelope, decode_envelope, encode_envelope
from telemetry.wire.record import TROUBLE_CODES
from tests.ingest.captures import CATALOGUE
from tests.ingest.elm327 import Elm327

SOURCE = Source(DeviceId("dongle"), "session-1", "ntp", "obd")
SPEED = "Vehicle.Speed"
ENGINE = "Vehicle.Powertrain.CombustionEngine.Speed"
COOLANT = "Vehicle.Powertrain.CombustionEngine.EngineCoolant.Temperature"
FUEL = "Vehicle.Powertrain.FuelSystem.RelativeLevel"
THROTTLE = "Vehicle.Powertrain.CombustionEngine.TPS"
RUN_TIME = "Vehicle.OBD.RunTime"
VOLTAGE = "Vehicle.OBD.ControlModuleVoltage"
ROUNDS = 2


@dataclass
class Message:
    """As python-OBD hands one to a command."""

    data: bytearray
    ecu: int = ECU.ENGINE


ANSWERS = {
    "the answer": ("SPEED", ["41 0D 39"], 57),
    "padding behind it": ("SPEED", ["41 0D 39 AA AA"], 57),
    "a refusal": ("SPEED", ["7F 01 12"], None),
    "busy, then the answer": ("SPEED", ["7F 01 78", "41 0D 39"], 57),
    "a late answer to another question": ("SPEED", ["41 0C 1A F8"], None),
    "a late answer, then the right one": ("SPEED", ["41 05 82", "41 0D 39"], 57),
    "an answer of another mode": ("SPEED", ["42 0D 00 39"], None),
    "clipped": ("RPM", ["41 0C 1A"], None),
    "without a value": ("SPEED", ["41 0D"], None),
    "nothing": ("SPEED", [""], None),
    "no message": ("SPEED", [], None),
    "clipped status": ("STATUS", ["41 01 82"], None),
    "a vapour pressure below 0": ("EVAP_VAPOR_PRESSURE", ["41 32 FF FF"], -0.25),
    "a vapour pressure whose low byte has its high bit": (
        "EVAP_VAPOR_PRESSURE", ["41 32 00 80"], 32.0,
    ),
    "the lowest vapour pressure": ("EVAP_VAPOR_PRESSURE", ["41 32 80 00"], -8192.0),
    "codes": ("GET_DTC", ["43 02 0A 80 03 01"], [("P0a80", ""), ("P0301", ANY)]),
    "no codes": ("GET_DTC", ["43 00"], []),
    "codes refused": ("GET_DTC", ["7F 03 11"], None),
    "a refusal that reads as a code": ("GET_DTC", ["7F 03 0A 80"], None),
    "codes of one unit, refused by another": ("GET_DTC", ["7F 03 11", "43 01 03 01"], [("P0301", ANY)]),
}  # fmt: skip


@pytest.mark.parametrize(("name", "messages", "value"), ANSWERS.values(), ids=list(ANSWERS))
def test_a_command_believes_whole_answers_to_itself_alone(
    name: str, messages: list[str], value: Any
) -> None:
    command = CarefulCommand(obd.commands[name])
    answer = command([Message(bytearray.fromhex(text)) for text in messages]).value
    assert getattr(answer, "magnitude", answer) == value


@pytest.mark.parametrize("clipped", [False, True], ids=["codes", "codes clipped to a byte"])
async def test_every_question_is_answered_or_counted_as_unanswered(*, clipped: bool) -> None:
    odd = {
        "010D": "7E8 03 7F 01 12",
        "010C": "7E8 03 41 0C 1A",
        "0105": "7E8 03 41 05 82\r7E8 03 41 05 82",
        "012F": "7E8 03 41 2F 80 <DATA ERROR",
        "0111": "NO DATA",
        "011F": "7E8 03 41 0D 39",
        "03": "7E8 06 43 02 0A 80 03 01" if not clipped else "7E8 01 43",
    }
    asked = {SPEED, ENGINE, COOLANT, FUEL, THROTTLE, RUN_TIME, VOLTAGE, TROUBLE_CODES}
    with Elm327(odd) as car:
        adapter = Adapter(car.port, period_s=0.01, rounds=ROUNDS, codes_every=1)
        session = Session(adapter, SOURCE, CATALOGUE, asked)
        async with aclosing(session.envelopes()) as envelopes:
            found = [decode_envelope(encode_envelope(one)) async for one in envelopes]
    counts = session.counts
    assert {path for one in found for path in one.series} == {VOLTAGE}
    codes = set() if clipped else {"P0A80", "P0301"}
    assert {code for one in found for code in one.dtc} == codes
    assert counts.dropped == {Dropped.UNANSWERED: (7 if clipped else 6) * ROUNDS}
    # Seven signals and the codes in each round; a code that is still stored is no new one.
    assert (counts.readings, counts.codes) == (ROUNDS, len(codes))
    answered = 0 if clipped else ROUNDS
    assert counts.readings + answered + counts.dropped.total() == 8 * ROUNDS
    assert not counts.lost


class Written(Session):
    """A session whose reader writes these lines."""

    def __init__(self, *lines: str) -> None:
        super().__init__(Adapter("/dev/null"), SOURCE, CATALOGUE, {SPEED, TROUBLE_CODES})
        self._program = f"print({chr(10).join(lines)!r})"

    async def _start(self) -> Any:
        return await asyncio.create_subprocess_exec(
            sys.executable, "-c", self._program, stdout=asyncio.subprocess.PIPE
        )


def speed(t_ms: int) -> str:
    return (
        f'{{"kind":"value","command":"SPEED","t_ms":{t_ms},"value":57.0,'
        '"unit":"kilometer_per_hour"}'
    )


async def written(*lines: str) -> list[Envelope]:
    async with aclosing(Written(*lines).envelopes()) as envelopes:
        return [decode_envelope(encode_envelope(one)) async for one in envelopes]


MONTH_MS = 30 * 24 * 3_600_000
NOW_MS = 1_795_000_000_000


@pytest.mark.parametrize(
    "by_ms",
    [-MONTH_MS, -60_000, -1, MONTH_MS],
    ids=["a month back", "a minute back", "a millisecond back", "a month ahead"],
)
async def test_a_clock_that_is_set_begins_a_new_envelope(by_ms: int) -> None:
    before = [NOW_MS, NOW_MS + 1_000]
    after = [NOW_MS + 1_000 + by_ms, NOW_MS + 2_000 + by_ms]
    found = await written(*map(speed, [*before, *after]))
    assert [
        [int(one.clock.t0.timestamp() * 1000) + dt for dt in one.series[SPEED].dt] for one in found
    ] == [before, after]
    assert len({one.id for one in found}) == 2


async def test_no_envelope_holds_more_codes_than_one_may() -> None:
    names = [f"P{number:04d}" for number in range(150)]
    lines = [
        f'{{"kind":"codes","t_ms":{NOW_MS},"codes":{names[first : first + 50]}}}'.replace("'", '"')
        for first in range(0, 150, 50)
    ]
    found = await written(*lines)
    assert [code for one in found for code in one.dtc] == names
