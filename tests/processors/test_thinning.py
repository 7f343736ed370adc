"""Rules over time hold over envelopes: whoever may receive the readings, however they are cut."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.vocabulary.operations import MeshH3, Operation, ThinCount, ThinTime
from processors.state.bins import Room
from processors.thinning import first_per_bin, in_time
from telemetry.instants import DAY_MS, MINUTE_MS, format_instant
from telemetry.wire.flow import OutputFlow
from telemetry.wire.record import LATITUDE, LONGITUDE
from tests.support.plans import PUBLISHED, RPM, SPEED, THIRD_PARTY, lane, output, plan
from tests.support.worlds import DEVICE, NOW_MS, World, column, envelope, known_world

DELTAS = st.lists(st.integers(-60_000, 600_000), min_size=1, max_size=50)
START_MS = NOW_MS - 10 * MINUTE_MS
LATE_MS = 10 * MINUTE_MS


def thinned(*operations: Operation, basis: Any = PUBLISHED) -> World:
    """A person's service that receives speeds thinned so."""
    return known_world(
        plan(output("service", [lane("30d", 30, 1_000, {SPEED: operations}, basis)]))
    )


def drive(start: int, readings: int, **fields: Any) -> bytes:
    """So many speeds, one a second, from second ``start`` on."""
    said: dict[str, Any] = {"id": f"{start:026d}", "at_ms": START_MS + start * 1_000} | fields
    return envelope({SPEED: column("km/h", [40.0] * readings)}, **said)


def flow(world: World) -> OutputFlow:
    rows = world.ledger()
    assert all(row.closes for row in rows.values())
    return rows["service"]


@given(st.integers(1, 60_000), DELTAS, st.integers(0, 10**12))
def test_thinning_by_time_takes_the_first_reading_of_each_bin(
    every_ms: int, dt: list[int], t0_ms: int
) -> None:
    first = first_per_bin(every_ms, t0_ms, dt)
    assert first.keys() == {(t0_ms + delta) // every_ms for delta in dt}
    assert list(first.values()) == sorted(first.values(), key=dt.__getitem__)
    for number, place in first.items():
        mine = [delta for delta in dt if (t0_ms + delta) // every_ms == number]
        assert dt[place] == min(mine) and dt.index(dt[place]) == place


@pytest.mark.parametrize(
    ("dt", "order"), [([0, 1, 2], [0, 1, 2]), ([4, 0, 3], [1, 2, 0]), ([], [])]
)
def test_an_older_reading_may_come_later_in_an_envelope(dt: list[int], order: list[int]) -> None:
    assert list(in_time(dt)) == order


@pytest.mark.parametrize("each", [1, 5, 10, 60])
@pytest.mark.parametrize(
    ("operation", "kept"), [(ThinTime(10_000), 6), (ThinCount(10), 6), (ThinCount(7), 9)]
)
def test_a_minute_is_thinned_alike_however_it_is_cut(
    each: int, operation: Operation, kept: int
) -> None:
    world = thinned(operation)
    for start in range(0, 60, each):
        world.feed(drive(start, each))
    assert (flow(world).delivered, flow(world).withheld) == (kept, {"thinned": 60 - kept})


@pytest.mark.parametrize("odd", [False, True], ids=["usual", "odd"])
def test_a_bin_is_used_by_what_nobody_may_have(*, odd: bool) -> None:
    """Permission, link and registration decide who receives, never what was there."""
    more = {"frames": [{"dt": 0, "bus": "can0", "id": 1, "data": "00"}]} if odd else {}
    unregistered = World(thinned(ThinTime(10_000)).plan)
    unregistered.feed(drive(0, 5, **more))
    assert unregistered.rejected() == {"unknown_device": 5 + odd}
    unregistered.register()
    unregistered.feed(drive(5, 5, **more))
    assert flow(unregistered).withheld["no_link"] == 5
    unregistered.link()
    unregistered.feed(drive(3, 2, **more))
    assert flow(unregistered).delivered == 0
    unregistered.feed(drive(10, 5, **more))
    assert flow(unregistered).delivered == 1


def test_a_bin_is_used_before_a_consent_is_given() -> None:
    world = World(thinned(ThinTime(10_000), basis=THIRD_PARTY).plan)
    world.register()
    world.link()
    world.feed(drive(0, 5))
    assert flow(world).withheld == {"no_consent": 5}
    world.consent("service", "third_party", "sharing@1", recipient="team")
    world.feed(drive(5, 5))
    assert (flow(world).delivered, flow(world).withheld["thinned"]) == (0, 5)


def test_a_bin_that_spans_two_owners_lets_one_reading_through() -> None:
    world = World(thinned(ThinTime(20_000)).plan)
    world.register()
    world.link(to_ms=START_MS + 7_000)
    world.link(subject="subject-2", from_ms=START_MS + 7_000)
    assert len(world.feed(drive(0, 20))) == 1
    assert (flow(world).delivered, flow(world).withheld) == (1, {"thinned": 19})


def test_a_counter_goes_on_over_two_owners() -> None:
    world = World(thinned(ThinCount(5)).plan)
    world.register()
    world.link(to_ms=START_MS + 7_000)
    world.link(subject="subject-2", from_ms=START_MS + 7_000)
    assert [out.value.count(b"40") for out in world.feed(drive(0, 20))] == [2, 2]
    world.feed(drive(20, 3))
    assert flow(world).delivered == 5


def test_devices_do_not_use_each_others_bins() -> None:
    world = thinned(ThinTime(10_000))
    world.register("dev-000002")
    world.link("dev-000002", "subject-2")
    world.feed(drive(0, 5))
    world.feed(drive(0, 5, device="dev-000002"))
    assert flow(world).delivered == 2


def test_an_envelope_of_the_future_uses_no_bin() -> None:
    world = thinned(ThinTime(10_000))
    world.feed(drive(0, 5), START_MS - 2 * DAY_MS)
    assert world.rejected() == {"from_the_future": 5}
    world.feed(drive(0, 5))
    assert flow(world).delivered == 1


def test_a_reading_that_is_rejected_uses_no_bin() -> None:
    world = thinned(ThinTime(10_000))
    world.feed(envelope({SPEED: column("km/h", [999.0, 40.0])}, at_ms=START_MS))
    assert flow(world).delivered == 1


def test_a_late_reading_is_thinned_until_its_bin_is_forgotten() -> None:
    world = thinned(ThinTime(10_000))
    life_ms = LATE_MS + 10_000
    for received_ms, delivered in [(0, 1), (life_ms, 1), (2 * life_ms, 1), (3 * life_ms + 1, 2)]:
        world.feed(drive(0, 1, id=f"{received_ms:026d}"), NOW_MS + received_ms)
        assert flow(world).delivered == delivered


def test_positions_are_paired_and_then_thinned_over_envelopes() -> None:
    treated = (ThinTime(10_000), MeshH3(8))
    lanes = [lane("30d", 30, 1_000, {LATITUDE: treated, LONGITUDE: treated})]
    world = known_world(plan(output("service", lanes)))
    place = {LATITUDE: column("degrees", [35.0]), LONGITUDE: column("degrees", [139.0])}
    world.feed(envelope({LATITUDE: place[LATITUDE]}, at_ms=START_MS, id="a" * 26))
    assert flow(world).withheld == {"unpaired": 1}
    world.feed(envelope(place, at_ms=START_MS + 1_000, id="b" * 26))
    world.feed(envelope(place, at_ms=START_MS + 2_000, id="c" * 26))
    assert (flow(world).delivered, flow(world).withheld) == (2, {"unpaired": 1, "thinned": 2})


def test_outputs_share_what_was_there_and_not_what_they_keep() -> None:
    """Two rules of one signal each have bins of their own; two outputs of one rule share them."""
    fine, coarse = {SPEED: (ThinTime(5_000),)}, {SPEED: (ThinTime(20_000),)}
    outputs = [
        output("service", [lane("30d", 30, 1_000, fine)]),
        output("research", [lane("60d", 60, 1_000, coarse)]),
        output("care", [lane("90d", 90, 1_000, fine)]),
    ]
    world = known_world(plan(*outputs))
    assert len(world.program.time_rules) == 2
    for second in range(20):
        world.feed(drive(second, 1))
    assert {name: row.delivered for name, row in world.ledger().items()} == {
        "service": 4,
        "research": 1,
        "care": 4,
    }


RULES = [(ThinTime(10_000),), (ThinCount(3),)]


@pytest.mark.parametrize("operations", RULES, ids=["time", "count"])
def test_what_was_lost_is_withheld_under_a_reason_of_its_own(operations: Any) -> None:
    world = thinned(*operations)
    world.state.lose(NOW_MS)
    world.feed(drive(0, 20), NOW_MS + 1_000)
    row = flow(world)
    assert row.delivered == 0 and row.withheld["not_rebuilt"] >= 2


def test_what_one_of_two_lanes_may_have_kept_is_no_loss_by_thinning() -> None:
    lanes = [
        lane("30d", 30, 1_000, {SPEED: (ThinTime(10_000),)}),
        lane("60d", 60, 1_000, {SPEED: (ThinTime(20_000),)}),
    ]
    world = known_world(plan(output("service", lanes)))
    world.state.lose(NOW_MS)
    world.feed(drive(0, 20), NOW_MS)
    assert flow(world).withheld == {"not_rebuilt": 2, "thinned": 18}


def test_positions_that_were_lost_count_both_halves() -> None:
    treated = (ThinTime(10_000), MeshH3(8))
    lanes = [lane("30d", 30, 1_000, {LATITUDE: treated, LONGITUDE: treated})]
    world = known_world(plan(output("service", lanes)))
    world.state.lose(NOW_MS)
    place = {LATITUDE: column("degrees", [35.0] * 2), LONGITUDE: column("degrees", [139.0] * 2)}
    world.feed(envelope(place, at_ms=START_MS), NOW_MS)
    assert flow(world).withheld == {"not_rebuilt": 2, "thinned": 2}


ENVELOPES = st.lists(
    st.tuples(
        st.integers(0, 90), st.integers(1, 20), st.sampled_from([DEVICE, "dev-000009"]),
        st.integers(0, 1_500),
    ),
    min_size=1, max_size=12,
)  # fmt: skip


@given(ENVELOPES, st.integers(0, 12))
def test_remembering_leaves_the_state_that_processing_left(
    sent: Sequence[tuple[int, int, str, int]], cut: int
) -> None:
    """The device that is not registered, too, and odd envelopes as usual ones."""
    treated: dict[str, tuple[Operation, ...]] = {
        SPEED: (ThinTime(10_000),), RPM: (ThinCount(3),)
    }  # fmt: skip
    world = known_world(plan(output("service", [lane("30d", 30, 1_000, treated)])))
    raws: list[tuple[bytes, int]] = []
    at_ms = START_MS
    for start, readings, device, more_s in sent:
        at_ms += more_s * 1_000
        series = {
            SPEED: column("km/h", [40.0] * readings),
            RPM: column("rpm", [None, *[900] * readings] if start % 3 else [900] * readings),
        }
        said: dict[str, Any] = {
            "at_ms": START_MS + start * 1_000,
            "device": device,
            "id": f"{len(raws):026d}",
        }
        raws.append((envelope(series, **said), at_ms))
    rebuilt = world.program.empty_state(Room(10_000))
    for number, (raw, received_ms) in enumerate(raws[:cut]):
        world.feed(raw, received_ms)
        world.processor.remember(raw, received_ms, rebuilt)
        assert rebuilt.living() == world.state.living(), format_instant(number)
    for raw, received_ms in raws[cut:]:
        out = world.processor.process(raw, received_ms, received_ms, world.tally, rebuilt)
        assert out == world.feed(raw, received_ms, received_ms)


def test_a_restart_counts_time_as_if_there_was_none() -> None:
    """Also where the last record before it was none, and the broker's clock went back since."""
    world = thinned(ThinTime(10_000))
    restarted = world.program.empty_state(Room(100))
    world.feed(drive(0, 5), START_MS)
    world.feed(b"no envelope", START_MS + LATE_MS + 10_500)
    late = drive(5, 5), START_MS + LATE_MS + 9_999
    for value, received_ms in (
        (drive(0, 5), START_MS),
        (b"no envelope", START_MS + LATE_MS + 10_500),
    ):
        world.processor.remember(value, received_ms, restarted)
    restarted.reach(START_MS + LATE_MS + 10_500)
    mine = world.feed(*late)
    theirs = world.processor.process(*late, NOW_MS, world.tally, restarted)
    assert [one.value for one in mine] == [one.value for one in theirs]
