"""The epoch keys a worker has in memory, fetched from the keyring when first needed."""

import asyncio
from collections.abc import Collection, Mapping
from typing import Literal, Protocol

from processors.pseudonyms import KeyName
from telemetry.identity import EpochKey

KEYS_KEPT_MAX = 100_000

Answers = Mapping[KeyName, Literal["live", "destroyed"] | None]
"""What a keyring said, asked just now. None: such a key was never made."""


class KeySource(Protocol):
    """What is asked of the office's keyring; blocks."""

    def ensure(self, wanted: Collection[KeyName]) -> Mapping[KeyName, EpochKey]:
        """The keys of these names, created if missing; destroyed ones are absent."""
        ...

    def states(self) -> Mapping[KeyName, Literal["live", "destroyed"]]:
        """Every key that was ever made."""
        ...

    def mark(self) -> str:
        """Equal as long as no key was destroyed. Another first word: another keyring."""
        ...


class KeyCache(dict[KeyName, EpochKey | None]):
    """The mapping the processor looks into; ``fetch`` fills it. Its repr shows no key.

    None means a destroyed key: what belongs to its epoch is withheld as erased. A key that was
    never made is not in it: it may be made at any time.
    """

    def __init__(self, keyring: KeySource) -> None:
        super().__init__()
        self._keyring = keyring
        self._mark: str | None = None
        # A key that is on its way here while it is destroyed must not arrive after the look.
        self._turn = asyncio.Lock()

    def __repr__(self) -> str:
        return f"KeyCache({len(self)} keys)"

    async def fetch(self, names: Collection[KeyName]) -> Answers:
        """Get keys from the keyring in a thread; make those that never were."""
        async with self._turn:
            found = await self._found(names)
            if len(self) + len(found) > KEYS_KEPT_MAX:
                self.clear()
            self.update(found)
        return {name: _state(found, name) for name in names}

    async def _found(self, names: Collection[KeyName]) -> Mapping[KeyName, EpochKey | None]:
        """The keys, None for those that are destroyed; absent: it was never made."""
        found = await asyncio.to_thread(self._keyring.ensure, names)
        return {name: found.get(name) for name in names}

    async def let_go(self) -> bool:
        """Let go of keys that were destroyed meanwhile; whether one was here.

        One small read if none was, in a thread. A keyring that cannot be asked may have lost any:
        every key is let go of, and the error raised.
        """
        async with self._turn:
            try:
                return await self._looked()
            except BaseException:
                self._mark = None
                self.clear()
                raise

    async def _looked(self) -> bool:
        mark = await asyncio.to_thread(self._keyring.mark)
        if mark == self._mark:
            return False
        if self._mark is not None and mark.split(" ")[0] != self._mark.split(" ")[0]:
            self.clear()
        states = await asyncio.to_thread(self._keyring.states)
        gone = [n for n, key in self.items() if key is not None and states.get(n) != "live"]
        for name in gone:
            del self[name]
        self.update(dict.fromkeys(name for name in gone if states.get(name) == "destroyed"))
        changed = self._mark is not None
        self._mark = mark
        # What was computed of a key that had to make room is let go of, too.
        return changed or bool(gone)


def _state(
    found: Mapping[KeyName, EpochKey | None], name: KeyName
) -> Literal["live", "destroyed"] | None:
    if name not in found:
        return None
    return "destroyed" if found[name] is None else "live"
