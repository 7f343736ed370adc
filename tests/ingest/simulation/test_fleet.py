import math
from itertools import pairwise
from pathlib import Path

import pytest

from ingest.simulation.faults import NO_FAULTS, FaultRates
from ingest.simulation.fleet import Fleet
from telemetry.instants import DAY_MS, HOUR_MS, MINUTE_MS, to_ms
from telemetry.signals import parse_catalogue
from telemetry.wire.envelope import DT_MS_MAX, Envelope, decode_envelope, encode_envelope

NOW_MS = 1_795_398_293_000
CATALOGUE = parse_catalogue(
    (Path(__file__).parents[3] / "telemetry" / "catalogue.json").read_bytes()
)
LATITUDE = "Vehicle.CurrentLocation.Latitude"
LONGITUDE = "Vehicle.CurrentLocation.Longitude"


def recorded(fleet: Fleet, minutes: int = 40) -> list[Envelope]:
    return list(fleet.envelopes(NOW_MS - minutes * MINUTE_MS, NOW_MS))


def wire(envelopes: list[Envelope]) -> list[bytes]:
    return [encode_envelope(envelope) for envelope in envelopes]


def test_the_same_seed_drives_the_same_drives_and_another_does_not() -> None:
    first, again, other = (wire(recorded(Fleet(5, seed))) for seed in (1, 1, 2))
    assert first == again
    assert not set(first) & set(other)


def test_every_value_lies_in_the_range_of_its_catalogue_row() -> None:
    for envelope in recorded(Fleet(30, 3, FaultRates(unknown=0))):
        assert encode_envelope(decode_envelope(encode_envelope(envelope))) == encode_envelope(
            envelope
        )
        for path, column in envelope.series.items():
            signal = CATALOGUE[path]
            assert signal.min is not None
            assert signal.max is not None
            assert column.unit == signal.unit
            assert len(column.dt) == len(column.value)
            assert all(signal.min <= value <= signal.max for value in column.value), path
            assert max(column.dt) < DT_MS_MAX


def test_an_envelope_of_a_whole_window_carries_60_to_120_readings() -> None:
    sizes = [e.readings for e in recorded(Fleet(20, 4)) if len(e.series["Vehicle.Speed"].dt) == 10]
    assert len(sizes) > 1000
    assert min(sizes) >= 60
    assert max(sizes) <= 120


def test_the_way_on_the_map_is_as_long_as_the_speeds_say() -> None:
    fleet = Fleet(4, 9, NO_FAULTS)
    for device in fleet.devices:
        own = [e for e in recorded(fleet) if e.device == device]
        whole = [e for e in own if len(e.series["Vehicle.Speed"].dt) == 10]
        driven_m = sum(sum(e.series["Vehicle.Speed"].value) / 3.6 for e in whole)
        mapped_m = 0.0
        for e in whole:
            latitudes, longitudes = e.series[LATITUDE].value, e.series[LONGITUDE].value
            north = (latitudes[-1] - latitudes[0]) * 111_320
            east = (longitudes[-1] - longitudes[0]) * 111_320 * math.cos(math.radians(latitudes[0]))
            mapped_m += math.hypot(north, east) * 10 / 9
        assert mapped_m == pytest.approx(driven_m, rel=0.1)


def test_ticks_send_what_a_recorded_period_holds_once_each() -> None:
    live, start_ms = Fleet(20, 5), NOW_MS
    sent: list[str] = []
    for second in range(0, 602, 7):
        sent += [e.id for e in live.tick(start_ms + second * 1000)]
    until_ms = start_ms + 595 * 1000
    held = live.waiting()
    recorded_ids = [e.id for e in Fleet(20, 5).envelopes(start_ms - 10_000, until_ms)]
    assert len(sent) == len(set(sent))
    assert set(sent) <= set(recorded_ids)
    assert held == len(recorded_ids) - len(sent)


def test_a_tick_in_the_past_sends_nothing_twice() -> None:
    fleet = Fleet(20, 5)
    fleet.tick(NOW_MS)
    assert fleet.tick(NOW_MS - MINUTE_MS) == []
    assert fleet.tick(NOW_MS) == []


def test_a_gap_in_the_network_delays_envelopes_and_marks_them() -> None:
    rates = FaultRates(offline=1, clock_ahead=0, clock_unknown=0, trouble=0, unneeded=0, unknown=0)
    late = [e for e in recorded(Fleet(10, 6, rates)) if e.resend]
    assert len(late) > 10
    assert any(to_ms(e.sent_at) - to_ms(e.clock.t0) > MINUTE_MS for e in late)  # type: ignore[arg-type]  # always set


def test_clock_faults_come_at_their_rate() -> None:
    rates = FaultRates(offline=0, clock_ahead=0.05, clock_unknown=0.1, trouble=0)
    envelopes = recorded(Fleet(40, 8, rates), minutes=20)
    ahead = [e for e in envelopes if to_ms(e.clock.t0) > NOW_MS + DAY_MS]
    unknown = [e for e in envelopes if e.clock.quality == "none"]
    assert 0.03 < len(ahead) / len(envelopes) < 0.07
    assert 0.02 < len(unknown) / len(envelopes) < 0.25
    assert all(to_ms(e.clock.t0) < HOUR_MS for e in unknown)


def test_a_share_of_vehicles_reports_unneeded_and_unknown_signals() -> None:
    rates = FaultRates(unneeded=0.5, unknown=0.5)
    envelopes = recorded(Fleet(40, 8, rates), minutes=5)
    unknown = {e.device for e in envelopes if rates.unknown_path in e.series}
    unneeded = {e.device for e in envelopes if rates.unneeded_path in e.series}
    assert rates.unknown_path not in CATALOGUE
    assert rates.unneeded_path in CATALOGUE
    assert 0 < len(unknown) < 40
    assert 0 < len(unneeded) < 40


def test_old_drives_are_recorded_then_and_sent_now_with_right_clocks() -> None:
    then_ms = NOW_MS - 30 * DAY_MS + MINUTE_MS
    fleet = Fleet(10, 1, FaultRates(clock_ahead=0.5, clock_unknown=0.5))
    envelopes = list(fleet.old_drives(then_ms, then_ms + 2 * MINUTE_MS, NOW_MS))
    assert len(envelopes) > 50
    for envelope in envelopes:
        assert then_ms - 10_000 <= to_ms(envelope.clock.t0) < then_ms + 2 * MINUTE_MS
        assert envelope.sent_at
        assert to_ms(envelope.sent_at) == NOW_MS
    assert wire(envelopes) == wire(list(fleet.old_drives(then_ms, then_ms + 2 * MINUTE_MS, NOW_MS)))


def test_a_trip_begins_where_the_last_one_ended() -> None:
    fleet = Fleet(1, 2, NO_FAULTS)
    trips: dict[str, list[tuple[float, float]]] = {}
    for e in fleet.envelopes(NOW_MS - 6 * HOUR_MS, NOW_MS):
        assert e.trip
        points = zip(e.series[LATITUDE].value, e.series[LONGITUDE].value, strict=True)
        trips.setdefault(e.trip.id, []).extend(points)
    ways = list(trips.values())[1:-1]
    assert len(ways) >= 9
    for before, after in pairwise(ways):
        assert math.dist(before[-1], after[0]) < 0.0005


def test_a_fleet_has_a_limit() -> None:
    with pytest.raises(ValueError, match="1 to 100000 vehicles"):
        Fleet(0, 1)
