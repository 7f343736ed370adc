from collections.abc import Iterator
from pathlib import Path

import cantools
import pytest
from cantools.database.can import Database

from ingest.can.binding import bind
from ingest.can.decode import Undecoded, load_decoder
from ingest.can.layout import scaled
from ingest.can.mapping import SignalMap, Unfit, parse_map, shipped_maps
from ingest.can.recording import Recording
from ingest.logs.capture import Capture
from ingest.refused import Refused
from telemetry.identity import DeviceId
from telemetry.instants import to_ms
from telemetry.wire.envelope import Envelope, decode_envelope, encode_envelope
from tests.ingest.captures import (
    ALL_PATHS,
    CATALOGUE,
    GNSS_DBC,
    GNSS_LOG,
    GNSS_LOG_EARLIER,
    MODEL3_DBC,
    OWN_DBC,
    OWN_MAP,
    WRITERS,
    needs,
    own_drive,
    write,
)

NOW_MS = 1_795_398_293_000
DEVICE = DeviceId("replayed-dongle")

Row = tuple[int, str, str, object]


def rows(envelopes: list[Envelope]) -> list[Row]:
    return sorted(
        (to_ms(e.clock.t0) + dt, path, column.unit, value)
        for e in envelopes
        for path, column in e.series.items()
        for dt, value in zip(column.dt, column.value, strict=True)
    )


@pytest.fixture
def own_files(tmp_path: Path) -> tuple[Path, Path]:
    (tmp_path / "own.dbc").write_text(OWN_DBC)
    (tmp_path / "own.yaml").write_text(OWN_MAP)
    return tmp_path / "own.dbc", tmp_path / "own.yaml"


def own_recording(log: Path, files: tuple[Path, Path]) -> Recording:
    return Recording(log, files[0], str(files[1]), CATALOGUE)


def replayed(recording: Recording, now_ms: int = NOW_MS) -> list[Envelope]:
    envelopes = list(recording.envelopes(DEVICE, ALL_PATHS, now_ms))
    assert recording.counts.unaccounted(recording.capture.counts) == 0
    assert recording.counts.readings == sum(e.readings for e in envelopes)
    return envelopes


def test_all_forms_of_one_drive_give_the_same_readings(
    tmp_path: Path, own_files: tuple[Path, Path]
) -> None:
    read = [
        rows(replayed(own_recording(write(tmp_path / name, own_drive()), own_files)))
        for name in WRITERS
    ]
    assert len(read[0]) == 40 * 4 + 36 + 1
    # One second in: 0.5 m/s, and the last frame is 39.1 s later.
    assert (NOW_MS - 39_100, "Vehicle.Speed", "km/h", 1.8) in read[0]
    assert all(form == read[0] for form in read)


def test_every_frame_and_every_value_is_accounted_for_by_its_reason(
    tmp_path: Path, own_files: tuple[Path, Path]
) -> None:
    recording = own_recording(write(tmp_path / "candump.log", own_drive()), own_files)
    list(recording.envelopes(DEVICE, ALL_PATHS - {"Vehicle.CurrentLocation.Longitude"}, NOW_MS))
    counts = recording.counts
    assert recording.capture.counts.data == 163
    assert counts.decoded == 121
    assert counts.undecoded == {
        Undecoded.UNKNOWN_ID: 40, Undecoded.WRONG_LENGTH: 1, Undecoded.UNKNOWN_MULTIPLEX: 1,
    }  # fmt: skip
    assert counts.values == 40 * 4 + 41 * 2 + 40
    assert counts.unmapped == 80
    assert counts.unfit == {Unfit.INVALID: 4, Unfit.OUT_OF_RANGE: 1}
    assert counts.not_collected == 41
    assert counts.readings == 36 + 40 + 40 + 40
    assert counts.unaccounted(recording.capture.counts) == 0
    counts.readings -= 1
    assert counts.unaccounted(recording.capture.counts) == 1


def test_a_replay_today_and_one_tomorrow_make_the_same_ids(
    tmp_path: Path, own_files: tuple[Path, Path]
) -> None:
    recording = own_recording(write(tmp_path / "drive.asc", own_drive()), own_files)
    today, tomorrow = replayed(recording), replayed(recording, NOW_MS + 86_400_123)
    assert [e.id for e in today] == [e.id for e in tomorrow]
    assert len({e.id for e in today}) == len(today) > 1
    assert [e.seq for e in today] == list(range(len(today)))
    other = recording.envelopes(DeviceId("another"), ALL_PATHS, NOW_MS)
    assert not {e.id for e in other} & {e.id for e in today}


def test_the_last_frame_is_now_unless_times_are_kept(
    tmp_path: Path, own_files: tuple[Path, Path]
) -> None:
    recording = own_recording(write(tmp_path / "candump.log", own_drive()), own_files)
    assert rows(replayed(recording))[-1][0] == NOW_MS
    kept = list(recording.envelopes(DEVICE, ALL_PATHS, NOW_MS, keep_time=True))
    assert rows(kept)[-1][0] == 1_700_000_040_100


@pytest.mark.parametrize("stamp", ["12.5", "2429913600.0"], ids=["since the start", "year 2047"])
def test_implausible_times_are_not_kept_but_can_be_shifted(
    tmp_path: Path, own_files: tuple[Path, Path], stamp: str
) -> None:
    log = tmp_path / "x.log"
    log.write_text(f"({stamp}) can0 123#0001000001000000\n")
    recording = own_recording(log, own_files)
    with pytest.raises(Refused, match="not plausible"):
        list(recording.envelopes(DEVICE, ALL_PATHS, NOW_MS, keep_time=True))
    assert [row[0] for row in rows(replayed(recording))] == [NOW_MS, NOW_MS]


def test_envelopes_of_a_replay_pass_the_wire(tmp_path: Path, own_files: tuple[Path, Path]) -> None:
    envelopes = replayed(own_recording(write(tmp_path / "drive.trc", own_drive()), own_files))
    for envelope in envelopes:
        assert decode_envelope(encode_envelope(envelope)).id == envelope.id
    assert [e.readings <= 200 for e in envelopes]
    latitude, longitude = "Vehicle.CurrentLocation.Latitude", "Vehicle.CurrentLocation.Longitude"
    for e in envelopes[:-1]:
        assert e.series[latitude].dt == e.series[longitude].dt


def test_progress_is_reported_up_to_the_last_frame(
    tmp_path: Path, own_files: tuple[Path, Path]
) -> None:
    told: list[tuple[int, int]] = []
    recording = own_recording(write(tmp_path / "drive.blf", own_drive(200)), own_files)
    list(
        recording.envelopes(
            DEVICE, ALL_PATHS, NOW_MS, on_progress=lambda done, whole: told.append((done, whole))
        )
    )
    assert told == [(500, 803), (803, 803)]


_ONE_FRAME = "(1700000000.000000) can{} 123#8813800C00000000\n"
_MOTION = """VERSION ""

BO_ 291 Motion: 8 N
 SG_ Speed : 0|16@1+ (0.01,0) [0|300] "km/h" N
"""


def test_one_drive_seen_from_another_bus_has_other_ids(tmp_path: Path) -> None:
    log, dbc, signals = (tmp_path / name for name in ("a.log", "a.dbc", "a.yaml"))
    log.write_text(_ONE_FRAME.format(0) + _ONE_FRAME.format(1))
    dbc.write_text(_MOTION)
    signals.write_text("map: m\nsignals:\n  Motion.Speed: {path: Vehicle.Speed, unit: km/h}\n")
    ids = [
        [e.id for e in Recording(log, dbc, str(signals), CATALOGUE, bus=bus).envelopes(
            DEVICE, ALL_PATHS, NOW_MS)]
        for bus in ("can0", "can1", "can0")
    ]  # fmt: skip
    assert ids[0] == ids[2] != ids[1]


def test_a_database_that_is_none_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.dbc"
    path.write_text("not a database")
    with pytest.raises(Refused, match="cannot be read as a CAN database"):
        load_decoder(path)


ENTRY = "map: m\nsignals:\n  A.B: {path: Vehicle.Speed, unit: km/h}\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (ENTRY.replace("Vehicle.Speed", "Vehicle.Sped"), "not in the catalogue"),
        (ENTRY.replace("km/h", "m/s"), "the unit of Vehicle.Speed is km/h"),
        (ENTRY.replace("A.B", "AB"), "message.signal"),
        (ENTRY + "  A.B: {path: Vehicle.Speed, unit: km/h}\n", r"m.yaml:4:3: found duplicate key"),
        (ENTRY.replace("unit", "unitt"), "A.B.unit"),
        (
            ENTRY.replace("Vehicle.Speed, unit: km/h", "Vehicle.CurrentLocation.Mesh, unit: ''"),
            "never accepted",
        ),
        (ENTRY.replace("km/h}", "km/h, factor: '3'}"), "A.B.factor"),
        (ENTRY.replace("km/h}", "km/h, values: {1: X}}"), "values name words only"),
        (
            ENTRY.replace(
                "Vehicle.Speed, unit: km/h",
                "Vehicle.CurrentLocation.GNSSReceiver.FixType, unit: '', values: {1: X}",
            ),
            "values must map codes",
        ),
        ("[", "m.yaml:1:2"),
    ],
)
def test_a_wrong_map_is_refused_where_it_is_wrong(text: str, said: str) -> None:
    with pytest.raises(Refused, match=said):
        parse_map(text, CATALOGUE, "m.yaml")


def test_every_shipped_map_fits_the_catalogue() -> None:
    for name, path in shipped_maps().items():
        assert parse_map(path.read_text(), CATALOGUE, name).name == name
    assert set(shipped_maps()) == {"css_gnss", "tesla_model3"}


@pytest.mark.shared_data
@needs(GNSS_LOG, GNSS_DBC)
def test_all_forms_of_a_recorded_drive_give_the_same_readings(tmp_path: Path) -> None:
    import can  # noqa: PLC0415  # reads the original for rewriting only

    with can.LogReader(GNSS_LOG) as reader:
        original = list(reader)
    logs = [
        GNSS_LOG,
        *(write(tmp_path / name, original) for name in WRITERS if name != "drive.mf4"),
    ]
    recordings = [Recording(log, GNSS_DBC, "css_gnss", CATALOGUE) for log in logs]
    read = [rows(replayed(recording)) for recording in recordings]
    assert all(form == read[0] for form in read)
    counts = recordings[0].counts
    assert counts.decoded == 3_013
    assert counts.values == 17_059
    assert counts.undecoded == {Undecoded.UNKNOWN_ID: 1_011}
    assert counts.unfit == {Unfit.INVALID: 3, Unfit.OUT_OF_RANGE: 22}
    assert len(read[0]) == counts.readings == 11_501


def _decoded_as_cantools(log: Path, dbc: Path) -> Iterator[tuple[object, object]]:
    database = cantools.database.load_file(dbc, strict=False)
    assert isinstance(database, Database)
    nothing_mapped = bind(SignalMap("nothing", {}), load_decoder(dbc))
    signals = {(m.is_extended_frame, m.frame_id): m.get_signal_by_name for m in database.messages}
    for frame in Capture(log).frames():
        taken = nothing_mapped.take(frame)
        try:
            theirs: object = dict(
                database.decode_message(frame.id, frame.data, decode_choices=False)
            )
        except KeyError:
            theirs = Undecoded.UNKNOWN_ID
        if isinstance(taken, Undecoded):
            yield taken, theirs
            continue
        named = signals[frame.ext, frame.id]
        [layout] = nothing_mapped.decoder.by_id[frame.ext, frame.id]
        codes = layout.read(frame.data).codes
        yield {name: scaled(named(name), code) for name, code in codes.items()}, theirs


@pytest.mark.shared_data
@needs(GNSS_LOG, GNSS_LOG_EARLIER, GNSS_DBC)
@pytest.mark.parametrize(
    ("log", "decoded"), [(GNSS_LOG, 3_013), (GNSS_LOG_EARLIER, 5_076)], ids=["later", "earlier"]
)
def test_decoded_values_equal_cantools_row_by_row(log: Path, decoded: int) -> None:
    pairs = list(_decoded_as_cantools(log, GNSS_DBC))
    assert all(mine == theirs for mine, theirs in pairs)
    assert sum(isinstance(mine, dict) for mine, _ in pairs) == decoded


def test_decoded_values_of_a_generated_drive_equal_cantools_row_by_row(tmp_path: Path) -> None:
    (tmp_path / "own.dbc").write_text(OWN_DBC)
    log = write(
        tmp_path / "drive.asc", [m for m in own_drive() if not m.is_extended_id and m.dlc == 8]
    )
    pairs = list(_decoded_as_cantools(log, tmp_path / "own.dbc"))
    assert len(pairs) == 81
    assert all(mine == theirs for mine, theirs in pairs)


@pytest.mark.shared_data
@needs(MODEL3_DBC)
def test_the_other_shipped_map_decodes_its_database(tmp_path: Path) -> None:
    database = cantools.database.load_file(MODEL3_DBC, strict=False)
    assert isinstance(database, Database)
    signals = parse_map(shipped_maps()["tesla_model3"].read_text(), CATALOGUE)
    for message, signal in signals.by_source:
        assert signal in {s.name for s in database.get_message_by_name(message).signals}
    place = database.encode_message(
        "ID04FGPSLatLong", {"GPSAccuracy04F": 2, "GPSLongitude04F": 127.7, "GPSLatitude04F": 26.2}
    )
    log = tmp_path / "x.log"
    log.write_text(f"(1700000000.000000) can0 04F#{place.hex()}\n")
    [envelope] = Recording(log, MODEL3_DBC, "tesla_model3", CATALOGUE).envelopes(
        DEVICE, ALL_PATHS, NOW_MS
    )
    assert envelope.series["Vehicle.CurrentLocation.Latitude"].value == [26.2]
    assert envelope.series["Vehicle.CurrentLocation.Longitude"].value == [127.7]
