"""Which readings of one envelope the rules over time let through: asked of the state, once each.

In: an envelope's admitted columns and the state of its partition. Out: by rule, which places stay.
Who may receive them plays no part: a bin is used up by a reading that was there. Pairs are made
before they are thinned.
"""

from collections.abc import Sequence
from typing import assert_never

from policy.vocabulary.operations import ThinCount, ThinTime
from processors.admission.readings import Readings
from processors.choices import Choices, Chosen
from processors.pairing import Column, positions
from processors.program import Program
from processors.state.port import Answer, TimeState


def choose(
    program: Program,
    device: str,
    t0_ms: int,
    readings: Readings,
    append_ms: int,
    state: TimeState,
) -> Choices:
    """Ask the state for every rule of the plan that has readings here; it remembers them."""
    found = {}
    pairs: Sequence[int] | None = None
    for number, places in program.rules_on(readings.present):
        if len(places) == 1:
            dt: Sequence[int] = readings.times[places[0]]
        else:
            if pairs is None:
                pairs = _times_of_pairs(readings, *places)
            dt = pairs
        if dt:
            operation = program.time_rules[number].operation
            match operation:
                case ThinTime(every_ms):
                    chosen = _first_in_bins(device, number, every_ms, t0_ms, dt, append_ms, state)
                case ThinCount(one_in):
                    chosen = _one_in(device, number, one_in, dt, append_ms, state)
                case _:
                    assert_never(operation)
            found[number] = chosen
    return found


def in_time(dt: Sequence[int]) -> Sequence[int]:
    """Places in the order of time: a device may send an older reading later."""
    places = range(len(dt))
    return places if list(dt) == sorted(dt) else sorted(places, key=dt.__getitem__)


def first_per_bin(every_ms: int, t0_ms: int, dt: Sequence[int]) -> dict[int, int]:
    """The place of the first reading of each bin of event time, by bin, in the order of time."""
    first: dict[int, int] = {}
    for place in in_time(dt):
        first.setdefault((t0_ms + dt[place]) // every_ms, place)
    return first


def _first_in_bins(
    device: str,
    number: int,
    every_ms: int,
    t0_ms: int,
    dt: Sequence[int],
    append_ms: int,
    state: TimeState,
) -> Chosen:
    first = first_per_bin(every_ms, t0_ms, dt)
    answers = state.first_in_bin(device, number, first.keys(), append_ms)
    asked = list(zip(first.values(), answers, strict=True))
    return Chosen(
        dt,
        [place for place, answer in asked if answer == Answer.PASSES],
        [place for place, answer in asked if answer == Answer.NOT_REBUILT],
    )


def _one_in(
    device: str, number: int, one_in: int, dt: Sequence[int], append_ms: int, state: TimeState
) -> Chosen:
    before = state.counted(device, number, len(dt), append_ms)
    if before is None:
        return Chosen(dt, (), range(len(dt)))
    return Chosen(dt, in_time(dt)[-before % one_in :: one_in], ())


def _times_of_pairs(readings: Readings, *places: int) -> Sequence[int]:
    columns: list[Column] = [
        ([], []) if place < 0 else (readings.times[place], readings.values[place])
        for place in places
    ]
    return [one.dt for one in positions(columns[0], columns[1], readings.singles)]
