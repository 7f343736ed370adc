"""What the core reads, judges and lays out is what Python would: count by count, byte by byte."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from policy.vocabulary.operations import Keep, Round
from policy.vocabulary.periods import add_period
from policy.vocabulary.terms import Period
from sinks.lake.gathered import Gathered
from sinks.lake.part_file import part_bytes
from sinks.port.admission import admit_record, by_partition
from sinks.port.allowed import Judge
from sinks.port.core import gathering
from sinks.port.duplicates import Seen, Window, digest_of
from sinks.port.results import OfOutput, Unreadable, Written
from telemetry.arrived import Arrived
from telemetry.instants import DAY_MS, MINUTE_MS, SECOND_MS, format_instant, parse_instant
from telemetry.signals import Catalogue, Kind, Signal
from telemetry.wire.record import EXPIRES_AT, LATITUDE, LONGITUDE, POLICY_VERSION
from tests.sinks.records import NOW_MS, OUTPUTS, A, B, record
from tests.support.arrivals import arrivals, damaged
from tests.support.plans import FUEL, PLAN, SPEED, lane, output
from tests.support.plans import plan as plan_of
from tests.support.ready_batches import needs_core
from tests.support.times import examples
from tests.support.worlds import NOW_MS as WORLD_MS
from tests.support.worlds import column, envelope, known_world

pytestmark = needs_core


class Admitted(NamedTuple):
    """Everything that a write makes of its records."""

    written: Written
    by_output: dict[str, OfOutput]
    seen: list[Seen]
    ends: list[tuple[int | None, int | None]]
    parts: dict[tuple[str, int], bytes]
    by_core: int


def admitted(
    records: Sequence[Arrived],
    outputs: dict[str, str],
    judge: Judge | None = None,
    *,
    core: bool,
    now_ms: int = NOW_MS,
    before: Gathered | None = None,
) -> Admitted:
    """``before`` is one that made other writes before."""
    gathered = before or Gathered(outputs.values(), judge, gathering if core else lambda _: None)
    windows = dict[tuple[str, int], Window]()
    total, seen, ends, read = Written(), list[Seen](), list[tuple[int | None, int | None]](), 0
    gathered.begin()
    for (topic, partition), group in by_partition(records).items():
        window = windows.setdefault((topic, partition), Window(99))
        usual = gathered.usual(outputs[topic])
        found = admit_record(group, outputs[topic], 1, window, now_ms, judge, usual=usual)
        gathered.put(outputs[topic], found.kept)
        total = total.plus(found.written)
        seen += found.seen
        ends.append((found.first, found.last))
        read += len(found.kept)
    parts = {
        (rows.output, rows.expires_ms): part_bytes(rows.table, rows.appended, "uncompressed")
        for rows in gathered.take()
    }
    return Admitted(total, dict(total.by_output), seen, ends, parts, total.records - read)


def same(
    records: Sequence[Arrived], outputs: dict[str, str], judge: Any = None, **more: Any
) -> Admitted:
    fast = admitted(records, outputs, judge, core=True, **more)
    slow = admitted(records, outputs, judge, core=False, **more)
    assert slow.by_core == 0
    assert fast._replace(by_core=0) == slow
    return fast


def bent(arrived: Arrived, bend: Callable[[dict[str, Any]], None]) -> Arrived:
    value = msgspec.json.decode(arrived.value or b"")
    bend(value)
    return msgspec.structs.replace(arrived, value=msgspec.json.encode(value))


def stamped(arrived: Arrived, name: str, text: str) -> Arrived:
    named = {**dict(arrived.headers), name: text.encode()}
    return msgspec.structs.replace(arrived, headers=list(named.items()))


@settings(max_examples=examples(300), deadline=None)
@given(records=arrivals((A, B)))
def test_whatever_arrives_becomes_the_same_counts_and_the_same_bytes(
    records: list[Arrived],
) -> None:
    same(records, OUTPUTS)


def test_usual_records_are_the_cores_and_their_rows_are_sorted() -> None:
    series = {
        "Vehicle.Gear": ("", [0, -500], ["R", "東京"]),
        SPEED: ("km/h", [0, 0, -1_000], [3, 2.5, True]),
    }
    records = [
        record(n, partition=n % 2, pseudonym=f"P{n % 3}", series=series, dtc=["P0301"])
        for n in range(1, 40)
    ]
    found = same(records, OUTPUTS)
    assert (found.written.records, found.by_core) == (39, 39)


@pytest.mark.parametrize(
    "edge",
    [
        stamped(record(1), "readings", "10000"),
        stamped(record(1), "readings", "10001"),
        stamped(record(1), "ce_id", "x" * 128),
        stamped(record(1), "ce_id", "x" * 129),
        stamped(record(1), POLICY_VERSION, "1-" + "x" * 126),
        stamped(record(1), POLICY_VERSION, "1-" + "x" * 127),
        *(
            record(1, series={SPEED: ("km/h", [sign * (32 * DAY_MS + past_ms)], [1.5])})
            for sign in (1, -1)
            for past_ms in (0, 1)
        ),
        *(record(1, series={SPEED: ("x" * length, [0], [1.5])}) for length in (256, 257)),
    ],
)
def test_at_every_edge_both_decide_alike(edge: Arrived) -> None:
    same([edge, record(2)], OUTPUTS)


@pytest.mark.parametrize("gather", [gathering, lambda _: None])
def test_what_is_known_or_has_ended_stays_out_alone_whichever_path_reads_it(gather: Any) -> None:
    known, twice = record(2), record(3)
    ended = record(4, expires_ms=NOW_MS - NOW_MS % MINUTE_MS)
    again = msgspec.structs.replace(twice, offset=5)
    window = Window(9)
    window.remember([(digest_of(dict(known.headers)["ce_id"].decode()), NOW_MS + DAY_MS)])
    gathered = Gathered(OUTPUTS.values(), None, gather)
    for records, counts in (
        ([record(1), known], (1, 1, 0)),
        ([record(1), twice, again], (2, 1, 0)),
        ([record(1), ended], (1, 0, 1)),
        ([record(1), twice], (2, 0, 0)),
    ):
        gathered.begin()
        usual = gathered.usual(OUTPUTS[A])
        found = admit_record(records, OUTPUTS[A], 1, window, NOW_MS, usual=usual)
        written = found.written
        assert (written.records, written.duplicates, written.expired_on_arrival) == counts
        assert len(found.seen) == written.records
        assert (found.first, found.last) == (1, records[-1].offset)


def test_unusual_records_stand_among_the_cores_in_one_part() -> None:
    odd = record(2, pseudonym="P2")
    records = [record(1), msgspec.structs.replace(odd, value=b" " + (odd.value or b"")), record(3)]
    found = same(records, OUTPUTS)
    assert (found.written.records, found.by_core, len(found.parts)) == (3, 2, 1)


JUDGED = {one.topic: one.id for one in PLAN.outputs}


def sent(values: Sequence[float], late_ms: int) -> list[Arrived]:
    """What a worker sends of one envelope, on every topic."""
    series = {
        SPEED: column("km/h", list(values)),
        FUEL: column("percent", [50.0]),
        LATITUDE: column("degrees", [35.68] * 2),
        LONGITUDE: column("degrees", [139.76] * 2),
    }
    made = known_world(PLAN).feed(envelope(series, WORLD_MS - late_ms, dtc=["P0301"]))
    return [
        Arrived(one.topic, 0, 1 + offset, WORLD_MS, one.key, one.value, one.headers)
        for offset, one in enumerate(made)
    ]


@some.composite
def foreign(draw: some.DrawFn) -> list[Arrived]:
    """What a worker sends, and what someone else might make of it."""
    records = sent(
        draw(some.lists(some.floats(0, 250), min_size=1, max_size=5)), draw(some.integers(0, 10**9))
    )
    found = []
    for one in records:
        bends = (
            None,
            lambda value: [series.update(unit="mph") for series in value["series"].values()],
            lambda value: [
                series["value"].__setitem__(0, 43.21) for series in value["series"].values()
            ],
            lambda value: [
                series["value"].__setitem__(0, 1e300) for series in value["series"].values()
            ],
            lambda value: [
                series["value"].__setitem__(0, "Taro") for series in value["series"].values()
            ],
            lambda value: [series["dt"].__setitem__(0, 7) for series in value["series"].values()],
            lambda value: value["series"].update({"A.B": {"unit": "", "dt": [0], "value": [1]}}),
            lambda value: value.update(dtc=["P0301", draw(some.sampled_from(("P0420", "VIN")))]),
            lambda value: value.update(t0="2099-01-01T00:00:00Z"),
            lambda value: value.update(series={}),
        )
        bend = draw(some.sampled_from(bends))
        made = one if bend is None else bent(one, bend)
        if draw(some.booleans()):
            versions = ("1-x", "3-y", "x", "77-0")
            made = stamped(made, POLICY_VERSION, draw(some.sampled_from(versions)))
        if draw(some.booleans()):
            ends_ms = WORLD_MS + draw(some.integers(-3, 900)) * DAY_MS
            ends_ms -= ends_ms % MINUTE_MS
            made = stamped(made, EXPIRES_AT, format_instant(ends_ms))
        if draw(some.integers(0, 9)) == 0:
            made = msgspec.structs.replace(made, value=draw(damaged(made.value or b"")))
        found.append(made)
    return found


@settings(max_examples=examples(150), deadline=None)
@given(records=foreign())
def test_the_core_and_the_judge_let_the_same_records_through_in_the_same_lanes(
    records: list[Arrived],
) -> None:
    same(records, JUDGED, Judge({1: PLAN, 3: PLAN}.get), now_ms=WORLD_MS)


def test_a_value_between_the_steps_is_left_to_the_judge() -> None:
    def bend(value: dict[str, Any]) -> None:
        if FUEL in value["series"]:
            value["series"][FUEL]["value"][0] = 43.21

    records = [bent(one, bend) for one in sent([43.0], 0)]
    found = same(records, JUDGED, Judge({3: PLAN}.get), now_ms=WORLD_MS)
    assert dict(found.written.rejected) == {Unreadable.TOO_PRECISE: 1}


def test_what_a_worker_sends_is_the_cores() -> None:
    found = same(sent([43.0, 44.0], 0), JUDGED, Judge(lambda _: PLAN), now_ms=WORLD_MS)
    assert found.by_core == found.written.records > 0


periods = some.builds(
    Period, some.integers(1, 15), some.sampled_from(("hours", "days", "months", "years"))
)


@settings(max_examples=examples(200), deadline=None)
@given(
    period=periods,
    at_ms=some.integers(
        parse_instant("2023-01-01T00:00:00Z"), parse_instant("2028-12-31T23:59:59Z")
    ),
    floor_ms=some.sampled_from((1, SECOND_MS, MINUTE_MS)),
    off=some.integers(-1, 1),
)
def test_the_core_reckons_periods_as_the_policy_does(
    period: Period, at_ms: int, floor_ms: int, off: int
) -> None:
    at_ms -= at_ms % floor_ms
    one = replace(lane("one", 9, floor_ms, {SPEED: (Keep(),)}), period=period)
    judge = Judge(lambda _: plan_of(output("service_improve", [one])))
    last_ms = add_period(at_ms + floor_ms, period)
    ends_ms = (last_ms // MINUTE_MS + off) * MINUTE_MS
    arrived = record(1, t0_ms=at_ms, expires_ms=ends_ms, series={SPEED: ("km/h", [0], [43.5])})
    found = same([arrived], {A: "service_improve"}, judge, now_ms=at_ms)
    assert found.by_core == (ends_ms <= last_ms and ends_ms > at_ms)


def test_a_value_that_no_step_can_be_told_of_is_refused() -> None:
    signal = Signal(path=SPEED, unit="km/h", datatype="float", kind=Kind.BEHAVIOUR)
    made = plan_of(output("service_improve", [lane("one", 30, 1, {SPEED: (Round(0.1),)})]))
    judge = Judge(lambda _: replace(made, catalogue=Catalogue("test", {SPEED: signal})))
    arrived = record(1, series={SPEED: ("km/h", [0], [1e308])})
    found = same([arrived], {A: "service_improve"}, judge)
    assert dict(found.written.rejected) == {Unreadable.TOO_PRECISE: 1}


def test_what_was_taught_is_forgotten_beyond_a_limit_and_taught_anew() -> None:
    judge = Judge(lambda _: PLAN)
    held = Gathered(JUDGED.values(), judge, lambda output: gathering(output, 1))
    for late_ms in (0, MINUTE_MS, DAY_MS):
        records = sent([40.0, 50.0], late_ms)
        fast = admitted(records, JUDGED, judge, core=True, now_ms=WORLD_MS, before=held)
        slow = admitted(records, JUDGED, judge, core=False, now_ms=WORLD_MS)
        assert fast.written.records > 0
        assert fast._replace(by_core=0) == slow


def test_a_write_that_was_given_up_leaves_nothing_to_the_next() -> None:
    held = Gathered(OUTPUTS.values(), None, gathering)
    held.begin()
    usual = held.usual(OUTPUTS[A])
    assert usual is not None
    admit_record([record(1)], OUTPUTS[A], 1, Window(9), NOW_MS, None, usual=usual)
    fast = admitted([record(2)], OUTPUTS, core=True, before=held)
    assert fast._replace(by_core=0) == admitted([record(2)], OUTPUTS, core=False)


def test_a_producers_time_decides_nothing() -> None:
    judge = Judge(lambda _: PLAN)
    ahead_ms = WORLD_MS + 400 * DAY_MS
    for one in sent([40.0, 50.0], 0):
        bold = msgspec.structs.replace(one, timestamp_ms=ahead_ms, broker_dated=False)
        later = bent(bold, lambda value: value.update(t0=format_instant(ahead_ms)))
        found = same([later], JUDGED, judge, now_ms=WORLD_MS)
        assert found.written.records == 0
