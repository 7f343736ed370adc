"""Parts of an envelope on their way out: whose they are, and what was decided of them."""

from collections.abc import Callable
from typing import NamedTuple

from processors.admission.admitted import Admitted
from processors.choices import Choices, within
from processors.device_answers import DeviceAnswer
from processors.expiry import Expiry
from processors.program import Decision


class Part(NamedTuple):
    """What is admitted of the readings in ``[from, until)``, all of one person or of no one."""

    admitted: Admitted
    from_ms: int
    until_ms: int

    def holds(self, event_ms: int) -> bool:
        """Whether a reading at this instant is of the part."""
        return self.from_ms <= event_ms < self.until_ms


class Leaving(NamedTuple):
    """A part that was judged. Without ``expiry`` it is counted only."""

    admitted: Admitted
    id: bytes
    """Of this and the route a record's id is made."""
    known: DeviceAnswer
    decision: Decision
    expiry: Expiry | None
    choices: Choices
    whole_t0_ms: int
    """Of the envelope: ``choices`` count from there."""

    def only(self, holds: Callable[[int], bool]) -> "Leaving":
        """The readings at the instants (ms UTC) for which ``holds``; itself if they are all."""
        admitted = self.admitted
        instants = {
            admitted.t0_ms + delta for column in admitted.columns.values() for delta in column.dt
        }
        if admitted.trouble_codes:
            instants.add(admitted.t0_ms)
        if all(map(holds, instants)):
            return self
        choices = within(self.choices, self.whole_t0_ms, holds)
        return self._replace(admitted=admitted.only(holds), choices=choices)
