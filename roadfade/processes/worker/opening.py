"""A worker opens what front doors sealed, before anything else is done with it.

In: values of raw records, the periods' private keys. Out: envelopes in their place, or why there is
none. KeysNeeded if a period's key was not asked for yet: it is in memory, known to be destroyed, or
the keyring was asked for just these records and never made it, before a record is decided.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from office.keyring.keyring import KeyState
from office.keyring.period_keys import name_of, public_key
from processors.admission.unopened import Unopened
from processors.pseudonyms import KeyName, KeysNeeded
from roadfade.processes.worker.key_cache import Answers
from telemetry.identity import EpochKey
from telemetry.outcome import Rejected
from telemetry.sealing import Header, NotOpened, cipher_of, header_of, key_id, opened

Ids = Mapping[KeyName, bytes | None]
"""Of the keys that are there; None: it is destroyed."""
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
        ids = self._require([one for one in headers if isinstance(one, Header)], answers)
        return [self._open(*one, ids) for one in zip(values, headers, strict=True)]

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

    def _require(self, headers: Sequence[Header], answers: Answers) -> Ids:
        """Which keys are there; one of another id counts if the keyring said so just now."""
        wanted = {(name_of(one.period), one.key_id) for one in headers}
        names = {name for name, _ in wanted if name in self._keys}
        ids = {name: _id_of(self._keys[name]) for name in names}
        lacking = frozenset(one for one, id_ in wanted if _lacks(one, id_, ids, answers))
        if lacking:
            raise KeysNeeded(lacking)
        return ids

    def _open(
        self, value: bytes | None, header: Header | NotOpened | None, ids: Ids
    ) -> bytes | None:
        if value is None or header is None:
            return None
        if header is NotOpened.NOT_SEALED and self._allow_unsealed:
            return value
        content = header if isinstance(header, NotOpened) else self._content(value, header, ids)
        return _unopened(content) if isinstance(content, NotOpened) else content

    def _content(self, value: bytes, header: Header, ids: Ids) -> bytes | NotOpened:
        name = name_of(header.period)
        private = self._keys.get(name)
        if private is None:
            return NotOpened.NO_KEY if name in ids else NotOpened.FOREIGN_KEY
        if ids[name] != header.key_id:
            return NotOpened.FOREIGN_KEY
        # A content key that is held counts only while its period's key is.
        cipher = self._ciphers.pop(header.wrapped, None) or cipher_of(header, private)
        if isinstance(cipher, NotOpened):
            return cipher
        self._ciphers[header.wrapped] = cipher
        if len(self._ciphers) > self._content_keys_max:
            self._ciphers.pop(next(iter(self._ciphers)))
        return opened(value, header, cipher)


def _id_of(private: EpochKey | None) -> bytes | None:
    return None if private is None else key_id(public_key(private))


def _lacks(name: KeyName, id_: bytes, ids: Ids, answers: Answers) -> bool:
    if name not in ids:
        return answers.get(name, "live") is not None
    return ids[name] not in (None, id_) and answers.get(name) != "live"


def _unopened(why: NotOpened) -> Unopened:
    return Unopened.because(REASONS[why], keyless=why in KEYLESS)
