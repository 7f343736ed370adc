"""The commands of legal holds of one output, as its topic of commands has them.

In: rows under keys of holds, and what the office's heartbeats vouch for. Out: the commands that
were not withdrawn and of which a heartbeat behind them told, and, apart, those of which none has
told yet. Those are not carried out: anybody might have written a row, and copies would be sealed
for whoever wrote it. A row that changes, or goes, stays as it was until a heartbeat tells of that.
"""

from typing import Final

from bus.failures import RowFault, UnreadableRowError
from telemetry.wire.hold import HOLDS_MAX, HoldCommand, hold_key, take_hold

RELEASED_PER_LIVING: Final = 10


class HoldRows:
    """Takes rows for a view; ``crowded`` with more than ``holds_max``, and holds no more.

    That is twice as many as the office asks for. Released ones, which are small, may be ten times
    as many beside: they stay until every store has answered.
    """

    def __init__(self, output: str, holds_max: int = 2 * HOLDS_MAX) -> None:
        self._output = output
        self._holds_max = holds_max
        self._commands: dict[bytes, HoldCommand] = {}
        self._released: set[bytes] = set()
        self._changed: set[bytes] = set()
        """Of which the last heartbeat that was read does not tell."""
        self._vouched: dict[bytes, HoldCommand] = {}
        """As it was when last vouched for: what came in its place may be anybody's."""
        self.crowded = False
        """Whether there were more than it holds: what is held back for them is not known."""

    def apply(self, key: bytes, value: bytes | None) -> None:
        """Take one row; UnreadableRowError if it is no command of a hold of this output."""
        if value is None:
            self._commands.pop(key, None)
            self._released.discard(key)
            self._changed.add(key)
            return
        command = take_hold(value, self._output)
        if command is None:
            raise UnreadableRowError(RowFault.UNDECODABLE)
        if hold_key(command.command).encode() != key:
            raise UnreadableRowError(RowFault.FOREIGN)
        if not self._has_room(key, released=command.released_ms is not None):
            self.crowded = True
            return
        (self._released.discard if command.released_ms is None else self._released.add)(key)
        if self._commands.get(key) != command:
            self._changed.add(key)
            self._commands[key] = command

    def _has_room(self, key: bytes, *, released: bool) -> bool:
        if key in self._commands and (key in self._released) == released:
            return True
        if released:
            return len(self._released) < RELEASED_PER_LIVING * self._holds_max
        return len(self._commands) - len(self._released) < self._holds_max

    def tell(self) -> None:
        """A heartbeat was read: it tells of what came before it."""
        self._changed.clear()

    def vouch(self) -> None:
        """The last heartbeat told of just these rows."""
        told = {key: one for key, one in self._commands.items() if key not in self._changed}
        left = {key: one for key, one in self._vouched.items() if key in self._changed}
        self._vouched = told | left

    @property
    def vouched(self) -> list[HoldCommand]:
        """Those that the office has vouched for, as it did last; the one placed first first."""
        return sorted(self._vouched.values(), key=lambda one: (one.placed_ms, one.command))

    @property
    def unvouched(self) -> list[HoldCommand]:
        """What is there in no heartbeat's words yet: new, or changed since."""
        commands = self._commands.items()
        return [one for key, one in commands if self._vouched.get(key) != one]
