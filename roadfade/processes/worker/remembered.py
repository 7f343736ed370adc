"""What the rules over time of a worker remember: a state for each raw partition that it has.

In: the version that is chosen, records that were handled before. A state holds for one version:
when another is chosen, none is known any more, and all is read again under its rules.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from bus.failures import HandlerWaitsError
from processors.admission.unopened import Unopened
from processors.core import room_for
from processors.core_path import CorePath
from processors.processor import Processor
from processors.program import Program
from processors.pseudonyms import KeysNeeded
from processors.state.port import Mark, TimeState
from roadfade import metrics
from roadfade.clock import WallClock
from roadfade.processes.worker.opening import Opener
from telemetry.arrived import Arrived


class ReadyVersion(NamedTuple):
    """One version of the policy, ready to process."""

    program: Program
    processor: Processor
    core: CorePath | None = None
    """What does usual envelopes faster, where it is there."""


class Remembered:
    """Obeys ``Recollection`` of the batch loop; the handler works on its drafts.

    ``chosen`` gives the version of the batch in hand, ``clock`` the instant by which records are
    judged that no broker has dated; ``bins_max`` limits what all partitions remember together.
    ``opener`` opens records; without it they are taken as they are.
    """

    def __init__(
        self,
        chosen: Callable[[], ReadyVersion],
        clock: WallClock,
        bins_max: int,
        opener: Opener | None = None,
    ) -> None:
        self._chosen = chosen
        self._opener = opener
        self._clock = clock
        self._room = room_for(bins_max)
        self._states: dict[int, tuple[Program, TimeState]] = {}
        self._drafts: dict[int, TimeState] = {}
        self._marks: dict[int, Mark] = {}
        """Up to where the drafts were sent, and are not decided anew."""

    @property
    def version(self) -> ReadyVersion:
        """The version that carries the batch in hand."""
        return self._chosen()

    @property
    def life_ms(self) -> int:
        """For how long of append time a record matters to those behind it."""
        return max(self.version.program.lives_ms, default=0)

    def knows(self, partition: int) -> bool:
        """Whether a state of this version is there."""
        held = self._states.get(partition)
        return held is not None and held[0] is self.version.program

    def begin(self, partition: int) -> None:
        """Begin with nothing."""
        self.forget(partition)
        program = self.version.program
        self._states[partition] = program, program.empty_state(self._room)

    def remember(self, partition: int, records: Sequence[Arrived]) -> None:
        """Records that were handled before, the next in order.

        HandlerWaitsError, and none of them is remembered, if a key that opens them cannot be had
        yet. What was sealed under a key that is gone by now is lost.
        """
        values = self._opened(records)
        state, now_ms = self._states[partition][1], self._clock()
        remember = self.version.processor.remember
        lost_to_ms = 0
        for value, record in zip(values, records, strict=True):
            received_ms = received_at(record, now_ms)
            if isinstance(value, Unopened) and value.keyless:
                lost_to_ms = max(lost_to_ms, received_ms)
            remember(value, received_ms, state)
        state.adopt()
        if lost_to_ms:
            state.lose(lost_to_ms)

    def _opened(self, records: Sequence[Arrived]) -> Sequence[bytes | None]:
        values = [record.value for record in records]
        if self._opener is None:
            return values
        try:
            return self._opener.open_waiting(values)
        except KeysNeeded as needed:
            raise HandlerWaitsError from needed

    def lose(self, partition: int, until_ms: int) -> None:
        """Records up to this append time were lost, or may have been."""
        self._states[partition][1].lose(until_ms)

    def reach(self, partition: int, append_ms: int) -> None:
        """All is remembered."""
        self._states[partition][1].reach(append_ms)
        self._tell()

    def forget(self, partition: int) -> None:
        """Another may go on with this partition."""
        held = self._states.pop(partition, None)
        self._drafts.pop(partition, None)
        self._marks.pop(partition, None)
        if held is not None:
            held[1].close()
        self._tell()

    def draft(self, partition: int) -> TimeState:
        """The state of a partition, to be changed by the batch in hand."""
        state = self._drafts[partition] = self._states[partition][1]
        return state

    def mark(self) -> None:
        """What is a draft now is sent."""
        self._marks = {partition: state.mark() for partition, state in self._drafts.items()}

    def take_back(self) -> None:
        """What became a draft since ``mark`` is not sent: it will be handled again."""
        for partition, state in self._drafts.items():
            mark = self._marks.get(partition)
            if mark is None:
                state.discard()
            else:
                state.roll_back(mark)

    def adopt(self) -> None:
        """The batch is durable."""
        for state in self._drafts.values():
            state.adopt()
        self._clear()
        self._tell()

    def discard(self) -> None:
        """The batch is not sent, or will be handled again."""
        for state in self._drafts.values():
            state.discard()
        self._clear()

    def _clear(self) -> None:
        self._drafts.clear()
        self._marks.clear()

    def _tell(self) -> None:
        metrics.BINS.set(self._room.held)
        metrics.BINS_REFUSED.inc(self._room.take_refused())


def received_at(record: Arrived, now_ms: int) -> int:
    """When a record was received: if its topic drifted to producers' times, they decide nothing."""
    return record.timestamp_ms if record.broker_dated else now_ms
