"""What an envelope says makes its records' ids; whatever came is counted."""

from typing import Any

import msgspec
import pytest

from policy.vocabulary.operations import Bucket, ThinTime
from processors.core import room_for
from processors.core_path import core_path
from processors.reused_ids import ReusedIds
from telemetry.wire.record import CE_ID
from tests.support.plans import PLAN, SPEED, lane, output, plan
from tests.support.worlds import NOW_MS, column, envelope, known_world

COARSE = plan(output("service", [lane("30d", 30, 60_000, {SPEED: (Bucket(10),)})]))


def drive(*speeds: float, **fields: Any) -> bytes:
    return envelope({SPEED: column("km/h", list(speeds))}, **fields)


def ids(raws: list[bytes], *, odd: bool = False) -> list[bytes]:
    world = known_world(COARSE)
    core = core_path(world.processor)
    if odd or core is None:
        records = [one for raw in raws for one in world.feed(raw)]
    else:
        received = [(raw, NOW_MS) for raw in raws]
        state = world.program.empty_state(room_for(1_000))
        records = core.process(received, NOW_MS, world.tally, state)
    return [dict(record.headers)[CE_ID] for record in records]


@pytest.mark.parametrize("odd", [False, True], ids=["core", "exact path"])
def test_an_envelope_id_used_again_for_another_content_is_another_record(*, odd: bool) -> None:
    # The coarse record is the same byte for byte: only what came differs.
    once, other, again = ids([drive(41.0), drive(42.0), drive(41.0, resend=True)], odd=odd)
    assert once == again != other


def test_both_paths_name_a_record_alike() -> None:
    raws = [drive(41.0), drive(42, dtc=[]), drive(41.0, sent_at="2026-11-20T12:00:00Z")]
    assert ids(raws) == ids(raws, odd=True)


def test_an_id_used_again_is_kept_counted_and_told() -> None:
    world = known_world(COARSE)
    for raw in (drive(41.0), drive(41.0, resend=True), drive(42.0, 43.0), drive(42.0, seq=1)):
        world.feed(raw)
    assert world.ledger()["service"].delivered == 5
    assert world.tally.reused_ids == 2


def test_one_id_of_two_devices_is_not_used_again() -> None:
    ids = ReusedIds()
    assert not ids.reused("a", "id", b"1") and not ids.reused("b", "id", b"2")
    assert ids.reused("a", "id", b"3") and not ids.reused("a", "id", b"1")


def test_what_is_remembered_of_ids_has_a_bound() -> None:
    ids = ReusedIds(kept_max=10)
    for number in range(1_000):
        ids.reused("a", str(number), b"1")
    assert len(ids._newer) + len(ids._older) <= 10
    assert ids.reused("a", "999", b"2") and not ids.reused("a", "0", b"2")


TWICE = {
    "a signal": (b'"Vehicle.Speed":{', b'"Vehicle.Speed":{"unit":"km/h","dt":[0],"value":[1]},"Vehicle.Speed":{', 3),
    "an escaped one": (b'"Vehicle.Speed":{', b'"Vehicle.Speed":{"unit":"km/h","dt":[0],"value":[1]},"Vehicle.Sp\\u0065ed":{', 3),
    "the values": (b'"value":', b'"value":[7,8,9],"value":', 5),
    "the unit": (b'"unit":', b'"unit":"km/h","unit":', 2),
    "the device": (b'"device":', b'"device":"dev-000002","device":', 2),
    "the series": (b'"series":', b'"series":{"Vehicle.Speed":{"unit":"km/h","dt":[0],"value":[1]}},"series":', 3),
    "the time": (b'"t0":', b'"t0":"2020-01-01T00:00:00Z","t0":', 2),
}  # fmt: skip


@pytest.mark.parametrize(("one", "both", "count"), TWICE.values(), ids=list(TWICE))
def test_a_name_that_stands_twice_is_malformed_and_every_reading_counts(
    one: bytes, both: bytes, count: int
) -> None:
    raw = drive(41.0, 42.0)
    assert one in raw
    world = known_world(PLAN)
    assert world.feed(raw.replace(one, both, 1)) == []
    assert world.rejected() == {"malformed": count}


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"id": "short"}, "malformed"),
        ({"clock": {"t0": "yesterday"}}, "malformed"),
        ({"v": 2}, "unknown_version"),
        ({"vin": "x"}, "unknown_field"),
    ],
    ids=["id", "time", "version", "field"],
)
def test_a_refused_envelope_counts_its_readings(fields: dict[str, Any], reason: str) -> None:
    world = known_world(PLAN)
    body = msgspec.json.decode(drive(41.0, 42.0, dtc=["P0301"])) | fields
    assert world.feed(msgspec.json.encode(body)) == []
    assert world.rejected() == {reason: 3}


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        ("P0171-00", "out_of_range"),
        ("p0a80", "out_of_range"),
        ("P0301\n", "out_of_range"),
        (77_301, "wrong_type"),
    ],
    ids=["with a failure type", "lower case", "with a line end", "number"],
)
def test_one_bad_trouble_code_costs_itself_alone(bad: object, reason: str) -> None:
    world = known_world(PLAN)
    out = world.feed(drive(40.0, 41.0, 42.0, dtc=["P0301", bad]))
    assert world.rejected() == {reason: 1}
    assert world.ledger()["service"].delivered == 4
    assert any(b"P0301" in record.value for record in out)
    assert all(msgspec.json.encode(bad) not in record.value for record in out)


@pytest.mark.parametrize("readings", [1, 5, 10])
def test_thinning_keeps_one_a_bin_however_readings_are_batched(readings: int) -> None:
    thinned = plan(output("service", [lane("30d", 30, 1_000, {SPEED: (ThinTime(20_000),)})]))
    world = known_world(thinned)
    for start in range(0, 60, readings):
        raw = drive(*[40.0] * readings, at_ms=NOW_MS - 600_000 + start * 1_000, id=f"{start:026d}")
        world.feed(raw)
    assert world.ledger()["service"].delivered == 3
