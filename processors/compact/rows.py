"""Rows by their keys, packed: registrations, links and consents, each kind in one run of bytes.

A row has a number; rows of one device, or the consents of one subject, are a chain. What has not
the usual form (another key than the office's, another id than its key's, another length of secret)
is kept as an object beside its row.
"""

from collections.abc import Iterator
from struct import Struct
from typing import Final, get_args

from processors.compact.index import NOTHING, Index
from processors.compact.names import Names
from processors.compact.row_keys import CODE_BYTES, ID_CHARS, code_of, id_of
from processors.compact.terms import Terms
from telemetry.identity import DeviceId, LinkSecret, SubjectId
from telemetry.wire.control import ConsentInterval, DeviceRegistration, LinkInterval, Role

KnownRow = DeviceRegistration | LinkInterval | ConsentInterval

REGISTRATION, LINK, CONSENT = range(3)
_KIND_BITS: Final = 2
_KIND: Final = (1 << _KIND_BITS) - 1
_ROLES: Final[tuple[Role, ...]] = get_args(Role)
_ROLE_NUMBERS: Final = {role: number for number, role in enumerate(_ROLES)}
_OPEN: Final = -(2**63)
"""Stands for an interval without an end."""
_SECRET_BYTES: Final = 32
_NO_CODE: Final = bytes(CODE_BYTES)
_AT_ONCE: Final = 256
"""Rows for which room is made at once."""

_U32: Final = Struct("<I")
_get, _put = _U32.unpack_from, _U32.pack_into
_HASH_BYTES: Final = 16
_CHAIN, _AFTER, _OWNER, _HASH, _SAID = (
    CODE_BYTES, CODE_BYTES + 4, CODE_BYTES + 8, CODE_BYTES + 12, CODE_BYTES + 12 + _HASH_BYTES,
)  # fmt: skip
"""Where in a row: the next of its bucket, the next of its owner, the owner, the hash, the rest."""
_REGISTRATION: Final = Struct("<q")
_LINK: Final = Struct(f"<I{_SECRET_BYTES}sqqB")
_CONSENT: Final = Struct("<Hqq")
_SIZES: Final = tuple(_SAID + one.size for one in (_REGISTRATION, _LINK, _CONSENT))


class Rows:
    """Rows by number, from 1 on; instants are milliseconds UTC in 64 bits."""

    def __init__(self) -> None:
        self.devices = Names()
        self.subjects = Names()
        self._terms = Terms()
        self._bytes = [bytearray() for _ in _SIZES]
        self._free = [NOTHING for _ in _SIZES]
        self._used = [0 for _ in _SIZES]
        self._index = Index(self._hash_of, self._next_of, self._set_next)
        self._odd_keys: dict[bytes, int] = {}
        self._odd_ids: dict[int, str] = {}
        self._odd_secrets: dict[int, bytes] = {}
        self._found: tuple[bytes | None, int] = None, NOTHING
        """The key that was asked for last, and its row: it is mostly asked for again."""

    def find(self, key: bytes) -> int:
        """The number of the row under this key, or NOTHING."""
        if self._found[0] == key:
            return self._found[1]
        code = code_of(key)
        number = self._odd_keys.get(key, NOTHING) if code is None else self._find(code)
        self._found = key, number
        return number

    def add(self, key: bytes, row: KnownRow) -> None:
        """Keep a row under a key that has none."""
        code = code_of(key)
        match row:
            case DeviceRegistration():
                number = self._new(REGISTRATION, code)
                at = self._owned(number, self.devices, row.device)
                _REGISTRATION.pack_into(self._bytes[REGISTRATION], at, row.registered_ms)
            case LinkInterval():
                number = self._new(LINK, code)
                at = self._owned(number, self.devices, row.device)
                self._write_link(number, at, row)
                self._keep_id(number, key, code, row.link)
            case ConsentInterval():
                number = self._new(CONSENT, code)
                at = self._owned(number, self.subjects, row.subject)
                self._write_consent(number, at, row)
                self._keep_id(number, key, code, row.consent)
        if code is None:
            self._odd_keys[key] = number
        else:
            self._index.add(hash(code), number)
        self._found = key, number

    def remove(self, key: bytes, number: int) -> None:
        """Forget the row that ``find`` gave for this key."""
        rows, at = self._at(number)
        kind = number & _KIND
        if self._odd_keys.pop(key, NOTHING) == NOTHING:
            self._index.remove(self._hash_of(number), number)
        self._odd_ids.pop(number, None)
        self._odd_secrets.pop(number, None)
        self._terms.forget(number)
        names = self.subjects if kind == CONSENT else self.devices
        owner = _get(rows, at + _OWNER)[0]
        self._unchain(names, owner, number)
        names.release(owner)
        if kind == LINK:
            self.subjects.release(_get(rows, at + _SAID)[0])
        size = _SIZES[kind]
        # Nothing of it stays in memory: its secret would still name somebody.
        rows[at : at + size] = bytes(size)
        self._set_next(number, self._free[kind])
        self._free[kind] = number
        self._found = None, NOTHING

    def row(self, number: int) -> KnownRow:
        """The row as it was added."""
        rows, at = self._at(number)
        owner = _get(rows, at + _OWNER)[0]
        kind = number & _KIND
        if kind == REGISTRATION:
            (registered_ms,) = _REGISTRATION.unpack_from(rows, at + _SAID)
            return DeviceRegistration(DeviceId(self.devices.text(owner)), registered_ms)
        if kind == LINK:
            subject, secret, from_ms, to_ms, role = _LINK.unpack_from(rows, at + _SAID)
            return LinkInterval(
                self._id(number),
                DeviceId(self.devices.text(owner)),
                SubjectId(self.subjects.text(subject)),
                LinkSecret(self._odd_secrets.get(number, secret)),
                from_ms,
                None if to_ms == _OPEN else to_ms,
                _ROLES[role],
            )
        terms, from_ms, to_ms = _CONSENT.unpack_from(rows, at + _SAID)
        return ConsentInterval(
            self._id(number),
            SubjectId(self.subjects.text(owner)),
            *self._terms.of(number, terms),
            from_ms,
            None if to_ms == _OPEN else to_ms,
        )

    def of(self, names: Names, name: str) -> Iterator[int]:
        """The numbers of a device's, or of a subject's, rows; the latest added first."""
        owner = names.find(name)
        number = NOTHING if owner == NOTHING else names.head(owner)
        while number != NOTHING:
            yield number
            rows, at = self._at(number)
            number = _get(rows, at + _AFTER)[0]

    def hash_beside(self, number: int) -> int:
        """The number that was kept beside the row, 0 if none was."""
        rows, at = self._at(number)
        return int.from_bytes(rows[at + _HASH : at + _HASH + _HASH_BYTES], "little")

    def keep_beside(self, number: int, hashed: int) -> None:
        """Keep a number of 128 bits beside a row."""
        rows, at = self._at(number)
        rows[at + _HASH : at + _HASH + _HASH_BYTES] = hashed.to_bytes(_HASH_BYTES, "little")

    def _find(self, code: bytes) -> int:
        number = self._index.first(hash(code))
        while number != NOTHING:
            rows, at = self._at(number)
            if rows.startswith(code, at):
                return number
            number = _get(rows, at + _CHAIN)[0]
        return NOTHING

    def _new(self, kind: int, code: bytes | None) -> int:
        size, rows = _SIZES[kind], self._bytes[kind]
        number = self._free[kind]
        if number != NOTHING:
            self._free[kind] = self._next_of(number)
        else:
            self._used[kind] += 1
            number = self._used[kind] << _KIND_BITS | kind
        at = (number >> _KIND_BITS) * size
        if at + size > len(rows):
            rows.extend(bytes(_AT_ONCE * size))
        rows[at : at + CODE_BYTES] = code or _NO_CODE
        return number

    def _owned(self, number: int, names: Names, name: str) -> int:
        """Chain a new row to its owner; where what it says is written."""
        owner = names.hold(name)
        rows, at = self._at(number)
        _put(rows, at + _OWNER, owner)
        _put(rows, at + _AFTER, names.head(owner))
        names.set_head(owner, number)
        return at + _SAID

    def _write_link(self, number: int, at: int, row: LinkInterval) -> None:
        usual = len(row.secret) == _SECRET_BYTES
        if not usual:
            self._odd_secrets[number] = bytes(row.secret)
        _LINK.pack_into(
            self._bytes[LINK], at, self.subjects.hold(row.subject),
            bytes(row.secret) if usual else b"", row.from_ms,
            _OPEN if row.to_ms is None else row.to_ms, _ROLE_NUMBERS[row.role],
        )  # fmt: skip

    def _write_consent(self, number: int, at: int, row: ConsentInterval) -> None:
        terms = self._terms.number((row.purpose, row.basis, row.recipient, row.notice), number)
        to_ms = _OPEN if row.to_ms is None else row.to_ms
        _CONSENT.pack_into(self._bytes[CONSENT], at, terms, row.from_ms, to_ms)

    def _keep_id(self, number: int, key: bytes, code: bytes | None, name: str) -> None:
        if code is None or key[-ID_CHARS:] != name.encode("utf-8", "surrogatepass"):
            self._odd_ids[number] = name

    def _id(self, number: int) -> str:
        name = self._odd_ids.get(number)
        if name is None:
            rows, at = self._at(number)
            name = id_of(bytes(rows[at : at + CODE_BYTES]))
        return name

    def _unchain(self, names: Names, owner: int, number: int) -> None:
        rows, at = self._at(number)
        after = _get(rows, at + _AFTER)[0]
        before, found = NOTHING, names.head(owner)
        while found != number:
            before = found
            rows, at = self._at(found)
            found = _get(rows, at + _AFTER)[0]
        if before == NOTHING:
            names.set_head(owner, after)
        else:
            rows, at = self._at(before)
            _put(rows, at + _AFTER, after)

    def _at(self, number: int) -> tuple[bytearray, int]:
        kind = number & _KIND
        return self._bytes[kind], (number >> _KIND_BITS) * _SIZES[kind]

    def _hash_of(self, number: int) -> int:
        rows, at = self._at(number)
        return hash(bytes(rows[at : at + CODE_BYTES]))

    def _next_of(self, number: int) -> int:
        rows, at = self._at(number)
        after: int = _get(rows, at + _CHAIN)[0]
        return after

    def _set_next(self, number: int, after: int) -> None:
        rows, at = self._at(number)
        _put(rows, at + _CHAIN, after)
