"""Sealing without an office: periods' keys in memory, and a sealer that is offered them."""

from collections.abc import Callable

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ingest.sealing import Sealer
from office.keyring.memory import MemoryKeyring
from office.keyring.period_keys import name_of, public_key
from telemetry.periods import Period, period_at
from telemetry.sealing import Header, cipher_of, header_of, opened
from telemetry.wire.sealing_key import SealingKey

LENGTH_S = 21_600


class PeriodKeys:
    """Makes a key for every period that is asked for, unless it was destroyed."""

    def __init__(self, length_s: int = LENGTH_S) -> None:
        self.keyring = MemoryKeyring()
        self.length_s = length_s

    def key_at(self, at_ms: int) -> SealingKey | None:
        """The key that is offered for an instant."""
        period = period_at(at_ms, self.length_s)
        key = self.keyring.ensure([name_of(period)]).get(name_of(period))
        return None if key is None else SealingKey(period, public_key(key))

    def private(self, period: Period) -> bytes:
        """What only workers have."""
        found = self.keyring.get(*name_of(period))
        assert found is not None
        return found

    def destroy(self, at_ms: int) -> None:
        """As the office does."""
        self.keyring.destroy([name_of(period_at(at_ms, self.length_s))])

    def sealer(self, clock: Callable[[], int]) -> Sealer:
        """What a front door seals with."""
        return Sealer(self.key_at, clock, wait_s=0)

    def opened(self, value: bytes) -> bytes:
        """What a worker finds in a record."""
        header = header_of(value)
        assert isinstance(header, Header)
        cipher = cipher_of(header, self.private(header.period))
        assert isinstance(cipher, AESGCM)
        envelope = opened(value, header, cipher)
        assert isinstance(envelope, bytes)
        return envelope
