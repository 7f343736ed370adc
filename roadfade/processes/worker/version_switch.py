"""Which version of the policy carries the next batch: made ready early, taken between batches.

In: what is published, and how a version is made ready. Out: the chosen one, which changes only
while no batch is in hand. If the version in force is not ready nothing is decided: the
older one never goes on past its end.
"""

import asyncio
from collections.abc import Awaitable, Callable
from enum import StrEnum
from typing import Final, Generic, TypeVar

from bus.pacing import until
from policy.versions.in_force import InForce
from roadfade.clock import WallClock
from roadfade.in_force.published import PublishedVersions
from telemetry.wire.publication import Publication

LOOK_EVERY_S: Final = 0.25
AGAIN_AFTER_S: Final = 1.0
"""How soon a version that could not be made ready is tried again."""

Ready = TypeVar("Ready")


class Pause(StrEnum):
    """Why the policy lets nothing be decided."""

    NONE_IN_FORCE = "no policy in force"
    NOT_READY = "policy not ready"
    CHANGED = "policy changed"


class VersionSwitch(Generic[Ready]):
    """The versions of one process. Not thread-safe; lives on one event loop."""

    def __init__(
        self,
        published: PublishedVersions,
        make_ready: Callable[[Publication], Awaitable[Ready | None]],
        clock: WallClock,
        announce_version: Callable[[Ready], None],
    ) -> None:
        self._published = published
        self._make_ready = make_ready
        self._clock = clock
        self._announce_version = announce_version
        self._answer = InForce(None, None)
        self._asked_generation: int | None = None
        self._ready: dict[int, Ready] = {}
        self._chosen: tuple[int, Ready] | None = None
        self._stopping = asyncio.Event()

    @property
    def chosen(self) -> Ready:
        """What carries the batch in hand; LookupError before the first batch began."""
        if self._chosen is None:
            msg = "no version was chosen yet"
            raise LookupError(msg)
        return self._chosen[1]

    @property
    def held(self) -> list[Ready]:
        """All that is ready, the chosen one included."""
        chosen = [] if self._chosen is None else [self._chosen[1]]
        others = (one for one in self._ready.values() if not any(one is it for it in chosen))
        return [*chosen, *others]

    def pause_reason(self) -> str | None:
        """Why the chosen version may not carry a batch now, None if it may. Chooses nothing."""
        found = self._found()
        if isinstance(found, str):
            return found
        chosen = None if self._chosen is None else self._chosen[0]
        return None if chosen == found[0].version else Pause.CHANGED

    def begin(self) -> str | None:
        """Choose for the batch that is read next; or why none may be. Call it between batches."""
        found = self._found()
        if isinstance(found, str):
            return found
        current, ready = found
        if self._chosen is None or self._chosen[0] != current.version:
            self._chosen = current.version, ready
            self._announce_version(ready)
        return None

    def _found(self) -> tuple[Publication, Ready] | str:
        """The version in force, ready; or why nothing may be decided."""
        current = self._in_force().current
        if current is None:
            return Pause.NONE_IN_FORCE
        ready = self._ready.get(current.version)
        return Pause.NOT_READY if ready is None else (current, ready)

    async def run(self) -> None:
        """Make ready what is in force and what comes next, until ``stop``."""
        while not self._stopping.is_set():
            done = await self._prepare()
            await until(self._stopping, LOOK_EVERY_S if done else AGAIN_AFTER_S)

    async def stop(self) -> None:
        """End ``run``."""
        self._stopping.set()

    async def _prepare(self) -> bool:
        answer = self._in_force()
        wanted = [one for one in (answer.current, answer.following) if one is not None]
        self._ready = {
            one.version: self._ready[one.version] for one in wanted if one.version in self._ready
        }
        for one in wanted:
            if one.version not in self._ready:
                made = await self._make_ready(one)
                if made is None:
                    return False
                self._ready[one.version] = made
        return True

    def _in_force(self) -> InForce:
        now_ms, generation = self._clock(), self._published.generation
        if self._asked_generation != generation or not self._answer.holds_at(now_ms):
            self._asked_generation = generation
            self._answer = self._published.in_force(now_ms)
        return self._answer
