"""The commands of erasure of one output, as its topic has them.

In: rows of the topic, and what the office's heartbeats vouch for. Out: the commands that live, and
those of them that may be carried out. A command is refused for as soon as it is read, since that
takes nothing away; rows are removed once a heartbeat behind it told of it, since anybody might
have written it. Its end ends the refusal alone: while it is on the topic, some store has not
answered yet, and it may be this one, which was away for longer.
"""

from collections.abc import Callable

from bus.failures import RowFault, UnreadableRowError
from roadfade.in_force.control_rows import heartbeat_at
from telemetry.wire.erasure import EraseCommand, take_command


class CommandRows:
    """Takes rows for a view; ``crowded`` with more living commands than ``alive_max``.

    It holds twice as many: one that is being read again may have been withdrawn further on.
    """

    def __init__(self, output: str, alive_max: int, clock: Callable[[], int]) -> None:
        self._lacking = False
        """Whether there were more than it holds: the topic has to be read anew."""
        self._output = output
        self._alive_max = alive_max
        self._clock = clock
        self._commands: dict[bytes, EraseCommand] = {}
        self._told: set[bytes] = set()
        self._vouched: set[bytes] = set()

    def apply(self, key: bytes, value: bytes | None) -> None:
        """Take one row; UnreadableRowError if it is no command of this output.

        A command lives on if what comes under its key is none.
        """
        if value is None:
            self._commands.pop(key, None)
            self._vouched.discard(key)
            return
        command = take_command(value, self._output)
        if command is None:
            raise UnreadableRowError(RowFault.UNDECODABLE)
        if command.command.encode() != key:
            raise UnreadableRowError(RowFault.FOREIGN)
        if key not in self._commands and self._is_full():
            self._lacking = True
            return
        if self._commands.get(key) != command:
            self._vouched.discard(key)
            self._told.discard(key)
            self._commands[key] = command

    def heartbeat_at(self, value: bytes) -> int:
        """The instant in a heartbeat, which tells of what was read before it."""
        at_ms = heartbeat_at(value)
        self._told = set(self._commands)
        return at_ms

    def vouch(self) -> None:
        """The last heartbeat told of just these rows."""
        self._vouched = self._told & self._commands.keys()

    @property
    def living(self) -> list[EraseCommand]:
        """The commands whose end has not come."""
        now_ms = self._clock()
        return [one for one in self._commands.values() if one.until_ms > now_ms]

    @property
    def held(self) -> list[EraseCommand]:
        """Every command that was not withdrawn, whether its end has come or not."""
        return list(self._commands.values())

    @property
    def vouched(self) -> list[EraseCommand]:
        """Those of them that the office has vouched for."""
        return [one for key, one in self._commands.items() if key in self._vouched]

    @property
    def crowded(self) -> bool:
        """Whether there are too many, or some that it does not hold."""
        many = len(self._commands) > self._alive_max
        return self._lacking or (many and len(self.living) > self._alive_max)

    @property
    def outdated(self) -> bool:
        """Whether some are not held though there is room now: the topic is to be read anew."""
        return self._lacking and len(self.living) <= self._alive_max

    def _is_full(self) -> bool:
        held_max = 2 * self._alive_max
        if len(self._commands) >= held_max:
            living = {one.command.encode() for one in self.living}
            self._commands = {key: one for key, one in self._commands.items() if key in living}
        return len(self._commands) >= held_max
