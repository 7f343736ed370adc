"""The state of rules over time, as processors need it: plain values in, plain values out.

One object per raw partition. It knows devices, rules by their number, bins of event time and
append times; nothing of people, purposes or permission. Every implementation passes
``tests/processors/state/contract.py``.

Times are milliseconds UTC. ``append_ms`` is the raw topic's own time of the record in hand; if it
goes back, the latest so far stands in its place, so that it never runs backwards here.
"""

from collections.abc import Collection, Mapping, Sequence
from enum import IntEnum
from typing import NamedTuple, Protocol


class Answer(IntEnum):
    """Of a bin, whether the first reading in it may pass."""

    PASSES = 0
    """No reading was in it within the rule's life."""
    USED = 1
    NOT_REBUILT = 2
    """It may have been used in what is lost, or there is no room to remember it: as if used."""


class Mark(NamedTuple):
    """A moment to which a state can go back: how much changed since it was adopted, and when."""

    bins: int
    counters: int
    at_ms: int
    refused: int
    """How many were not remembered for want of room since then."""


class RoomPort(Protocol):
    """How much all partitions of one process may remember, and how often that was too little."""

    @property
    def held(self) -> int:
        """Bins and counters that are remembered, those included that are due to be dropped."""

    def take_refused(self) -> int:
        """How many were not remembered for want of room since this was asked last.

        Drafts that were not adopted are not among them.
        """


class TimeState(Protocol):
    """What readings there were, in one raw partition.

    Changes are a draft until ``adopt``; ``roll_back`` undoes those behind a mark, ``discard`` all.
    """

    def first_in_bin(
        self, device: str, rule: int, bins: Collection[int], append_ms: int
    ) -> Sequence[int]:
        """For each of these different bins of one record an ``Answer``, in their order.

        A bin passes if no earlier record of the partition used it within the rule's life of
        append time. Every asking uses the bin, whatever the answer was.
        """

    def counted(self, device: str, rule: int, readings: int, append_ms: int) -> int | None:
        """How many readings came before these in this window of append time; counts these.

        None: that is not known, or there is no room to remember it.
        """

    def arrive(self, append_ms: int) -> None:
        """A record was appended then, whether or not it asks anything: it is the latest so far."""

    def mark(self) -> Mark:
        """The moment of now."""

    def roll_back(self, mark: Mark) -> None:
        """Undo what changed since ``mark``, which was made after the last ``adopt``."""

    def adopt(self) -> None:
        """Let what changed stand, and drop what no later record can find."""

    def discard(self) -> None:
        """Undo what changed since the last ``adopt``."""

    def lose(self, until_ms: int) -> None:
        """Records appended up to this time were lost, or may have been: their bins are unknown."""

    def reach(self, append_ms: int) -> None:
        """Go on from this append time at the earliest, and let it stand."""

    def close(self) -> None:
        """Give up the room that is taken; the object is of no use afterwards."""

    def living(self) -> Mapping[tuple[str, int, int], int]:
        """The last append time of every bin that is still alive, by (device, rule, bin). Slow."""
