"""Commands of erasure for an open store: read, refused for, carried out.

In: the outputs that the store keeps. Out: whether it may write now, and erasures beside the writes.
Nothing is written while it is not known what of it has to go. A command's rows are removed once the
store refuses what it names, so that nothing lands behind the search, and once what a legal hold
names of them is copied.
"""

import asyncio
import logging
from collections.abc import Callable, Collection, Iterable, Sequence

from bus.failures import BrokerError, TopicError, ViewOutdatedError
from bus.ports import Broker
from roadfade import metrics
from roadfade.clock import WallClock
from roadfade.processes.sink.carrying_out import CarryingOut
from roadfade.processes.sink.command_view import CommandView
from roadfade.processes.sink.greeting import Greeting
from roadfade.processes.sink.holding import Holding
from sinks.port.sink import Sink
from telemetry.wire.erasure import EraseCommand
from telemetry.wire.hold import HoldCommand

LOOK_EVERY_S = 0.5
logger = logging.getLogger(__name__)


class Erasing:
    """Runs beside the writes of one open sink."""

    def __init__(
        self,
        broker: Broker,
        outputs: Collection[str],
        ended: Collection[str],
        sink: Sink,
        carrying_out: CarryingOut,
        holding: Holding,
        greeting: Greeting,
        clock: WallClock,
        *,
        alive_max: int,
        age_ms_max: int,
    ) -> None:
        """``ended`` are outputs of which nothing is written any more, and rows may still lie there.

        ``clock`` says which commands have ended.
        """
        self._sink = sink
        self._carrying_out = carrying_out
        self._holding = holding
        self._greeting = greeting
        self._age_ms_max = age_ms_max
        self._anew: Callable[[str], CommandView] = lambda output: CommandView(
            broker, output, alive_max, clock
        )
        self._written = set(outputs)
        self._views = {output: self._anew(output) for output in sorted({*outputs, *ended})}
        self._known: dict[str, dict[str, EraseCommand]] = {output: {} for output in self._views}
        """By output and id: what was not withdrawn, as far as it was ever known."""
        self._refused: dict[str, EraseCommand] = {}
        self._holds: dict[str, Sequence[HoldCommand]] = dict.fromkeys(self._views, ())
        """By output, as the view had it when it was last whole."""
        self._turn = asyncio.Lock()

    async def attach(self, sink: Sink) -> None:
        """Go on with a sink that was opened anew; it refuses what the one before did."""
        async with self._turn:
            await asyncio.to_thread(sink.refuse, list(self._refused.values()))
            self._sink = sink

    async def run(self) -> None:
        """Read, refuse and carry out; until cancelled."""
        async with asyncio.TaskGroup() as group:
            for output in self._views:
                group.create_task(self._read(output))
            group.create_task(self._greeting.run())
            group.create_task(self._refuse())
            group.create_task(self._carry_out())

    def pause_reason(self) -> str | None:
        """Why nothing may be written now.

        None if all commands are known, and refused for, and the store has said that it is there.
        """
        reasons = [
            view.pause_reason(self._age_ms_max)
            for output, view in self._views.items()
            if output in self._written
        ]
        reasons.append(self._greeting.pause_reason())
        return next((reason for reason in reasons if reason is not None), None)

    async def _read(self, output: str) -> None:
        """Keep a view of an output's topic; a new one, from its beginning, when one ends."""
        while True:
            view = self._views[output]
            try:
                await view.run()
            except ViewOutdatedError as outdated:
                logger.warning("%s is read from its beginning: %s", view.topic, outdated)
            except TopicError as failure:
                missing = failure.code == "UnknownTopicOrPartitionError"
                if output in self._written and not missing:
                    raise
            except (BrokerError, TimeoutError):
                pass  # it is away: nothing is written before a view is whole
            await asyncio.sleep(LOOK_EVERY_S)
            self._views[output] = self._anew(output)

    async def _refuse(self) -> None:
        """Have the sink refuse what is named, whenever that changes or has become whole."""
        while True:
            views = list(self._views.items())
            whole = [view for _, view in views if view.is_whole]
            for output, view in views:
                self._known[output] = self._named(output, view)
            named = {id_: one for known in self._known.values() for id_, one in known.items()}
            if named != self._refused or not all(view.refused for view in whole):
                async with self._turn:
                    await asyncio.to_thread(self._sink.refuse, list(named.values()))
                    self._refused = named
                for view in whole:
                    view.refused = True
            for _, view in views:
                if view.rows.outdated:
                    await view.stop()  # and it is read anew, with those that had no room
            await asyncio.sleep(LOOK_EVERY_S)

    def _named(self, output: str, view: CommandView) -> dict[str, EraseCommand]:
        """What the sink is told; while a view is not whole, what lacks there is not withdrawn.

        What has ended is told, too: nothing is refused for it, and its rows may still lie there.
        """
        known = {} if view.is_whole else self._known[output]
        return known | {one.command: one for one in view.rows.held}

    async def _carry_out(self) -> None:
        """Carry out what is refused for and vouched for, one command after the other.

        Erasures first, then one hold: so no erasure waits for more than one hold's turn.
        """
        while True:
            for output, view in list(self._views.items()):
                if view.is_whole:
                    self._holds[output] = view.vouched_holds
            self._holding.keep_to(one for holds in self._holds.values() for one in holds)
            for view in list(self._views.values()):
                for command in view.vouched:
                    refused = self._refused.get(command.command) == command
                    if refused and self._carrying_out.is_due(command):
                        await self._erase(command, view)
                        self._tell()
            if (hold := self._next_hold()) is not None:
                await self._holding.carry_out(hold)
            await self._carrying_out.keep_room()
            self._tell()
            await asyncio.sleep(LOOK_EVERY_S if self._next_hold() is None else 0)

    def _next_hold(self) -> HoldCommand | None:
        views = self._views.values()
        return self._holding.next_due(hold for view in views for hold in view.vouched_holds)

    async def _erase(self, command: EraseCommand, view: CommandView) -> None:
        """Carry it out, once what a hold names of its rows is copied."""
        if not view.is_whole:
            return  # since the command was looked up: no hold is known any more
        # Every hold that was on the topic before it is among these.
        holds, unvouched = view.vouched_holds, view.unvouched_holds
        removes = not self._carrying_out.is_done(command)
        if not removes or await self._holding.copied_before(command, holds, unvouched):
            await self._carrying_out.carry_out(command)

    def _tell(self) -> None:
        for output, holds in self._holds.items():
            left = sum(not self._holding.is_done(one) for one in holds)
            metrics.HOLDS_WAITING.labels(output).set(left)
        for output, known in self._known.items():
            waiting = self._waiting(known.values())
            metrics.ERASURES_WAITING.labels(output).set(waiting)
        known_ids = {id_ for known in self._known.values() for id_ in known}
        self._carrying_out.forget_all_but(known_ids)
        self._holding.forget_all_but(known_ids)

    def _waiting(self, commands: Iterable[EraseCommand]) -> int:
        return sum(not self._carrying_out.is_done(command) for command in commands)
