from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from ingest.batching import BATCH_READINGS_MAX, SPAN_MS_MAX, Reading, Source, batches, to_envelope
from ingest.collection_gate import gate
from ingest.envelope_id import envelope_id
from telemetry.identity import DeviceId
from telemetry.instants import to_ms
from telemetry.wire.envelope import ENVELOPE_BYTES_MAX, decode_envelope, encode_envelope
from telemetry.wire.record import TROUBLE_CODES

SOURCE = Source(DeviceId("d"), "digest", "rtc", "obd")
PATHS = [
    ("Vehicle.Speed", "km/h"),
    ("Vehicle.Powertrain.CombustionEngine.Speed", "rpm"),
    ("Vehicle.TraveledDistance", "m"),
]


def grouped(shape: list[tuple[int, int]]) -> list[list[Reading]]:
    """Groups of given sizes, each some milliseconds after the last; every value is its own."""
    stream, t_ms, value = [], 1_600_000_000_000, 0
    for size, gap_ms in shape:
        t_ms += gap_ms
        group = []
        for n in range(size):
            value += 1
            path, unit = PATHS[n % len(PATHS)]
            group.append(Reading(t_ms, path, unit, value))
        stream.append(group)
    return stream


gaps = st.sampled_from([0, 1, 1_000, 70_000, -5])
groups = st.lists(st.tuples(st.integers(0, 12) | st.integers(100, 450), gaps), max_size=60).map(
    grouped
)
small_groups = st.lists(st.tuples(st.integers(1, 6), gaps), max_size=80).map(grouped)


@given(groups)
def test_no_reading_is_lost_or_doubled(stream: list[list[Reading]]) -> None:
    found: Counter[tuple[int, str, object]] = Counter()
    for index, batch in enumerate(batches(stream)):
        envelope = to_envelope(batch, SOURCE, index)
        t0_ms = to_ms(envelope.clock.t0)
        for path, column in envelope.series.items():
            found.update(
                (t0_ms + dt, path, v) for dt, v in zip(column.dt, column.value, strict=True)
            )
    assert found == Counter((r.t_ms, r.path, r.value) for group in stream for r in group)


@given(groups)
def test_an_envelope_stays_within_its_limits(stream: list[list[Reading]]) -> None:
    for index, batch in enumerate(batches(stream)):
        envelope = to_envelope(batch, SOURCE, index)
        payload = encode_envelope(envelope)
        assert 1 <= envelope.readings <= BATCH_READINGS_MAX
        assert len(payload) <= ENVELOPE_BYTES_MAX
        assert decode_envelope(payload).id == envelope.id


@given(small_groups)
def test_a_group_is_not_torn(stream: list[list[Reading]]) -> None:
    cut = [batch.readings for batch in batches(stream)]
    starts = {0}
    for readings in cut:
        starts.add(max(starts) + len(readings))
    edges = {0}
    for group in stream:
        edges.add(max(edges) + len(group))
    assert starts <= edges


def test_a_slow_source_does_not_hold_its_readings_back() -> None:
    stream = [[Reading(second * 1000, *PATHS[0], 1.0)] for second in range(200)]
    sizes = [len(batch.readings) for batch in batches(stream)]
    assert sizes == [SPAN_MS_MAX // 1000 + 1] * 3 + [17]


def test_a_fast_source_fills_envelopes_between_fifty_and_two_hundred() -> None:
    stream = [[Reading(n, *path, 1.0) for path in PATHS] for n in range(1000)]
    sizes = [len(batch.readings) for batch in batches(stream)]
    assert sizes == [120] * 25


def test_a_clock_set_back_begins_another_envelope() -> None:
    stream = [[Reading(t_ms, *PATHS[0], 1.0)] for t_ms in (50_000, 51_000, 20_000, 19_500, 21_000)]
    assert [len(batch.readings) for batch in batches(stream)] == [2, 3]


def test_a_group_within_which_the_clock_jumps_is_cut() -> None:
    stamps = (0, 1, 10**9, 10**9 + 1, 5, 10**12)
    stream = [[Reading(t_ms, *PATHS[0], 1.0) for t_ms in stamps]]
    cut = list(batches(stream))
    assert [len(batch.readings) for batch in cut] == [2, 2, 1, 1]
    for index, batch in enumerate(cut):
        decode_envelope(encode_envelope(to_envelope(batch, SOURCE, index)))


def test_ids_depend_on_time_and_source_alone() -> None:
    assert envelope_id(5, "a", 1) == envelope_id(5, "a", 1)
    assert (
        len(
            {
                envelope_id(5, "a", 1),
                envelope_id(6, "a", 1),
                envelope_id(5, "a", 2),
                envelope_id(5, "a1"),
            }
        )
        == 4
    )
    time_ms = 0
    for character in envelope_id(1_795_398_293_000, "x")[:10]:
        time_ms = time_ms * 32 + "0123456789ABCDEFGHJKMNPQRSTVWXYZ".index(character)
    assert time_ms == 1_795_398_293_000
    assert envelope_id(-5, "x")[:10] == "0" * 10


def test_what_is_not_collected_does_not_pass_the_gate() -> None:
    batch = next(batches([[Reading(0, *path, 1.0) for path in PATHS]]))
    envelope = to_envelope(batch._replace(codes=("P0301", "P0420")), SOURCE, 0)
    kept, dropped = gate(envelope, {"Vehicle.Speed"})
    assert kept is not None
    assert (set(kept.series), kept.dtc, dropped) == ({"Vehicle.Speed"}, [], 4)
    assert kept.id == envelope.id
    assert gate(envelope, {TROUBLE_CODES}).not_collected == 3
    assert gate(envelope, set()) == (None, 5)
