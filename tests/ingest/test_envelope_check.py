from collections import Counter
from typing import Any

import msgspec
import pytest

from ingest.envelope_check import REMEDIES, check_envelope, report
from processors.tally import Tally
from telemetry.outcome import Rejected
from telemetry.wire.envelope import decode_envelope
from telemetry.wire.record import LATITUDE, LONGITUDE, TROUBLE_CODES
from tests.ingest.captures import CATALOGUE
from tests.support.plans import PLAN, SPEED
from tests.support.worlds import NOW_MS, known_world
from tests.support.worlds import column as sent_column
from tests.support.worlds import envelope as sent

SECRET = "JH4KA7561PC008269"
COLLECTED = frozenset(["Vehicle.Speed", TROUBLE_CODES])


def judge(payload: bytes) -> Counter[Rejected]:
    """A small judge: the real one is the processors'."""
    try:
        envelope = decode_envelope(payload)
    except msgspec.DecodeError:
        return Counter({Rejected.MALFORMED: 1})
    if envelope.device == "stranger":
        return Counter({Rejected.UNKNOWN_DEVICE: envelope.readings})
    found: Counter[Rejected] = Counter()
    for path, column in envelope.series.items():
        if path not in CATALOGUE:
            found[Rejected.UNKNOWN_SIGNAL] += len(column.dt)
        elif column.unit != CATALOGUE[path].unit:
            found[Rejected.WRONG_UNIT] += len(column.dt)
    return found


def envelope(device: str = "d", /, **series: tuple[str, list[Any]]) -> bytes:
    columns = {
        path.replace("_", "."): {"unit": unit, "dt": list(range(len(values))), "value": values}
        for path, (unit, values) in series.items()
    }
    return msgspec.json.encode(
        {
            "v": 1,
            "id": "0" * 26,
            "device": device,
            "clock": {"t0": "2026-01-01T00:00:00Z"},
            "series": columns,
            "dtc": ["P0301"],
        }
    )


def test_each_finding_names_its_path_its_reason_and_a_remedy() -> None:
    payload = envelope(
        Vehicle_Speed=("m/s", [1, 2]), Vehicle_Sped=("km/h", [1]), Vehicle_IsMoving=("", [True])
    )
    checked = check_envelope(payload, judge, CATALOGUE, COLLECTED)
    assert (checked.readings, checked.admitted) == (5, 2)
    assert report(checked) == [
        "2 of 5 readings would be admitted",
        "2 rejected as wrong_unit in Vehicle.Speed: convert to the catalogue's unit: roadfade signals",
        "1 rejected as unknown_signal in Vehicle.…: is Vehicle.Speed meant? look the path up: roadfade signals",
        "no purpose needs Vehicle.IsMoving: do not send it",
    ]


def test_a_fault_of_the_whole_envelope_is_said_once() -> None:
    checked = check_envelope(
        envelope("stranger", Vehicle_Speed=("km/h", [1, 2])), judge, CATALOGUE, COLLECTED
    )
    assert checked.admitted == 0
    assert [(f.reason, f.place, f.readings) for f in checked.findings] == [
        (Rejected.UNKNOWN_DEVICE, "", 3)
    ]


def test_a_good_envelope_has_no_findings() -> None:
    checked = check_envelope(envelope(Vehicle_Speed=("km/h", [1, 2])), judge, CATALOGUE, COLLECTED)
    assert report(checked) == ["3 of 3 readings would be admitted"]


@pytest.mark.parametrize(
    ("payload", "place"),
    [
        (envelope().replace(b'"2026-01-01T00:00:00Z', b'"' + SECRET.encode()), "$.clock.t0"),
        (envelope().replace(b'"v":1', b'"v":1,"' + SECRET.encode() + b'":1'), ""),
        (
            envelope(**{SECRET: ("km/h", [1])}).replace(
                b'"dt":[0]', b'"dt":["' + SECRET.encode() + b'"]'
            ),
            "$.series[...].dt[0]",
        ),
        (b'"' + SECRET.encode(), ""),
    ],
)
def test_a_broken_envelope_says_where_and_never_what(payload: bytes, place: str) -> None:
    checked = check_envelope(payload, judge, CATALOGUE, COLLECTED)
    assert [finding.place for finding in checked.findings] == [place]
    assert SECRET not in "\n".join(report(checked))


def test_a_path_that_is_an_identifier_is_not_repeated() -> None:
    said = "\n".join(
        report(
            check_envelope(
                envelope(**{f"Vehicle_{SECRET}": ("", [1])}), judge, CATALOGUE, COLLECTED
            )
        )
    )
    assert "unknown_signal in Vehicle.…" in said
    assert SECRET not in said


def test_every_reason_has_a_remedy() -> None:
    assert set(REMEDIES) == set(Rejected)


def judged_by_the_worker(payload: bytes) -> list[str]:
    world = known_world(PLAN)

    def real(part: bytes) -> Counter[Rejected]:
        tally = Tally(world.program)
        world.processor.process(part, NOW_MS, NOW_MS, tally, world.state)
        return tally.rejected

    return report(check_envelope(payload, real, PLAN.catalogue, PLAN.collected))


def test_what_costs_one_reading_is_told_as_one() -> None:
    place = {
        LATITUDE: sent_column("degrees", [0.0, 35.0]),
        LONGITUDE: sent_column("degrees", [0.0, 139.0]),
    }
    assert judged_by_the_worker(sent(place)) == [
        "2 of 4 readings would be admitted",
        "2 rejected as no_fix: send no position while the receiver has no fix",
    ]
    codes = sent({SPEED: sent_column("km/h", [40.0])}, dtc=["P0301", "P0171-00"])
    assert judged_by_the_worker(codes) == [
        "2 of 3 readings would be admitted",
        f"1 rejected as out_of_range in $.dtc[1]: {REMEDIES[Rejected.OUT_OF_RANGE]}",
    ]


def test_what_is_wrong_beside_a_bad_code_has_its_own_place() -> None:
    unit, code = REMEDIES[Rejected.WRONG_UNIT], REMEDIES[Rejected.OUT_OF_RANGE]
    wrong = {SPEED: sent_column("m/s", [40.0, 41.0])}
    assert judged_by_the_worker(sent(wrong, dtc=["P0301", "P0171-00", 7, "x"])) == [
        "1 of 6 readings would be admitted",
        f"2 rejected as wrong_unit in {SPEED}: {unit}",
        f"1 rejected as out_of_range in $.dtc[1]: {code}",
        f"1 rejected as wrong_type in $.dtc[2]: {REMEDIES[Rejected.WRONG_TYPE]}",
        f"1 rejected as out_of_range in $.dtc[3]: {code}",
    ]
    # A leap second, which is taken, is not the place of what is wrong beside it.
    leap = sent(wrong).replace(b'"2026-11-20T11:59:00Z"', b'"2026-11-19T23:59:60Z"')
    assert leap != sent(wrong)
    assert judged_by_the_worker(leap)[1:] == [f"2 rejected as wrong_unit in {SPEED}: {unit}"]


def test_a_name_that_stands_twice_is_told_with_all_it_costs() -> None:
    text = sent({SPEED: sent_column("km/h", [40.0, 41.0])})
    twice = text.replace(
        b'"series":{', b'"series":{"Vehicle.Speed":{"unit":"","dt":[0],"value":[1]},'
    )
    assert judged_by_the_worker(twice) == [
        "0 of 3 readings would be admitted",
        "3 rejected as malformed: compare it with the envelope's JSON Schema",
    ]
