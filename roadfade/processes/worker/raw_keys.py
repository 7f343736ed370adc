"""The private keys of sealed raw data that a worker has in memory: those that were made.

In: the keyring of raw data, the clock. Out: a ``KeyCache`` that makes nothing and remembers nothing
of a key that was never made: the office may make it at any time, and then it is there. Front doors
seal only for keys that are durable in the keyring, so that what it says, asked now, is true.
"""

import asyncio
from collections.abc import Collection, Mapping
from typing import Final, Literal, Protocol

from office.keyring.period_keys import period_of
from processors.pseudonyms import KeyName
from roadfade.clock import WallClock, wall_ms
from roadfade.processes.worker.key_cache import KeyCache
from telemetry.identity import EpochKey
from telemetry.instants import HOUR_MS

LOOK_AGAIN_MS: Final = 1_000
"""For so long a look tells of periods that are far from now: forged names cost little."""
CLOCKS_DIFFER_MS: Final = HOUR_MS
"""So much the office's clock may differ from a worker's."""


class MadeKeys(Protocol):
    """What is asked of the keyring of raw data; blocks."""

    def get(self, purpose: str, recipient: str, epoch: str) -> EpochKey | None:
        """The key; None if it was never made, or is destroyed."""

    def states(self) -> Mapping[KeyName, Literal["live", "destroyed"]]:
        """Every key that was ever made."""

    def mark(self) -> str:
        """Equal as long as no key was destroyed."""


class _NothingNew:
    """Obeys ``KeySource``."""

    def __init__(self, keyring: MadeKeys) -> None:
        self._keyring = keyring
        self.states = keyring.states
        self.mark = keyring.mark

    def ensure(self, wanted: Collection[KeyName]) -> Mapping[KeyName, EpochKey]:
        """Those that are there."""
        found = ((name, self._keyring.get(*name)) for name in wanted)
        return {name: key for name, key in found if key is not None}


class RawKeys(KeyCache):
    """Private keys by name, None for a destroyed one; one that was never made is not in it."""

    def __init__(self, keyring: MadeKeys, clock: WallClock) -> None:
        self._made_keys = _NothingNew(keyring)
        super().__init__(self._made_keys)
        self._clock = clock
        self._looked_ms: int | None = None
        self._made = frozenset[KeyName]()
        """Every key that was ever made, when it looked last."""

    async def _found(self, names: Collection[KeyName]) -> Mapping[KeyName, EpochKey | None]:
        now_ms = self._clock()
        if self._looked_since(now_ms - LOOK_AGAIN_MS, now_ms):
            names = [one for one in names if one in self._made or _near(one, now_ms)]
        if not names:
            return {}
        found, states = await asyncio.to_thread(self._look, names)
        self._looked_ms, self._made = now_ms, frozenset(states)
        return found

    def _looked_since(self, from_ms: int, now_ms: int) -> bool:
        return self._looked_ms is not None and from_ms < self._looked_ms <= now_ms

    def _look(
        self, names: Collection[KeyName]
    ) -> tuple[Mapping[KeyName, EpochKey | None], Collection[KeyName]]:
        states = self._made_keys.states()
        keys = self._made_keys.ensure([one for one in names if states.get(one) == "live"])
        # One that was live, and is not found, is destroyed meanwhile.
        return {**dict.fromkeys(one for one in names if one in states), **keys}, states


def _near(name: KeyName, now_ms: int) -> bool:
    """Whether its key may be made about now."""
    period = period_of(name)
    if period is None:
        return False
    ahead_ms = 2 * (period.to_ms - period.from_ms) + CLOCKS_DIFFER_MS
    return now_ms - CLOCKS_DIFFER_MS <= period.to_ms and period.from_ms <= now_ms + ahead_ms


def raw_keys(keyring: MadeKeys, clock: WallClock = wall_ms) -> KeyCache:
    """The keys that there are, in memory; blocks."""
    cache = RawKeys(keyring, clock)
    live = [name for name, state in keyring.states().items() if state == "live"]
    cache.update(_NothingNew(keyring).ensure([one for one in live if period_of(one) is not None]))
    return cache
