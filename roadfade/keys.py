"""The epoch keys a worker has in memory, fetched from the keyring when first needed."""

import asyncio
from collections.abc import Collection, Mapping
from typing import Protocol

from processors.seat import KeyName
from telemetry.identity import EpochKey

KEYS_KEPT_MAX = 100_000


class Keyring(Protocol):
    """What is asked of the office's keyring; blocks."""

    def ensure(self, wanted: Collection[KeyName]) -> Mapping[KeyName, EpochKey]:
        """The keys of these names, made where missing; destroyed ones are absent."""
        ...


class KeyDestroyedError(Exception):
    """Readings of an epoch whose key is destroyed: they cannot be pseudonymised again."""


class KeyCache(dict[KeyName, EpochKey]):
    """The mapping the processor looks into; ``fetch`` fills it. Its repr shows no key."""

    def __init__(self, keyring: Keyring) -> None:
        super().__init__()
        self._keyring = keyring

    def __repr__(self) -> str:
        return f"KeyCache({len(self)} keys)"

    async def fetch(self, names: Collection[KeyName]) -> None:
        """Get keys from the keyring in a thread; KeyDestroyedError where one is no more."""
        if len(self) + len(names) > KEYS_KEPT_MAX:
            self.clear()
        found = await asyncio.to_thread(self._keyring.ensure, names)
        self.update(found)
        gone = [name for name in names if name not in found]
        if gone:
            purpose, recipient, epoch = gone[0]
            msg = f"the key of {purpose} for {recipient} in epoch {epoch} is destroyed"
            raise KeyDestroyedError(msg)
