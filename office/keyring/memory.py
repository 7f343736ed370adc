"""The keyring without files: the whole port, in memory. Tests and measurements use it."""

import secrets
from collections.abc import Callable, Collection

from office.keyring.keyring import EPOCH_KEY_BYTES, KeyState
from office.keyring.wrapping import KeyName
from telemetry.identity import EpochKey


def random_key(_name: KeyName) -> EpochKey:
    """A random key, which cannot be made again."""
    return EpochKey(secrets.token_bytes(EPOCH_KEY_BYTES))


class MemoryKeyring:
    """As ``Keyring``, for one process. ``make`` fixed by name gives repeatable pseudonyms."""

    def __init__(self, make: Callable[[KeyName], EpochKey] = random_key) -> None:
        self._make = make
        self._keys: dict[KeyName, EpochKey | None] = {}
        self._destructions = 0

    def get(self, purpose: str, recipient: str, epoch: str) -> EpochKey | None:
        """The key; None if it was never made, or is destroyed."""
        return self._keys.get((purpose, recipient, epoch))

    def epochs(self, purpose: str, recipient: str) -> dict[str, EpochKey | None]:
        """Every key of these that was ever made, by its epoch; None: it is destroyed."""
        asked = purpose, recipient
        return {epoch: key for (*of, epoch), key in self._keys.items() if tuple(of) == asked}

    def ensure(self, wanted: Collection[KeyName]) -> dict[KeyName, EpochKey]:
        """The keys of these names, created if missing; destroyed ones are absent."""
        for name in wanted:
            if name not in self._keys:
                self._keys[name] = self._make(name)
        return {name: key for name in wanted if (key := self._keys[name]) is not None}

    def state(self, name: KeyName) -> KeyState | None:
        """``destroyed``, ``live``, or None if it was never made."""
        if name not in self._keys:
            return None
        return "destroyed" if self._keys[name] is None else "live"

    def states(self) -> dict[KeyName, KeyState]:
        """Every key that was ever made."""
        return {n: "destroyed" if key is None else "live" for n, key in self._keys.items()}

    def mark(self) -> str:
        """Equal as long as no key was destroyed."""
        return f"memory {self._destructions}"

    def destroy(self, names: Collection[KeyName]) -> None:
        """Forget keys, and that they must not be made again."""
        self._destructions += 1
        self._keys |= dict.fromkeys(names)

    def close(self) -> None:
        """Nothing to give back."""
