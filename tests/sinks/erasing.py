"""What every sink must do when rows have to go: erase those that are meant, refuse those that come.

One suite; each sink subclasses it. What is meant is said here once more, apart from the sinks.
"""

import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

import msgspec
import pytest

from sinks.port.allowed import Judge, Judged
from sinks.port.records import RecordReadings
from sinks.port.results import OfOutput
from sinks.port.selection import FoundRow, Selection
from telemetry.arrived import Arrived
from telemetry.instants import DAY_MS, MINUTE_MS
from telemetry.wire.erasure import ERASURE_VERSION, EraseCommand
from tests.sinks.contract import Both, Restart
from tests.sinks.records import (
    AFTER_MS,
    CODES,
    EXPIRES_MS,
    NOW_MS,
    OUTPUT_A,
    OUTPUT_B,
    SPEED,
    T0_MS,
    A,
    B,
    record,
    whose,
)

UNTIL_MS: Final = NOW_MS + 30 * DAY_MS
FLOOR_MS: Final = 5 * MINUTE_MS
HEAT: Final = "Vehicle.Heat"
LANE_OF: Final[Mapping[str, str | None]] = {SPEED: "fast", HEAT: "slow", "Vehicle.Door": None}
Row = tuple[str, str, int]
"""Record, signal and time."""
Judging = Callable[[Judge], Both]
"""Ends the sink before, if any, and opens one that judges on what it left."""


class LaneBySignal(Judge):
    """Lets everything through, in the lane of a record's first signal."""

    def __init__(self) -> None:
        super().__init__(lambda _: None)

    def judged(self, record: RecordReadings, output: str, arrived_ms: int) -> Judged:
        return Judged(None, LANE_OF.get(record.runs[0].signal) if record.runs else None)


def command(
    *pseudonyms: str,
    id_: str = "command-1",
    output: str = OUTPUT_A,
    consents: Sequence[str] = (),
    lanes: Sequence[str] = (),
    from_ms: int | None = None,
    to_ms: int | None = None,
    floors_ms: Mapping[str, int] | None = None,
    until_ms: int = UNTIL_MS,
) -> EraseCommand:
    return EraseCommand(
        v=ERASURE_VERSION,
        command=id_,
        output=output,
        pseudonyms=list(pseudonyms),
        consents=list(consents),
        lanes=list(lanes),
        from_ms=from_ms,
        to_ms=to_ms,
        floors_ms=dict(floors_ms or {}),
        asked_ms=NOW_MS,
        until_ms=until_ms,
    )


def everything(sink: Both, *pseudonyms: str, output: str = OUTPUT_A) -> list[FoundRow]:
    return list(sink.rows_of(output, whose(*pseudonyms), NOW_MS))


def times(rows: Iterable[FoundRow]) -> list[int]:
    return [row.t_ms - T0_MS for row in rows]


def of(signal: str, steps_ms: Sequence[int], offset: int, **more: str | None) -> Arrived:
    series = {signal: ("", list(steps_ms), [1.5] * len(steps_ms))}
    return record(offset, series=series, **more)  # type: ignore[arg-type]


class ErasingContract:
    @pytest.fixture
    def judging(self) -> Judging:
        raise NotImplementedError

    def test_a_store_has_a_name_of_its_own_and_keeps_it(self, restart: Restart) -> None:
        name = restart().name()
        kind, _, which = name.partition(":")
        assert kind.isalpha() and len(which) == 16 and int(which, 16) >= 0
        assert restart().name() == name

    def test_rows_are_handed_out_by_time_record_and_signal(self, restart: Restart) -> None:
        sink = restart()
        late = record(0, ce_id="late", t0_ms=T0_MS + 5_000, consent="c1")
        early = record(1, ce_id="early", series={}, dtc=["P0301"])
        gone = record(2, ce_id="gone", expires_ms=EXPIRES_MS - MINUTE_MS)
        other = [record(3, pseudonym="OTHER"), record(0, B)]
        sink.write([late, early, gone, *other], NOW_MS)
        rows = list(sink.rows_of(OUTPUT_A, whose("PSEUDONYM"), EXPIRES_MS - MINUTE_MS))
        seen = [(row.record, row.signal, row.t_ms - T0_MS, row.number, row.text) for row in rows]
        assert seen == [
            ("early", CODES, 0, None, "P0301"),
            ("late", SPEED, 5_000, 43.5, None),
            ("late", SPEED, 6_000, 44.0, None),
        ]
        assert {row.consent for row in rows} == {None, "c1"}
        assert {(row.expires_ms, row.pseudonym, row.lane) for row in rows} == {
            (EXPIRES_MS, "PSEUDONYM", None)
        }
        assert "PSEUDONYM" not in repr(rows) + repr(whose("PSEUDONYM"))

    def test_only_what_rests_on_a_named_consent_goes(self, restart: Restart) -> None:
        sink = restart()
        for offset, consent in enumerate(("c1", "c2", None)):
            sink.write([record(offset, ce_id=f"of {consent}", consent=consent)], NOW_MS)
        named = whose("PSEUDONYM")._replace(consents=frozenset({"c1"}))
        assert sink.erase(OUTPUT_A, named, NOW_MS).located_before == 2
        assert {row.consent for row in everything(sink, "PSEUDONYM")} == {"c2", None}

    def test_of_an_interval_only_what_its_time_stands_for_goes(self, restart: Restart) -> None:
        sink = restart()
        sink.write([of(SPEED, [0, 999, 1_000, 1_999, 2_000], 0)], NOW_MS)
        within = whose("PSEUDONYM")._replace(from_ms=T0_MS + 1_000, to_ms=T0_MS + 2_000)
        assert sink.locate(OUTPUT_A, within).rows == 2
        floored = within._replace(floors_ms={"slow": 1_000})
        assert sink.locate(OUTPUT_A, floored).rows == 3, "999 stands for what ends at 1999"
        receipt = sink.erase(OUTPUT_A, floored, NOW_MS)
        assert (receipt.located_before, receipt.located_after) == (3, 0)
        assert times(everything(sink, "PSEUDONYM")) == [0, 2_000]

    def test_only_the_named_lane_goes_and_what_is_of_an_unknown_one(self, judging: Judging) -> None:
        sink = judging(LaneBySignal())
        sink.write([of(signal, [0], n) for n, signal in enumerate(LANE_OF)], NOW_MS)
        slow = whose("PSEUDONYM")._replace(lanes=frozenset({"slow"}))
        assert sink.erase(OUTPUT_A, slow, NOW_MS).located_before == 2
        assert [row.lane for row in everything(sink, "PSEUDONYM")] == ["fast"]

    def test_each_lane_has_its_own_floor_and_an_unknown_one_the_largest(
        self, judging: Judging
    ) -> None:
        sink = judging(LaneBySignal())
        sink.write([of(signal, [0, 50, 98], n) for n, signal in enumerate(LANE_OF)], NOW_MS)
        since = whose("PSEUDONYM")._replace(
            from_ms=T0_MS + 99, floors_ms={"fast": 2, "slow": 50, "other": 100}
        )
        sink.erase(OUTPUT_A, since, NOW_MS)
        left = [(row.lane, row.t_ms - T0_MS) for row in everything(sink, "PSEUDONYM")]
        assert left == [("fast", 0), ("slow", 0), ("fast", 50)]

    def test_what_is_refused_leaves_its_count_and_moves_the_position(
        self, restart: Restart
    ) -> None:
        sink = restart()
        sink.refuse([command("PSEUDONYM")])
        written = sink.write([record(0), record(1, pseudonym="STAYS"), record(0, B)], NOW_MS)
        assert (written.refused, written.refused_rows, written.records) == (1, 2, 2)
        assert written.by_output == {OUTPUT_A: OfOutput(2, 0, 2), OUTPUT_B: OfOutput(2, 0, 0)}
        assert sink.position(A, 0) == 2
        assert everything(sink, "PSEUDONYM") == []
        assert len(everything(sink, "STAYS")) == len(everything(sink, "PSEUDONYM", output=OUTPUT_B))

    def test_a_batch_of_refused_records_moves_the_position(self, restart: Restart) -> None:
        sink = restart()
        sink.refuse([command("PSEUDONYM")])
        sink.write([record(5)], NOW_MS)
        assert restart().position(A, 0) == 6

    def test_what_comes_again_is_refused_again(self, restart: Restart) -> None:
        sink = restart()
        for _ in range(2):
            sink.refuse([command("PSEUDONYM")])
            written = sink.write([record(0, ce_id="same"), record(1, ce_id="same")], NOW_MS)
            assert (written.duplicates, written.refused + written.replayed) == (0, 2)
            sink = restart()
        assert sink.write([record(2, ce_id="same")], NOW_MS).rows == 2, "no command lives"

    def test_a_record_that_is_meant_in_part_loses_that_part_alone(self, restart: Restart) -> None:
        sink = restart()
        sink.refuse([command("PSEUDONYM", from_ms=T0_MS + 1_000)])
        written = sink.write([record(0, ce_id="same", dtc=["P0301"])], NOW_MS)
        assert (written.refused, written.refused_rows) == (0, 1)
        assert (written.records, written.rows) == (1, 2)
        seen = [(row.signal, row.t_ms - T0_MS) for row in everything(sink, "PSEUDONYM")]
        assert seen == [(CODES, 0), (SPEED, 0)]
        assert sink.write([record(1, ce_id="same")], NOW_MS).duplicates == 1

    def test_what_is_refused_is_as_the_lane_of_each_record_says(self, judging: Judging) -> None:
        sink = judging(LaneBySignal())
        sink.refuse([command("PSEUDONYM", lanes=["slow"])])
        written = sink.write([of(signal, [0], n) for n, signal in enumerate(LANE_OF)], NOW_MS)
        assert (written.refused, written.records) == (2, 1)
        assert [row.lane for row in everything(sink, "PSEUDONYM")] == ["fast"]

    def test_what_a_later_call_does_not_name_is_kept(self, restart: Restart) -> None:
        sink = restart()
        sink.refuse([command("PSEUDONYM"), command("OTHER", id_="command-2")])
        sink.refuse([command("OTHER", id_="command-2")])
        written = sink.write([record(0), record(1, pseudonym="OTHER")], NOW_MS)
        assert (written.records, written.refused) == (1, 1)

    def test_a_command_refuses_until_its_end_and_no_longer(self, restart: Restart) -> None:
        sink = restart()
        sink.refuse([command("PSEUDONYM", until_ms=NOW_MS + 1)])
        assert sink.write([record(0)], NOW_MS).refused == 1
        assert sink.write([record(1)], NOW_MS + 1).refused == 0

    def test_what_is_expired_unreadable_or_known_is_counted_as_that(self, restart: Restart) -> None:
        sink = restart()
        sink.write([record(0, ce_id="same")], NOW_MS)
        sink.refuse([command("PSEUDONYM", until_ms=AFTER_MS + 1)])
        assert sink.write([record(1, ce_id="same")], NOW_MS).duplicates == 1
        written = sink.write([record(2)], AFTER_MS)
        assert (written.expired_on_arrival, written.refused) == (1, 0)

    @pytest.mark.parametrize("seed", range(12))
    def test_erased_and_refused_together_exactly_what_is_not_meant_stays(
        self, judging: Judging, seed: int
    ) -> None:
        chance = random.Random(seed)
        commands = [_some_command(chance, n) for n in range(chance.randint(1, 4))]
        records = [_some_record(chance, n) for n in range(60)]
        sink = judging(LaneBySignal())
        before = chance.randint(0, len(records))
        sink.write(records[:before], NOW_MS)
        sink.refuse(commands)
        first = [sink.erase(one.output, Selection.of(one), NOW_MS) for one in commands]
        assert not any(one.located_after for one in first)
        written = sink.write(records[before:], NOW_MS)
        assert not any(sink.locate(one.output, Selection.of(one)).rows for one in commands)
        stays = [row for one in records for row in _rows_not_meant(one, commands)]
        assert _all_rows(sink) == sorted(stays)
        assert written.rows + written.refused_rows == sum(map(_rows_in, records[before:]))


PEOPLE: Final = ("P1", "P2", "P3")
CONSENTS: Final = ("c1", "c2", None)


def _some_command(chance: random.Random, number: int) -> EraseCommand:
    at = [None, *range(T0_MS, T0_MS + 2_000, 100)]
    floors = {lane: chance.choice([1, 150, 900]) for lane in ("fast", "slow")}
    return command(
        *chance.sample(PEOPLE, chance.randint(1, 2)),
        id_=f"command-{number}",
        output=chance.choice([OUTPUT_A, OUTPUT_B]),
        consents=chance.choice([[], [], ["c1"], ["c1", "c2"]]),
        lanes=chance.choice([[], [], ["slow"]]),
        from_ms=chance.choice(at),
        to_ms=chance.choice(at),
        floors_ms=chance.choice([{}, floors, {"slow": 300}]),
    )


def _some_record(chance: random.Random, offset: int) -> Arrived:
    steps = sorted(chance.sample(range(0, 2_000, 50), chance.randint(1, 6)))
    signal = chance.choice(list(LANE_OF))
    return record(
        offset,
        chance.choice([A, B]),
        pseudonym=chance.choice(PEOPLE),
        ce_id=f"record-{offset}",
        consent=chance.choice(CONSENTS),
        series={signal: ("", steps, [1.5] * len(steps))},
    )


def _all_rows(sink: Both) -> list[Row]:
    found = [
        row for output in (OUTPUT_A, OUTPUT_B) for row in everything(sink, *PEOPLE, output=output)
    ]
    return sorted((row.record, row.signal, row.t_ms) for row in found)


def _rows_not_meant(arrived: Arrived, commands: Sequence[EraseCommand]) -> list[Row]:
    """What has to stay of a record, as the words of a command have it."""
    headers = {name: text.decode() for name, text in arrived.headers}
    signal, t_ms = _times_of(arrived)
    output = OUTPUT_A if arrived.topic == A else OUTPUT_B
    lane, consent, key = LANE_OF[signal], headers.get("consent"), (arrived.key or b"").decode()

    def meant(one: EraseCommand, at_ms: int) -> bool:
        floor_ms = one.floors_ms.get(lane or "?", max(one.floors_ms.values(), default=1))
        ends_ms = at_ms + floor_ms
        return (
            one.output == output
            and key in one.pseudonyms
            and (one.consents == [] or consent in one.consents)
            and (one.lanes == [] or lane is None or lane in one.lanes)
            and (one.from_ms is None or ends_ms > one.from_ms)
            and (one.to_ms is None or at_ms < one.to_ms)
        )

    return [
        (headers["ce_id"], signal, at_ms)
        for at_ms in t_ms
        if not any(meant(one, at_ms) for one in commands)
    ]


def _times_of(arrived: Arrived) -> tuple[str, list[int]]:
    found = msgspec.json.decode(arrived.value or b"")["series"]
    (signal, series), *_ = found.items()
    return signal, [T0_MS + step for step in series["dt"]]


def _rows_in(arrived: Arrived) -> int:
    return len(_times_of(arrived)[1])
