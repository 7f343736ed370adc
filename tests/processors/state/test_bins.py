"""The state in dictionaries."""

from processors.state.bins import TRIM_AT_LEAST, PartitionState, Room
from processors.state.port import RoomPort, TimeState
from tests.processors.state.contract import LIVES_MS, WINDOW_MS, StateContract


class TestPartitionState(StateContract):
    def in_room(self, bins_max: int) -> tuple[RoomPort, TimeState]:
        room = Room(bins_max)
        return room, PartitionState(LIVES_MS, WINDOW_MS, room)


def test_a_device_that_sends_for_ever_takes_no_more_room_than_a_life_of_bins() -> None:
    room = Room(10_000)
    state = PartitionState(LIVES_MS, WINDOW_MS, room)
    for second in range(5_000):
        state.first_in_bin("a", 0, [second], second * 100)
        state.adopt()
    assert room.held <= 2 * TRIM_AT_LEAST


def test_devices_that_fell_silent_leave_nothing_behind() -> None:
    room = Room(10_000)
    state = PartitionState(LIVES_MS, WINDOW_MS, room)
    for device in range(500):
        state.first_in_bin(f"d{device}", 1, [1, 2], device)
        state.counted(f"d{device}", 1, 1, device)
    state.adopt()
    state.first_in_bin("x", 1, [1], 20_000)
    state.adopt()
    assert room.held == 1


def test_partitions_share_the_room_and_give_it_back() -> None:
    room = Room(3)
    one, other = (PartitionState(LIVES_MS, WINDOW_MS, room) for _ in range(2))
    one.first_in_bin("a", 0, [1, 2], 1)
    one.counted("a", 1, 1, 1)
    assert room.full
    assert list(other.first_in_bin("b", 0, [1], 1)) != [0]
    other.adopt()
    assert room.take_refused() == 1
    one.close()
    assert room.held == 0
    assert list(other.first_in_bin("b", 0, [1], 1)) == [0]
