"""A stamp or a clock that jumps does not move the rest of a drive."""

from pathlib import Path

import pytest

from ingest.can.recording import Recording
from ingest.can.shift import shifts_us
from ingest.logs.timeline import Part
from ingest.refused import Refused
from telemetry.identity import DeviceId
from telemetry.instants import to_ms
from telemetry.wire.envelope import decode_envelope, encode_envelope
from tests.ingest.captures import ALL_PATHS, CATALOGUE, OWN_DBC, OWN_MAP

NOW_MS = 1_795_398_293_000
DRIVE_S = 1_700_000_000
DEVICE = DeviceId("d")


def replayed(
    folder: Path, *stamps_s: float, keep_time: bool = False
) -> tuple[list[int], Recording]:
    """When the frames' readings are, in milliseconds before now; the wire takes every envelope."""
    (folder / "own.dbc").write_text(OWN_DBC)
    (folder / "own.yaml").write_text(OWN_MAP)
    lines = (f"({stamp:.6f}) can0 123#0001000001000000\n" for stamp in stamps_s)
    (folder / "x.log").write_text("".join(lines))
    taken = Recording(folder / "x.log", folder / "own.dbc", str(folder / "own.yaml"), CATALOGUE)
    found = []
    for envelope in taken.envelopes(DEVICE, ALL_PATHS, NOW_MS, keep_time=keep_time):
        decode_envelope(encode_envelope(envelope))
        speeds = envelope.series["Vehicle.Speed"].dt
        found += [NOW_MS - to_ms(envelope.clock.t0) - dt for dt in speeds]
    assert taken.counts.unaccounted(taken.capture.counts) == 0
    assert taken.capture.counts.frames == len(stamps_s)
    return found, taken


@pytest.mark.parametrize(
    "wild_s",
    [999_999_999_999.5, 9e11, 17.0, 0.0, DRIVE_S + 40 * 86_400, DRIVE_S - 7_200],
    ids=["year 33658", "year 30489", "17 s", "zero", "next month", "two hours ago"],
)
def test_one_wild_stamp_never_moves_a_drive(tmp_path: Path, wild_s: float) -> None:
    found, taken = replayed(tmp_path, DRIVE_S, wild_s, DRIVE_S + 1)
    assert found == [1_000, 0]
    assert taken.capture.counts.bad_stamps == 1
    drive = [DRIVE_S + n for n in range(5)]
    for stamps in ([*drive, wild_s], [wild_s, *drive]):
        found, _ = replayed(tmp_path, *stamps)
        assert found[-5:] == [4_000, 3_000, 2_000, 1_000, 0] or found[:5] == found[-6:-1]


def test_a_clock_set_late_moves_each_part_by_itself(tmp_path: Path) -> None:
    found, taken = replayed(tmp_path, 17.0, 17.5, DRIVE_S, DRIVE_S + 1)
    assert found == [1_500, 1_000, 1_000, 0]
    assert len(taken.clock.parts) == 2
    assert replayed(tmp_path, 946_684_801, 946_684_802, DRIVE_S, DRIVE_S + 1)[0] == [
        2_000, 1_000, 1_000, 0,
    ]  # fmt: skip


def test_a_clock_set_back_begins_another_envelope(tmp_path: Path) -> None:
    _, taken = replayed(tmp_path, *(DRIVE_S + n for n in (0, 1, 2, -3_600, -3_599)))
    assert taken.counts.envelopes == 1  # the parts follow one another
    _, taken = replayed(tmp_path, *(DRIVE_S + n for n in (0, 10, 20, 5, 15)))
    assert taken.counts.envelopes == 2


def test_kept_times_leave_out_what_no_clock_showed(tmp_path: Path) -> None:
    found, taken = replayed(tmp_path, 17.0, 17.5, DRIVE_S, DRIVE_S + 1, keep_time=True)
    assert found == [NOW_MS - DRIVE_S * 1_000, NOW_MS - DRIVE_S * 1_000 - 1_000]
    assert taken.capture.counts.bad_stamps == 2


@pytest.mark.parametrize("stamp", [0.0, 17.0, 946_684_801.0, 2_429_913_600.0])
def test_times_that_no_clock_showed_are_not_kept(tmp_path: Path, stamp: float) -> None:
    with pytest.raises(Refused, match="leave out --keep-time"):
        replayed(tmp_path, stamp, stamp + 1, keep_time=True)


def test_nothing_but_wild_stamps_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="no data frame with a usable time"):
        replayed(tmp_path, 9e11, 8e11)


def test_the_same_ids_whatever_now_is_though_the_clock_was_set(tmp_path: Path) -> None:
    _, taken = replayed(tmp_path, 17.0, 17.5, 9e11, DRIVE_S, DRIVE_S + 1)
    ids = [
        [e.id for e in taken.envelopes(DEVICE, ALL_PATHS, now_ms)]
        for now_ms in (NOW_MS, NOW_MS + 86_400_123)
    ]
    assert ids[0] == ids[1]


def test_parts_end_as_the_next_begins() -> None:
    parts = [Part(5_000, 9_000, 2), Part(100_000, 150_000, 2), Part(7_000, 8_000, 2)]
    moved = [
        (part.first_us + shift, part.last_us + shift)
        for part, shift in zip(parts, shifts_us(parts, 1_000, keep_time=False), strict=True)
        if shift is not None
    ]
    assert moved == [(945_000, 949_000), (949_000, 999_000), (999_000, 1_000_000)]
