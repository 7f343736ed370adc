"""The core's state of rules over time: the same contract, and the same answers on any road."""

import random

from processors.core import room_for, time_state
from processors.state.bins import PartitionState, Room
from processors.state.port import Mark, RoomPort, TimeState
from tests.processors.state.contract import LIVES_MS, WINDOW_MS, StateContract
from tests.support.ready_batches import needs_core


@needs_core
class TestCoreState(StateContract):
    def in_room(self, bins_max: int) -> tuple[RoomPort, TimeState]:
        room = room_for(bins_max)
        return room, time_state(LIVES_MS, WINDOW_MS, room)


@needs_core
def test_both_answer_alike_whatever_is_taken_back_or_has_no_room() -> None:
    for seed in range(200):
        chance = random.Random(seed)
        bins_max = chance.choice([3, 10, 1_000])
        rooms = Room(bins_max), room_for(bins_max)
        one, other = (
            PartitionState(LIVES_MS, WINDOW_MS, rooms[0]),
            time_state(LIVES_MS, WINDOW_MS, rooms[1]),
        )
        marks: list[tuple[Mark, Mark]] = []
        at_ms = 0
        for _ in range(120):
            at_ms += chance.choice([0, 1, 300, 300, 5_000, -700])
            device, rule = chance.choice("abc"), chance.randrange(2)
            match chance.randrange(9):
                case 0:
                    one.adopt()
                    other.adopt()
                    marks.clear()
                case 1:
                    one.discard()
                    other.discard()
                    marks.clear()
                case 2:
                    marks.append((one.mark(), other.mark()))
                case 3 if marks:
                    mine, theirs = marks.pop()
                    one.roll_back(mine)
                    other.roll_back(theirs)
                case 4:
                    args = device, rule, chance.randrange(5), at_ms
                    assert one.counted(*args) == other.counted(*args), seed
                case 5 if chance.random() < 0.1:
                    one.lose(at_ms)
                    other.lose(at_ms)
                case _:
                    bins = chance.sample(range(-3, 6), k=chance.randint(1, 4))
                    mine_, theirs_ = (
                        s.first_in_bin(device, rule, bins, at_ms) for s in (one, other)
                    )
                    assert list(mine_) == list(theirs_), seed
            assert one.living() == other.living(), seed
            assert (rooms[0].held, rooms[0].take_refused()) == (
                rooms[1].held,
                rooms[1].take_refused(),
            )
        one.close()
        other.close()
        assert rooms[0].held == rooms[1].held == 0
