"""Erasing of the outputs in force, from one version of the policy to the next.

What is carried out stays known, however often the store is opened anew. A store that has another
name than before is another one, made anew under a living sink: nothing is carried out there yet.
"""

import asyncio
from collections.abc import Collection, Sequence
from contextlib import suppress
from functools import partial

from bus.ports import Broker
from bus.publisher import Publisher
from roadfade import metrics
from roadfade.clock import WallClock
from roadfade.processes.sink.carrying_out import CarryingOut
from roadfade.processes.sink.erasing import Erasing
from roadfade.processes.sink.greeting import Greeting
from roadfade.processes.sink.holding import Holding
from roadfade.settings import Settings
from roadfade.stores import reserve_of, store_of
from roadfade.unaccounted import ExpiredAccount
from sinks.holds.folder import HoldFolder
from sinks.port.sink import Sink
from telemetry.arrived import Arrived
from telemetry.instants import SECOND_MS
from telemetry.topics import erase_topic


class Erasures:
    """Has one ``Erasing`` run in a group of tasks; ``end`` it before the group ends."""

    def __init__(
        self,
        settings: Settings,
        broker: Broker,
        publisher: Publisher,
        account: ExpiredAccount,
        clock: WallClock,
        group: asyncio.TaskGroup,
    ) -> None:
        self._settings = settings
        self._broker = broker
        self._publisher = publisher
        self._account = account
        self._clock = clock
        self._group = group
        self._store = store_of(settings)
        self._name: str | None = None
        self._carrying_out: CarryingOut
        self._holding: Holding
        self._know_nothing()
        self._outputs: set[str] = set()
        self._erasing: Erasing | None = None
        self._task: asyncio.Task[None] | None = None

    async def attach(self, sink: Sink, outputs: Collection[str]) -> None:
        """Have a sink, just opened for these outputs, refuse what is named."""
        name = await asyncio.to_thread(self._store.name)
        if self._erasing is None or self._outputs != set(outputs) or self._name != name:
            await self.end()
            if self._name not in (None, name):
                self._know_nothing()
            self._name = name
            self._forget(self._outputs - set(outputs))
            self._outputs = set(outputs)
            self._erasing = await self._made(sink)
            self._task = self._group.create_task(self._erasing.run())
        await self._erasing.attach(sink)

    def pause_reason(self) -> str | None:
        """Why nothing may be written now; only while a sink is attached."""
        return None if self._erasing is None else self._erasing.pause_reason()

    def saw(self, records: Sequence[Arrived]) -> None:
        """Records were written; the attached sink's holds are to be copied of them."""
        self._holding.saw(records)

    async def end(self) -> None:
        """End what runs; what a thread has begun on the store goes on to its end."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
            self._task = None

    def _know_nothing(self) -> None:
        """Begin with a store of which it is not known what was carried out there."""
        self._carrying_out = CarryingOut(
            self._store,
            self._publisher,
            self._account,
            self._clock,
            reserve=reserve_of(self._settings),
        )
        self._holding = Holding(
            self._store,
            HoldFolder(self._settings.hold_dir, self._settings.hold_rows_max),
            self._publisher,
            self._clock,
            make_room=partial(self._carrying_out.make_room, self._settings.hold_dir),
        )

    def _forget(self, outputs: Collection[str]) -> None:
        """Say no more how old the views are of what is not written any more."""
        for output in outputs:
            with suppress(KeyError):
                metrics.VIEW_AGE.remove(erase_topic(output))

    async def _made(self, sink: Sink) -> Erasing:
        there = await asyncio.to_thread(self._store.outputs)
        greeting = Greeting(self._store, self._outputs, there, self._publisher, self._clock)
        return Erasing(
            self._broker,
            self._outputs,
            set(there) - self._outputs,
            sink,
            self._carrying_out,
            self._holding,
            greeting,
            self._clock,
            alive_max=self._settings.erase_commands_max,
            age_ms_max=self._settings.view_age_s_max * SECOND_MS,
        )
