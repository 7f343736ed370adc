"""What seals envelopes on their way to the raw topic: for whoever works, and not for who sends.

In: the public keys that are offered, a clock, chance. Out: a seal for now. A content key is used by
one process, for one period, within one hour, and for so many records at most; its nonces count. If
no key is offered for now it waits, and then refuses: nothing ever leaves in the clear.
"""

import asyncio
import hmac
import secrets
from collections.abc import Callable
from typing import Final

from telemetry.instants import HOUR_MS
from telemetry.sealing import (
    CONTENT_KEY_BYTES,
    NONCE_BYTES,
    RECORDS_PER_KEY_MAX,
    ContentKey,
    content_key,
    sealed,
)
from telemetry.wire.sealing_key import SealingKey

RECORD_KEY_BYTES: Final = 16
WAIT_S: Final = 10.0
LOOK_EVERY_S: Final = 0.1
KeyAt = Callable[[int], SealingKey | None]
"""The key that is offered for an instant (ms UTC); None: there is none."""
Chance = Callable[[int], bytes]


class NoSealingKeyError(Exception):
    """No key is offered for now, so that nothing may leave."""


class Seal:
    """Seals for one period's key, within one hour."""

    def __init__(self, key: SealingKey, hour: int, chance: Chance, record_key: bytes) -> None:
        self.key = key
        self.hour = hour
        self.records = 0
        self._content_key: ContentKey = content_key(
            key.period, key.public_key, chance(CONTENT_KEY_BYTES)
        )
        self._record_key = record_key

    def seal(self, envelope: bytes) -> bytes:
        """The sealed bytes; ValueError if they would not fit the topic."""
        nonce = self.records.to_bytes(NONCE_BYTES, "big")
        # Counted first: a nonce that may have been used is never used again.
        self.records += 1
        return sealed(envelope, self._content_key, nonce)

    def record_key(self, device: str) -> bytes:
        """Under which a device's records lie: another with each period, and it names nobody."""
        return hmac.digest(self._record_key, device.encode(), "sha256")[:RECORD_KEY_BYTES]


class Sealer:
    """The seals of one process. Not thread-safe."""

    def __init__(
        self,
        key_at: KeyAt,
        clock: Callable[[], int],
        chance: Chance = secrets.token_bytes,
        records_max: int = RECORDS_PER_KEY_MAX,
        wait_s: float = WAIT_S,
    ) -> None:
        self._key_at = key_at
        self._clock = clock
        self._chance = chance
        self._records_max = records_max
        self._wait_s = wait_s
        self._seal: Seal | None = None
        self._record_keys: tuple[SealingKey, bytes] | None = None

    async def now(self) -> Seal:
        """The seal of now; NoSealingKeyError if no key is offered within a while."""
        deadline = asyncio.get_running_loop().time() + self._wait_s
        while True:
            seal = self._now()
            if seal is not None:
                return seal
            if asyncio.get_running_loop().time() >= deadline:
                raise NoSealingKeyError
            await asyncio.sleep(LOOK_EVERY_S)

    def _now(self) -> Seal | None:
        now_ms = self._clock()
        key = self._key_at(now_ms)
        if key is None:
            return None
        seal, hour = self._seal, now_ms // HOUR_MS
        same = seal is not None and (seal.key, seal.hour) == (key, hour)
        if seal is None or not same or seal.records >= self._records_max:
            seal = self._seal = Seal(key, hour, self._chance, self._record_key_of(key))
        return seal

    def _record_key_of(self, key: SealingKey) -> bytes:
        if self._record_keys is None or self._record_keys[0] != key:
            self._record_keys = key, self._chance(CONTENT_KEY_BYTES)
        return self._record_keys[1]
