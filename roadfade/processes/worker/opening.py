"""A worker opens what front doors sealed, before anything else is done with it.

In: values of raw records, the periods' private keys. Out: envelopes in their place, or why there is
none. KeysNeeded if a period's key was not asked for yet: it is in memory, known to be destroyed, or
the keyring was asked for just these records and never made it, before a record is decided.
"""

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Final

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from office.keyring.keyring import KeyState
from office.keyring.period_keys import name_of
from processors.admission.unopened import Unopened
from processors.pseudonyms import KeyName, KeysNeeded
from roadfade.processes.worker.key_cache import Answers
from telemetry.identity import EpochKey
from telemetry.outcome import Rejected
from telemetry.sealing import Header, NotOpened, cipher_of, header_of, opened

NOT_ASKED: Final[Answers] = MappingProxyType({})
REASONS: Final[Mapping[NotOpened, Rejected]] = {
    NotOpened.NOT_SEALED: Rejected.UNSEALED,
    NotOpened.MALFORMED: Rejected.UNOPENABLE,
    NotOpened.NO_KEY: Rejected.KEY_DESTROYED,
    NotOpened.FOREIGN_KEY: Rejected.UNOPENABLE,
    NotOpened.DOES_NOT_OPEN: Rejected.UNOPENABLE,
    NotOpened.OVERSIZED: Rejected.OVERSIZED,
}

KEYLESS: Final = frozenset({NotOpened.NO_KEY, NotOpened.FOREIGN_KEY})


class Opener:
    """Opens records; keeps the content keys used last. Not thread-safe; on the worker's loop.

    ``keys``: private keys by name, None for one that is destroyed.
    """

    def __init__(
        self,
        keys: Mapping[KeyName, EpochKey | None],
        content_keys_max: int,
        *,
        allow_unsealed: bool,
    ) -> None:
        self._keys = keys
        self._content_keys_max = content_keys_max
        self._allow_unsealed = allow_unsealed
        self._ciphers: dict[bytes, AESGCM] = {}
        self.wanted = set[KeyName]()
        """Keys that somebody waits for who cannot ask for them."""
        self.answered: dict[KeyName, KeyState | None] = {}
        """What the keyring said of them; for whoever waits."""

    def open_all(
        self, values: Sequence[bytes | None], answers: Answers = NOT_ASKED
    ) -> list[bytes | None]:
        """What is in them, in their order. Whoever gets KeysNeeded asks for them, and repeats.

        ``answers``: what the keyring said since these records came.
        """
        headers = [None if value is None else header_of(value) for value in values]
        self._require((one for one in headers if isinstance(one, Header)), answers)
        return [self._open(*one) for one in zip(values, headers, strict=True)]

    def open_waiting(self, values: Sequence[bytes | None]) -> list[bytes | None]:
        """As ``open_all``, for records handled before: others ask for the keys; then repeat."""
        try:
            opened_ones = self.open_all(values, self.answered)
        except KeysNeeded as needed:
            self.wanted |= needed.names
            raise
        self.answered.clear()
        return opened_ones

    def forget_keys(self) -> None:
        """Let go of all that periods' keys opened: some of them are destroyed."""
        self._ciphers.clear()

    def _require(self, headers: Iterable[Header], answers: Answers) -> None:
        names = {name_of(one.period) for one in headers if one.wrapped not in self._ciphers}
        never = {name for name, answer in answers.items() if answer is None}
        lacking = frozenset(one for one in names if one not in self._keys and one not in never)
        if lacking:
            raise KeysNeeded(lacking)

    def _open(self, value: bytes | None, header: Header | NotOpened | None) -> bytes | None:
        if value is None or header is None:
            return None
        if header is NotOpened.NOT_SEALED and self._allow_unsealed:
            return value
        content = header if isinstance(header, NotOpened) else self._content(value, header)
        return _unopened(content) if isinstance(content, NotOpened) else content

    def _content(self, value: bytes, header: Header) -> bytes | NotOpened:
        cipher = self._ciphers.pop(header.wrapped, None) or self._unwrapped(header)
        if isinstance(cipher, NotOpened):
            return cipher
        self._ciphers[header.wrapped] = cipher
        if len(self._ciphers) > self._content_keys_max:
            self._ciphers.pop(next(iter(self._ciphers)))
        return opened(value, header, cipher)

    def _unwrapped(self, header: Header) -> AESGCM | NotOpened:
        name = name_of(header.period)
        if name not in self._keys:
            return NotOpened.FOREIGN_KEY
        private = self._keys[name]
        return NotOpened.NO_KEY if private is None else cipher_of(header, private)


def _unopened(why: NotOpened) -> Unopened:
    return Unopened.because(REASONS[why], keyless=why in KEYLESS)
