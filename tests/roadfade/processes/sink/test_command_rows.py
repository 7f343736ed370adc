"""What of a topic of commands is held, and what of it may be carried out."""

import pytest

from bus.failures import RowFault, UnreadableRowError
from roadfade.clock import wall_ms
from roadfade.processes.sink.command_rows import CommandRows
from telemetry.wire.control import Heartbeat, encode_row
from telemetry.wire.erasure import EraseCommand, encode_command
from tests.sinks.erasing import UNTIL_MS, command
from tests.sinks.records import NOW_MS, OUTPUT_A
from tests.support.small_house import Clock

HEARTBEAT = encode_row(Heartbeat(wall_ms(), 0))


def put(rows: CommandRows, id_: str, until_ms: int = UNTIL_MS) -> EraseCommand:
    made = command("P", id_=id_, until_ms=until_ms)
    rows.apply(id_.encode(), encode_command(made))
    return made


def ids(found: list[EraseCommand]) -> list[str]:
    return [one.command for one in found]


def test_what_came_behind_a_heartbeat_is_not_vouched_for() -> None:
    rows = CommandRows(OUTPUT_A, 9, Clock(NOW_MS))
    put(rows, "command-1")
    rows.heartbeat_at(HEARTBEAT)
    put(rows, "command-2")
    rows.vouch()
    assert (ids(rows.living), ids(rows.vouched)) == (["command-1", "command-2"], ["command-1"])


def test_what_replaces_a_command_is_vouched_for_anew() -> None:
    rows = CommandRows(OUTPUT_A, 9, Clock(NOW_MS))
    put(rows, "command-1")
    rows.heartbeat_at(HEARTBEAT)
    rows.vouch()
    put(rows, "command-1")
    assert ids(rows.vouched) == ["command-1"], "it is the same"
    put(rows, "command-1", UNTIL_MS + 1)
    assert rows.vouched == []


def test_a_command_lives_until_its_end_or_its_deletion() -> None:
    clock = Clock(UNTIL_MS - 1)
    rows = CommandRows(OUTPUT_A, 9, clock)
    put(rows, "command-1")
    put(rows, "command-2")
    rows.apply(b"command-2", None)
    assert ids(rows.living) == ["command-1"]
    rows.heartbeat_at(HEARTBEAT)
    rows.vouch()
    clock.now_ms += 1
    assert rows.living == []
    assert ids(rows.vouched) == ["command-1"], "some store has not answered yet"


def test_what_is_no_command_leaves_the_one_before() -> None:
    rows = CommandRows(OUTPUT_A, 9, Clock(NOW_MS))
    put(rows, "command-1")
    for value, fault in ((b"{", RowFault.UNDECODABLE), (_other(), RowFault.FOREIGN)):
        with pytest.raises(UnreadableRowError) as raised:
            rows.apply(b"command-1", value)
        assert raised.value.fault is fault
    assert ids(rows.living) == ["command-1"]


def _other() -> bytes:
    return encode_command(command("P", id_="command-2"))


def test_too_many_living_commands_crowd_it_until_some_are_gone() -> None:
    clock = Clock(NOW_MS)
    rows = CommandRows(OUTPUT_A, 2, clock)
    ends = (UNTIL_MS, UNTIL_MS, NOW_MS + 1)
    for number, until_ms in enumerate(ends):
        assert not rows.crowded
        put(rows, f"command-{number}", until_ms)
    assert rows.crowded
    assert not rows.outdated
    clock.now_ms += 1
    assert not rows.crowded


def test_what_was_not_held_is_read_anew_once_there_is_room() -> None:
    rows = CommandRows(OUTPUT_A, 2, Clock(NOW_MS))
    for number in range(5):
        put(rows, f"command-{number}")
    assert len(rows.living) == 4
    for number in range(2):
        assert (rows.crowded, rows.outdated) == (True, False)
        rows.apply(f"command-{number}".encode(), None)
    assert rows.outdated
    assert rows.crowded, "nothing is written before it is read anew"
