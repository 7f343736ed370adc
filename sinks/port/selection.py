"""Which rows of one output are meant: what a command of erasure says, as stores ask it. Pure.

A row is meant if every condition holds. What is not known of a row never saves it.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

from telemetry.identity import MASK, Pseudonym
from telemetry.wire.erasure import EraseCommand

_NO_FLOORS: Final[Mapping[str, int]] = MappingProxyType({})
FLOOR_MS: Final = 1
"""How long is what a row's time stands for, if nothing floors it."""


class Selection(NamedTuple):
    """Rows of one output. Instants are milliseconds UTC. Its repr shows nobody."""

    pseudonyms: frozenset[Pseudonym]
    """A row lies under one of these."""
    consents: frozenset[str] = frozenset()
    """It rests on one of these, or it is not known on what; empty: whatever it rests on."""
    lanes: frozenset[str] = frozenset()
    """It is of one of these lanes, or it is not known of which; empty: of any."""
    from_ms: int | None = None
    """What its time stands for, the time and its lane's floor, ends after this; None: no bound."""
    to_ms: int | None = None
    """Its time is before this; None: no bound."""
    floors_ms: Mapping[str, int] = _NO_FLOORS
    """By lane; see ``floor_of``."""

    @classmethod
    def of(cls, command: EraseCommand) -> "Selection":
        """The rows that a command names."""
        return cls(
            frozenset(map(Pseudonym, command.pseudonyms)),
            frozenset(command.consents),
            frozenset(command.lanes),
            command.from_ms,
            command.to_ms,
            MappingProxyType(dict(command.floors_ms)),
        )

    @property
    def floor_ms(self) -> int:
        """The floor of a lane that is not named, or not known: the largest there is.

        So nothing is left for want of knowing.
        """
        return max(self.floors_ms.values(), default=FLOOR_MS)

    def floor_of(self, lane: str | None) -> int:
        """How long is what a row's time stands for, by its lane."""
        return self.floors_ms.get(lane or "", self.floor_ms)

    def rests(self, consent: str | None) -> bool:
        """Whether what rests on this, or on no consent, may be meant."""
        return not self.consents or consent in self.consents

    def names(self, lane: str | None) -> bool:
        """Whether what is of this lane, or of an unknown one, may be meant."""
        return not self.lanes or lane is None or lane in self.lanes

    def covers(self, t_ms: int, floor_ms: int) -> bool:
        """Whether a time of such a floor may be meant."""
        begun = self.from_ms is None or t_ms + floor_ms > self.from_ms
        return begun and (self.to_ms is None or t_ms < self.to_ms)

    def means(self, pseudonym: str, consent: str | None, lane: str | None, t_ms: int) -> bool:
        """Whether a row is meant whose consent is known."""
        return (
            pseudonym in self.pseudonyms
            and self.rests(consent)
            and self.names(lane)
            and self.covers(t_ms, self.floor_of(lane))
        )

    def __repr__(self) -> str:
        return f"Selection({MASK})"


class FoundRow(NamedTuple):
    """A stored row as it is handed out. Instants are milliseconds UTC. Its repr shows nothing."""

    record: str
    signal: str
    t_ms: int
    number: float | None
    text: str | None
    unit: str
    expires_ms: int
    policy_version: str
    lane: str | None
    """None: it is not known."""
    consent: str | None
    """None: it rests on none, or that is not known."""
    pseudonym: str

    def __repr__(self) -> str:
        return f"FoundRow({MASK})"
