import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policy.vocabulary.operations import Keep
from processors.core import room_for
from processors.core_path import core_path
from processors.processor import Processor
from processors.pseudonyms import KeysNeeded
from telemetry.instants import DAY_MS, MINUTE_MS, Grain, parse_instant
from telemetry.wire.envelope import decode_envelope, encode_envelope
from telemetry.wire.record import CE_ID, EXPIRES_AT, LATITUDE, LONGITUDE, MESH, decode_record
from tests.support.plans import BELT, FUEL, ODOMETER, PLAN, RPM, SPEED, lane, output, plan
from tests.support.times import examples
from tests.support.worlds import NOW_MS, World, column, envelope, known_world, without_ids

TOKYO = (35.6812, 139.7671)


def drive(n: int = 10) -> dict[str, object]:
    return {
        SPEED: column("km/h", [40.0 + i for i in range(n)]),
        RPM: column("rpm", [1510 + i for i in range(n)]),
        FUEL: column("percent", [52.4] * n),
        LATITUDE: column("degrees", [TOKYO[0]] * n),
        LONGITUDE: column("degrees", [TOKYO[1]] * n),
    }


def test_every_reading_is_delivered_or_withheld_for_every_output() -> None:
    world = known_world(PLAN)
    world.feed(envelope(drive()))
    ledger = world.ledger()
    assert set(ledger) == {"service", "research", "sharing"}
    assert all(flow.closes and flow.entered == 50 for flow in ledger.values())
    assert ledger["service"].delivered == 50
    assert ledger["research"].withheld == {"unsupported": 10, "not_in_purpose": 10, "thinned": 19}
    assert ledger["sharing"].withheld == {"not_in_purpose": 40, "thinned": 5}


def test_a_record_says_what_its_passage_allows_and_no_more() -> None:
    world = known_world(PLAN)
    out = {m.topic: m for m in world.feed(envelope(drive())) if m.topic != "purpose.service"}
    research = decode_record(out["purpose.research"].value)
    assert set(research.series) == {SPEED, MESH}
    assert research.series[SPEED].value == [40] and research.series[SPEED].dt == [0]
    assert set(research.series[MESH].value) == {"533946113"}
    assert research.t0 == "2026-11-20T11:45:00Z"


def columns() -> st.SearchStrategy[dict[str, object]]:
    def one(unit: str, values: st.SearchStrategy[object]) -> st.SearchStrategy[object]:
        readings = st.lists(st.tuples(st.integers(-5_000, 20_000), values), min_size=0, max_size=6)
        return readings.map(
            lambda rows: {"unit": unit, "dt": [r[0] for r in rows], "value": [r[1] for r in rows]}
        )

    odd = st.one_of(st.floats(-100, 500), st.integers(-10, 30_000), st.booleans(), st.none())
    return st.fixed_dictionaries(
        {},
        optional={
            SPEED: one("km/h", odd),
            RPM: one("rpm", odd),
            FUEL: one("percent", st.floats(0, 100)),
            BELT: one("", st.booleans()),
            LATITUDE: one("degrees", st.floats(30, 50)),
            LONGITUDE: one("degrees", st.floats(120, 140)),
            ODOMETER: one("m", st.floats(0, 10)),
            "Vehicle.Unheard": one("m", odd),
        },
    )


@settings(max_examples=examples(200), deadline=None)
@given(columns(), st.lists(st.sampled_from(["P0301", "U0100"]), max_size=2))
def test_any_envelope_closes_the_ledger_and_both_paths_agree(
    series: dict[str, object], codes: list[str]
) -> None:
    raw = envelope(series, dtc=codes)
    exact, under_core = known_world(PLAN), known_world(PLAN)
    records = exact.feed(raw)
    core = core_path(under_core.processor)
    if core is not None:
        state = under_core.program.empty_state(room_for(1_000))
        assert core.process([(raw, NOW_MS)], NOW_MS, under_core.tally, state) == records
        assert under_core.ledger() == exact.ledger()
        assert under_core.rejected() == exact.rejected()
    total = decode_envelope(raw).readings
    rejected = sum(exact.rejected().values())
    for flow in exact.ledger().values():
        assert flow.closes
        assert flow.entered + rejected == max(total, 1 if rejected and not flow.entered else 0)


def test_a_consent_that_covers_part_of_an_envelope_opens_none_of_it() -> None:
    world = World(PLAN)
    world.register()
    world.link()
    start = NOW_MS - 60_000
    world.consent("service", "location", "service@1", from_ms=start + 4_000)
    world.feed(envelope(drive(), at_ms=start))
    assert world.ledger()["service"].delivered == 30
    assert world.ledger()["service"].withheld == {"no_consent": 20}


def test_a_withdrawal_between_crash_and_replay_doubles_nothing_elsewhere() -> None:
    before, after = known_world(PLAN), World(PLAN)
    after.register()
    after.link()
    start = NOW_MS - 60_000
    after.consent("service", "location", "service@1", to_ms=start + 4_000)
    first = {record.value: record.headers for record in before.feed(envelope(drive()))}
    again = after.feed(envelope(drive()))
    assert again
    assert all(first[record.value] == record.headers for record in again)


def test_one_envelope_id_from_two_devices_is_two_records() -> None:
    world = known_world(PLAN)
    world.register("dev-000002")
    world.link("dev-000002", "subject-2")
    ids = [
        dict(record.headers)[CE_ID]
        for device in ("dev-000001", "dev-000002")
        for record in world.feed(envelope(drive(), device=device))
    ]
    assert len(set(ids)) == len(ids)


def test_two_owners_in_one_envelope_share_no_start() -> None:
    world = World(PLAN)
    world.register()
    start = NOW_MS - 61_500
    world.link(to_ms=start + 4_200)
    world.link(subject="subject-2", from_ms=start + 4_200)
    out = world.feed(envelope(drive(), at_ms=start))
    records = [decode_record(m.value) for m in out if m.topic == "purpose.service"]
    assert len({record.t0 for record in records}) == len(records) == 2
    assert all(min(column.dt) == 0 for record in records for column in record.series.values())


def test_one_bad_reading_elsewhere_moves_no_epoch_and_no_expiry() -> None:
    quarter = parse_instant("2026-10-01T00:00:00Z")
    column_ = {"unit": "km/h", "dt": [5_000, 6_000], "value": [1.0, 2.0]}
    good = envelope({SPEED: column_}, at_ms=quarter - 3_000)
    odd = envelope({SPEED: column_, FUEL: column("percent", [101.0])}, at_ms=quarter - 3_000)
    plain, exact = known_world(PLAN).feed(good), known_world(PLAN).feed(odd)
    assert without_ids(plain) == without_ids(exact)


def test_a_withdrawn_consent_opens_nothing_however_early_the_reading() -> None:
    world = World(PLAN)
    world.register()
    world.link()
    world.consent("service", "location", "service@1", to_ms=NOW_MS - 1)
    world.feed(envelope(drive()))
    assert world.ledger()["service"].withheld == {"no_consent": 20}


def test_a_new_owner_is_a_new_pseudonym_and_nobodys_time_is_nobodys() -> None:
    world = World(PLAN)
    world.register()
    start = NOW_MS - 60_000
    world.link(to_ms=start + 2_000)
    world.link(subject="subject-2", from_ms=start + 5_000)
    out = world.feed(envelope({SPEED: column("km/h", [1.0] * 10)}, at_ms=start))
    keys = [m.key for m in out if m.topic == "purpose.service"]
    assert len(keys) == 2 and keys[0] != keys[1]
    assert world.ledger()["service"].withheld == {"no_link": 3}


def test_a_replayed_reading_does_not_live_longer() -> None:
    world = known_world(PLAN)
    late = envelope(drive(), at_ms=NOW_MS - 20 * DAY_MS)
    first = world.feed(late)
    again = world.feed(late, received_ms=NOW_MS + DAY_MS, now_ms=NOW_MS + DAY_MS)
    assert first == again
    expiries = {m.topic: dict(m.headers)[EXPIRES_AT] for m in first}
    assert expiries["purpose.sharing"] == b"2026-12-30T00:00:00Z"


def test_a_clock_in_the_future_does_not_lengthen_a_life() -> None:
    world = known_world(PLAN)
    ahead = world.feed(envelope(drive(), at_ms=NOW_MS + DAY_MS - 3_600_000))
    here = world.feed(envelope(drive(), at_ms=NOW_MS))
    assert [dict(m.headers)[EXPIRES_AT] for m in ahead] == [
        dict(m.headers)[EXPIRES_AT] for m in here
    ]


def test_what_could_not_be_deleted_in_time_is_too_late() -> None:
    world = known_world(PLAN)
    world.feed(envelope(drive(), at_ms=NOW_MS - 30 * DAY_MS))
    assert world.ledger()["service"].withheld == {"too_late": 20}
    assert world.ledger()["service"].delivered == 30


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (None, "no_payload"),
        (b"", "malformed"),
        (b"\xff\xfe", "malformed"),
        (b"{", "malformed"),
        (b"[" * 100_000, "malformed"),
        (b"[1]", "malformed"),
        (b'{"v":1}', "malformed"),
        (b'{"v":2}', "unknown_version"),
        (b"x" * 300_000, "oversized"),
        (envelope(drive(), vin="WVWZZZ1JZXW000001"), "unknown_field"),
        (envelope(drive(), id="short"), "malformed"),
        (envelope(drive(), seq=-1), "malformed"),
        (envelope({}, dtc=["WVWZZZ1JZXW000001"]), "out_of_range"),
        (envelope({}, dtc=[301]), "wrong_type"),
        (envelope(drive(), seat="backseat"), "malformed"),
        (envelope({}), "no_readings"),
        (envelope(drive(), source="app"), "out_of_scope"),
        (envelope({}, dtc=["P0301", "P9999"], source="app"), "out_of_scope"),
        (envelope(drive(), source="OBD"), "malformed"),
        (envelope(drive(), source="a" * 33), "malformed"),
        (envelope(drive(), source=None), "malformed"),
        (envelope(drive(), device="dev-unheard"), "unknown_device"),
        (envelope(drive(), at_ms=NOW_MS + 2 * DAY_MS), "from_the_future"),
        (envelope(drive(), at_ms=315_532_800_000), "before_registration"),
        (envelope({"Vehicle.Unheard": column("km/h", [1.0])}), "unknown_signal"),
        (envelope({SPEED: column("mph", [1.0])}), "wrong_unit"),
        (envelope({SPEED: column("km/h", ["fast"])}), "wrong_type"),
        (envelope({SPEED: column("km/h", [None])}), "wrong_type"),
        (envelope({SPEED: column("km/h", [401.0])}), "out_of_range"),
        (
            envelope({RPM: column("rpm", [1])}).replace(b"[1]}", b"[1" + b"0" * 400 + b"]}"),
            "out_of_range",
        ),
        (envelope({SPEED: {"unit": "km/h", "dt": [0, 1], "value": [1.0]}}), "column_mismatch"),
        (envelope({SPEED: {"unit": "km/h", "dt": [1 << 40], "value": [1.0]}}), "malformed"),
        (
            envelope(
                {
                    p: column(u, [1.0] * 2000)
                    for p, u in [
                        (SPEED, "km/h"),
                        (FUEL, "percent"),
                        (LATITUDE, "degrees"),
                        (LONGITUDE, "degrees"),
                        (ODOMETER, "m"),
                        ("Vehicle.A", ""),
                    ]
                }
            ),
            "too_many_readings",
        ),
    ],
)
def test_bad_input_is_counted_with_its_reason(raw: bytes | None, reason: str) -> None:
    world = known_world(PLAN)
    assert world.feed(raw) == []
    assert set(world.rejected()) == {reason}
    assert all(flow.entered == 0 for flow in world.ledger().values())


def test_what_stops_an_odd_envelope_carries_no_decoders_words() -> None:
    # A decoder's error may quote the payload, and a traceback prints what an error came from.
    world = known_world(PLAN)
    world.processor = Processor(world.program, world.people, {}, lambda *_: 0)
    odd = envelope({SPEED: column("km/h", [1.0, "WVWZZZ1JZXW000001"])})
    with pytest.raises(KeysNeeded) as stopped:
        world.feed(odd)
    assert stopped.value.__context__ is None


def test_an_uncollected_signal_is_counted_and_goes_nowhere() -> None:
    world = known_world(PLAN)
    out = world.feed(envelope({ODOMETER: column("m", [123_456.0]), SPEED: column("km/h", [3.0])}))
    assert all(b"123456" not in m.value for m in out)
    assert world.ledger()["service"].withheld == {"not_collected": 1}


def test_the_wire_of_an_envelope_survives_a_round() -> None:
    raw = envelope(drive())
    assert decode_envelope(encode_envelope(decode_envelope(raw))) == decode_envelope(raw)


def test_readings_of_an_epoch_with_a_destroyed_key_are_withheld_as_erased() -> None:
    world = known_world(PLAN)
    world.keys["service", "team", "2026-10.3m"] = None
    out = world.feed(envelope(drive()))
    assert {m.topic for m in out} == {"purpose.research", "purpose.sharing"}
    assert world.ledger()["service"].withheld == {"erased": 50}


def test_an_expiry_dates_a_reading_no_more_finely_than_its_floor() -> None:
    coarse = lane("60d", 60, 15 * MINUTE_MS, {SPEED: (Keep(),)}, grain=Grain.MINUTE)
    world = World(plan(output("coarse", [coarse])))
    world.register()
    world.link()
    expiries = set()
    for expiry in range(15):
        at_ms = NOW_MS - 60 * MINUTE_MS + expiry * MINUTE_MS
        (record,) = world.feed(envelope({SPEED: column("km/h", [1.0])}, at_ms=at_ms))
        expiries.add(dict(record.headers)[EXPIRES_AT])
    assert len(expiries) == 1
