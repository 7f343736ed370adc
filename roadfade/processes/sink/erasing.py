"""Commands of erasure for an open store: read, refused for, carried out.

In: the outputs that the store keeps. Out: whether it may write now, and erasures beside the writes.
Nothing of an output is written while it is not known which of it has to go. A command's rows are
removed once the store refuses what it names, so that nothing lands behind the search.
"""

import asyncio
import logging
from collections.abc import Callable, Collection, Mapping

from bus.failures import BrokerError, TopicError, ViewOutdatedError
from bus.ports import Broker
from bus.view import Beat, CompactedView
from roadfade import metrics
from roadfade.clock import WallClock, boot_ms, wall_ms
from roadfade.in_force.control_rows import contents_at
from roadfade.in_force.pauses import pause_of
from roadfade.in_force.quarantine import set_aside
from roadfade.processes.sink.carrying_out import CarryingOut
from roadfade.processes.sink.command_rows import CommandRows
from sinks.port.sink import Sink
from telemetry.topics import erase_topic
from telemetry.wire.erasure import EraseCommand

LOOK_EVERY_S = 0.5
logger = logging.getLogger(__name__)


class _Reading:
    """One reading of one output's topic, from its beginning."""

    def __init__(
        self, broker: Broker, output: str, alive_max: int, clock: WallClock
    ) -> None:
        self.topic = erase_topic(output)
        self.rows = CommandRows(output, alive_max, clock)
        self.view = CompactedView(
            broker,
            self.topic,
            self.rows.apply,
            heartbeat_at=self.rows.heartbeat_at,
            contents_at=contents_at,
            elapsed_ms=boot_ms,
            beat=self._vouch,
            quarantined=set_aside,
        )

    def _vouch(self, _: Beat) -> None:
        if self.view.complete:
            self.rows.vouch()

    def pause_reason(self, now_ms: int, age_ms_max: int) -> str | None:
        """Why nothing of the output may be written now."""
        if self.view.heartbeat_ms is not None:
            metrics.VIEW_AGE.labels(self.topic).set((now_ms - self.view.heartbeat_ms) / 1000)
        if self.rows.crowded:
            return pause_of(self.topic, "crowded")
        if not self.view.fresh(now_ms, age_ms_max):
            whole = self.view.ready.is_set() and self.view.complete
            return pause_of(self.topic, "stale" if whole else "incomplete")
        return None if self.rows.refused else pause_of(self.topic, "incomplete")


class Erasing:
    """Runs beside the writes of one open sink."""

    def __init__(
        self,
        broker: Broker,
        outputs: Collection[str],
        sink: Sink,
        carrying_out: CarryingOut,
        clock: WallClock,
        *,
        alive_max: int,
        age_ms_max: int,
        wall: WallClock = wall_ms,
    ) -> None:
        """``clock`` says which commands have ended, ``wall`` how old a heartbeat is."""
        self._sink = sink
        self._carrying_out = carrying_out
        self._age_ms_max = age_ms_max
        self._wall = wall
        self._anew: Callable[[str], _Reading] = lambda output: _Reading(
            broker, output, alive_max, clock
        )
        self._readings = {output: self._anew(output) for output in sorted(set(outputs))}
        self._refused: list[EraseCommand] = []

    async def run(self) -> None:
        """Read, refuse and carry out; until cancelled."""
        async with asyncio.TaskGroup() as group:
            for output in self._readings:
                group.create_task(self._read(output))
            group.create_task(self._refuse())
            group.create_task(self._carry_out())

    def pause_reason(self) -> str | None:
        """Why nothing may be written now; None if all commands are known, and refused for."""
        now_ms = self._wall()
        reasons = [
            one.pause_reason(now_ms, self._age_ms_max) for one in self._readings.values()
        ]
        return next((reason for reason in reasons if reason is not None), None)

    async def _read(self, output: str) -> None:
        """Keep a view of an output's topic; a new one, from its beginning, where one ends."""
        while True:
            reading = self._readings[output]
            try:
                await reading.view.run()
            except ViewOutdatedError as outdated:
                logger.warning("%s is read from its beginning: %s", reading.topic, outdated)
            except TopicError as missing:
                if missing.code != "UnknownTopicOrPartitionError":
                    raise
            except (BrokerError, TimeoutError):
                pass  # it is away; the view was never ready, so nothing is written meanwhile
            await asyncio.sleep(LOOK_EVERY_S)
            # What was refused so far stays so until the new one is whole: nothing is written.
            self._readings[output] = self._anew(output)

    async def _refuse(self) -> None:
        """Have the sink refuse what is named, whenever that changes or has become whole."""
        while True:
            readings = list(self._readings.values())
            whole = [one for one in readings if one.view.ready.is_set() and one.view.complete]
            living = [command for one in readings for command in one.rows.living]
            if living != self._refused or not all(one.rows.refused for one in whole):
                await asyncio.to_thread(self._sink.refuse, living)
                self._refused = living
                for one in whole:
                    one.rows.refused = True
            for one in readings:
                if one.rows.crowded and one.rows.has_room:
                    await one.view.stop()
            await asyncio.sleep(LOOK_EVERY_S)

    async def _carry_out(self) -> None:
        """Carry out what is refused for and vouched for, one command after the other."""
        while True:
            for one in list(self._readings.values()):
                for command in one.rows.vouched:
                    if self._may_carry_out(one, command):
                        await self._carrying_out.carry_out(command)
            self._tell()
            await asyncio.sleep(LOOK_EVERY_S)

    def _may_carry_out(self, reading: _Reading, command: EraseCommand) -> bool:
        return (
            reading.view.ready.is_set()
            and reading.view.complete
            and command in self._refused
            and self._carrying_out.is_due(command)
        )

    def _tell(self) -> None:
        by_output: Mapping[str, list[EraseCommand]] = {
            output: one.rows.living for output, one in self._readings.items()
        }
        for output, living in by_output.items():
            waiting = sum(not self._carrying_out.is_done(command) for command in living)
            metrics.ERASURES_WAITING.labels(output).set(waiting)
