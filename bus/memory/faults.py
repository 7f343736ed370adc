"""Failures on request: markers for the next send or commit, and for events between records."""

from collections import deque
from enum import Enum, auto
from typing import Final


class Fault(Enum):
    """What happens to the next send, or the next commit."""

    REFUSED = auto()
    """Nothing of it is written, and the send fails."""
    HALF_WRITTEN = auto()
    """The first half is written, and the send fails."""
    ACK_LOST = auto()
    """All of it is written, and the send fails."""
    ACK_LATE = auto()
    """The send fails; it is written once the producer is settled or stopped, behind all else."""
    COMMIT_LOST = auto()
    """The broker took it, and the answer does not come in time."""
    COMMIT_REFUSED = auto()
    """The group has moved on: nothing is committed."""


class Event(Enum):
    """What happens as soon as a group has read up to the marker (see ``FakeBroker.feed``)."""

    REBALANCE = auto()
    """The group is shared out again."""
    AWAY = auto()
    """The broker is away until ``come_back``."""
    REMADE = auto()
    """The topic is deleted and made anew, empty."""


COMMITS: Final = frozenset({Fault.COMMIT_LOST, Fault.COMMIT_REFUSED})


class Faults:
    """The pending faults, in order, for sends and for commits."""

    def __init__(self) -> None:
        self._sends: deque[Fault] = deque()
        self._commits: deque[Fault] = deque()

    def add(self, fault: Fault) -> None:
        """Make the next step of its kind that has no fault yet fail."""
        (self._commits if fault in COMMITS else self._sends).append(fault)

    def of_send(self) -> Fault | None:
        """The fault of this send; None if it succeeds."""
        return self._sends.popleft() if self._sends else None

    def of_commit(self) -> Fault | None:
        """The fault of this commit; None if it succeeds."""
        return self._commits.popleft() if self._commits else None
