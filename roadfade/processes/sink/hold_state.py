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
    asked_ms: int = 0
    """Before that no erasure asks again for its copies: its own turns, which answer, come first."""
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
    turn: int = 0
    """Which turn was its last; 0: it had none."""

    @property
    def done(self) -> bool:
        """Whether everything is copied, as far as the store can see."""
        whole = self.held is not None and self.held.complete and not self.held.unreadable
        return whole and not self.wrote


def both_name(erase: EraseCommand, hold: HoldCommand) -> frozenset[Pseudonym]:
    """The pseudonyms that both name, of one output."""
    if hold.output != erase.output:
        return frozenset()
    return frozenset(map(Pseudonym, erase.pseudonyms)) & frozenset(map(Pseudonym, hold.pseudonyms))
