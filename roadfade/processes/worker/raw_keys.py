"""The private keys of sealed raw data that a worker has in memory: those that were made.

In: the keyring of raw data. Out: what ``KeyCache`` asks of a keyring, but nothing is ever made: a
key that is not there is of no installation, or was destroyed.
"""

from collections.abc import Collection, Mapping
from typing import Literal, Protocol

from office.keyring.period_keys import period_of
from processors.pseudonyms import KeyName
from roadfade.processes.worker.key_cache import KeyCache
from telemetry.identity import EpochKey


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
        """Those that are there: one look tells which, so that forged names cost little."""
        states = self._keyring.states()
        live = [name for name in wanted if states.get(name) == "live"]
        found = ((name, self._keyring.get(*name)) for name in live)
        return {name: key for name, key in found if key is not None}


def raw_keys(keyring: MadeKeys) -> KeyCache:
    """The keys that there are, in memory; blocks."""
    source = _NothingNew(keyring)
    cache = KeyCache(source)
    live = [name for name, state in keyring.states().items() if state == "live"]
    cache.update(source.ensure([name for name in live if period_of(name) is not None]))
    return cache
