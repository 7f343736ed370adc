"""One reading of the topic of one output's commands of erasure, from its beginning.

In: an output. Out: its commands and those of legal holds, which of them may be carried out, and why
nothing of the output may be written meanwhile.
"""

from bus.ports import Broker
from bus.view import Beat, CompactedView
from roadfade import metrics
from roadfade.clock import WallClock, boot_ms, wall_ms
from roadfade.in_force.control_rows import contents_at
from roadfade.in_force.pauses import pause_of
from roadfade.in_force.quarantine import set_aside
from roadfade.processes.sink.command_rows import CommandRows
from roadfade.processes.sink.hold_rows import HoldRows
from telemetry.topics import erase_topic
from telemetry.wire.erasure import EraseCommand
from telemetry.wire.hold import HoldCommand, is_hold


def pauses_for(output: str) -> list[str]:
    """Every reason for which nothing of an output may be written."""
    topic = erase_topic(output)
    return [pause_of(topic, "stale"), pause_of(topic, "incomplete"), _crowded(topic)]


def _crowded(topic: str) -> str:
    return f"crowded {topic}"


class CommandView:
    """Runs once; the next reading is another one."""

    def __init__(self, broker: Broker, output: str, alive_max: int, clock: WallClock) -> None:
        self.topic = erase_topic(output)
        self.refused = False
        """Whether the sink refuses what all rows name that were there as it became whole."""
        self.rows = CommandRows(output, alive_max, clock)
        self._holds = HoldRows(output)
        self._heard_ms: int | None = None
        """When the last heartbeat came that had not lain there before, by a clock nobody sets."""
        self._view = CompactedView(
            broker,
            self.topic,
            self._apply,
            heartbeat_at=self._heartbeat_at,
            contents_at=contents_at,
            elapsed_ms=boot_ms,
            beat=self._vouch,
            quarantined=set_aside,
        )

    async def run(self) -> None:
        """Read until ``stop``; raises as ``CompactedView``."""
        await self._view.run()

    async def stop(self) -> None:
        """End ``run``."""
        await self._view.stop()

    @property
    def is_whole(self) -> bool:
        """Whether all was read that was there at the start, and nothing lacks since."""
        return self._view.ready.is_set() and self._view.complete and not self._crowded

    @property
    def vouched(self) -> list[EraseCommand]:
        """Commands that were not withdrawn, and of which the office's heartbeat told."""
        return self.rows.vouched if self.is_whole else []

    @property
    def vouched_holds(self) -> list[HoldCommand]:
        """The same of commands of legal holds."""
        return self._holds.vouched if self.is_whole else []

    @property
    def unvouched_holds(self) -> list[HoldCommand]:
        """Those that are there, and of which no heartbeat told yet."""
        return self._holds.unvouched

    def pause_reason(self, age_ms_max: int) -> str | None:
        """Why nothing of the output may be written now.

        A view is stale if by its own clock its heartbeat is old, and none was heard for as long: a
        clock that is wrong keeps no sink from keeping.
        """
        age_ms = self._age_ms()
        if age_ms is not None:
            metrics.VIEW_AGE.labels(self.topic).set(age_ms / 1000)
        if self._crowded:
            return _crowded(self.topic)
        if not self.is_whole:
            return pause_of(self.topic, "incomplete")
        if age_ms is None or age_ms > age_ms_max:
            return pause_of(self.topic, "stale")
        return None if self.refused else pause_of(self.topic, "incomplete")

    @property
    def _crowded(self) -> bool:
        return self.rows.crowded or self._holds.crowded

    def _apply(self, key: bytes, value: bytes | None) -> None:
        (self._holds if is_hold(key) else self.rows).apply(key, value)

    def _heartbeat_at(self, value: bytes) -> int:
        at_ms = self.rows.heartbeat_at(value)
        self._holds.tell()
        return at_ms

    def _age_ms(self) -> int | None:
        """By its own clock, or since a heartbeat was heard if that is less; None: none was read."""
        heartbeat_ms, heard_ms = self._view.heartbeat_ms, self._heard_ms
        if heartbeat_ms is None:
            return None
        told_ms = abs(wall_ms() - heartbeat_ms)
        return told_ms if heard_ms is None else min(told_ms, boot_ms() - heard_ms)

    def _vouch(self, beat: Beat) -> None:
        if beat.live:
            self._heard_ms = boot_ms()
        if self._view.complete:
            self.rows.vouch()
            self._holds.vouch()
