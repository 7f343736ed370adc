"""The epoch keys a worker has in memory, fetched from the keyring when first needed."""

import asyncio
from collections.abc import Collection, Mapping
from typing import Protocol

from processors.pseudonyms import KeyName
from telemetry.identity import EpochKey

KEYS_KEPT_MAX = 100_000


class KeySource(Protocol):
    """What is asked of the office's keyring; blocks."""

    def ensure(self, wanted: Collection[KeyName]) -> Mapping[KeyName, EpochKey]:
        """The keys of these names, created if missing; destroyed ones are absent."""
        ...


class KeyCache(dict[KeyName, EpochKey | None]):
    """The mapping the processor looks into; ``fetch`` fills it. Its repr shows no key.

    None means a destroyed key: what belongs to its epoch is withheld as erased.
    """

    def __init__(self, keyring: KeySource) -> None:
        super().__init__()
        self._keyring = keyring

    def __repr__(self) -> str:
        return f"KeyCache({len(self)} keys)"

    async def fetch(self, names: Collection[KeyName]) -> None:
        """Get keys from the keyring in a thread; make those that never were."""
        if len(self) + len(names) > KEYS_KEPT_MAX:
            self.clear()
        found = await asyncio.to_thread(self._keyring.ensure, names)
        self.update({name: found.get(name) for name in names})
