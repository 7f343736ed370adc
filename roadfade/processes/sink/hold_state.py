"""How far one command of a legal hold is at this store, and whom an erasure names as well."""

from dataclasses import dataclass, field

from sinks.holds.folder import Held
from telemetry.identity import Pseudonym
from telemetry.wire.erasure import EraseCommand
from telemetry.wire.hold import HoldCommand


@dataclass(slots=True)
class HoldState:
    """How far a command is. Instants are milliseconds of a clock that nobody sets."""

    command: HoldCommand
    whole_ms: int
    """When all of it is due."""
    hindered_ms: int = 0
    """Before that it is not tried again."""
    erasure_ms: int = 0
    """Before that no erasure tries again: the hold has its own turn in between, and answers."""
    new_ms: int = 0
    """When what came since may be copied."""
    wrote: set[Pseudonym] = field(default_factory=set)
    """Under which records were written since they were copied."""
    held: Held | None = None
    """What was copied when all of it was looked through; None: not yet, or it failed since."""
    answered: int | None = None
    """Rows in copies, as last answered."""
    read_ms: int | None = None
    """Since when every file of it is read once more; None: none was read yet."""
    copied_before: dict[str, EraseCommand] = field(default_factory=dict)
    """By id: erasures that wait for other holds, and no more for this one."""
    turn: int = 0
    """Which turn was its last; 0: it had none."""

    @property
    def done(self) -> bool:
        """Whether everything is copied, as far as the store can see."""
        whole = self.held is not None and self.held.complete and not self.held.unreadable
        return whole and not self.wrote

    def is_copied_before(
        self, erase: EraseCommand, both: frozenset[Pseudonym], now_ms: int
    ) -> bool:
        """Whether the rows of ``both``, whom it and the erasure name, were copied for it.

        What came since is refused; once the erasure refuses nothing more, it is to be copied.
        """
        known = self.copied_before.get(erase.command) == erase
        return known and (now_ms < erase.until_ms or self.wrote.isdisjoint(both))


def both_name(erase: EraseCommand, hold: HoldCommand) -> frozenset[Pseudonym]:
    """The pseudonyms that both name, of one output."""
    if hold.output != erase.output:
        return frozenset()
    return frozenset(map(Pseudonym, erase.pseudonyms)) & frozenset(map(Pseudonym, hold.pseudonyms))
