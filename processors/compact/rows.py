"""Rows by their keys, packed: registrations, links and consents, each kind in one run of bytes.

A row has a number; the registrations and links of one device, or the consents of one subject, are a
chain. What has not the usual form (another key than the office's, another id than its key's,
another length of secret) is kept as an object beside its row.
"""

from collections.abc import Iterator
from struct import Struct
from typing import Final, get_args

from processors.compact.cells import KEY_AT, KIND, NOTHING, Cells, Kind
from processors.compact.names import Names
from processors.compact.row_keys import CODE_BYTES, ID_CHARS, code_of, id_of
from processors.compact.terms import Asked, Terms
from telemetry.identity import DeviceId, LinkSecret, SubjectId
from telemetry.wire.control import ConsentInterval, DeviceRegistration, LinkInterval, Role

KnownRow = DeviceRegistration | LinkInterval | ConsentInterval

REGISTRATION, LINK, CONSENT = range(3)
_ROLES: Final[tuple[Role, ...]] = get_args(Role)
_ROLE_NUMBERS: Final = {role: number for number, role in enumerate(_ROLES)}
_OPEN: Final = -(2**63)
"""Stands for an interval without an end."""
_SECRET_BYTES: Final = 32
_HASH_BYTES: Final = 16
_NO_CODE: Final = bytes(CODE_BYTES)

_AFTER_AT: Final = KEY_AT + CODE_BYTES
"""Every payload begins with the next row of the owner's chain, and the owner."""
_HASH_AT: Final = _AFTER_AT + 8
_REGISTRATION: Final = Struct(f"<II{_HASH_BYTES}xqH")
_LINK: Final = Struct(f"<II{_HASH_BYTES}xqqI{_SECRET_BYTES}sB")
_CONSENT: Final = Struct(f"<II{_HASH_BYTES}xqqH")
_KINDS: Final = [Kind(CODE_BYTES, one.size) for one in (_REGISTRATION, _LINK, _CONSENT)]
_CHAIN: Final = Struct("<II")


class Rows:
    """Rows by number; instants are milliseconds UTC in 64 bits, without the lowest number."""

    def __init__(self) -> None:
        self.devices = Names()
        self.subjects = Names()
        self._cells = Cells(_KINDS)
        self._terms = Terms()
        self._odd_keys: dict[bytes, int] = {}
        self._odd_ids: dict[int, str] = {}
        self._odd_secrets: dict[int, bytes] = {}
        self._asked: bytes | None = None
        """The key that was asked for last: it is mostly asked for again."""
        self._asked_code: bytes | None = None
        self._asked_number = NOTHING

    def find(self, key: bytes) -> int:
        """The number of the row under this key, or NOTHING."""
        if self._asked != key:
            self._asked, self._asked_code = key, code_of(key)
            if self._asked_code is None:
                self._asked_number = self._odd_keys.get(key, NOTHING)
            else:
                self._asked_number = self._cells.find(self._asked_code)
        return self._asked_number

    def add(self, key: bytes, row: KnownRow) -> None:
        """Keep a row under a key for which ``find`` has found none."""
        self.find(key)
        code = self._asked_code
        match row:
            case DeviceRegistration():
                number = self._new(REGISTRATION, key, code)
                owner, after = self.devices.hold(row.device, number)
                run, at = self._cells.at(number)
                terms = self._terms.number(_of_service(row.service), number)
                at += _AFTER_AT
                _REGISTRATION.pack_into(run, at, after, owner, row.registered_ms, terms)
            case LinkInterval():
                number = self._new(LINK, key, code)
                self._write_link(number, row)
                self._keep_id(number, key, code, row.link)
            case ConsentInterval():
                number = self._new(CONSENT, key, code)
                self._write_consent(number, row)
                self._keep_id(number, key, code, row.consent)
        self._asked_number = number

    def remove(self, key: bytes) -> None:
        """Forget the row that ``find`` has found under this key."""
        number = self.find(key)
        run, at = self._cells.at(number)
        kind = number & KIND
        names = self.subjects if kind == CONSENT else self.devices
        after, owner = _CHAIN.unpack_from(run, at + _AFTER_AT)
        self._unchain(names, owner, number, after)
        names.release(owner)
        if kind == LINK:
            self.subjects.release(_LINK.unpack_from(run, at + _AFTER_AT)[4])
        # Nothing of it stays in memory: its secret would still name somebody.
        if self._odd_keys.pop(key, NOTHING):
            self._cells.remove_apart(number)
        else:
            self._cells.remove(number)
        self._odd_ids.pop(number, None)
        self._odd_secrets.pop(number, None)
        self._terms.forget(number)
        self._asked_number = NOTHING

    def row(self, number: int) -> KnownRow:
        """The row as it was added."""
        run, at = self._cells.at(number)
        kind = number & KIND
        at += _AFTER_AT
        if kind == REGISTRATION:
            _, device, registered_ms, terms = _REGISTRATION.unpack_from(run, at)
            *_, service, _ = self._terms.of(number, terms)
            return DeviceRegistration(DeviceId(self.devices.text(device)), registered_ms, service)
        if kind == LINK:
            _, device, from_ms, to_ms, subject, secret, role = _LINK.unpack_from(run, at)
            return LinkInterval(
                self._id(number),
                DeviceId(self.devices.text(device)),
                SubjectId(self.subjects.text(subject)),
                LinkSecret(self._odd_secrets.get(number, secret)),
                from_ms,
                None if to_ms == _OPEN else to_ms,
                _ROLES[role],
            )
        _, subject, from_ms, to_ms, terms = _CONSENT.unpack_from(run, at)
        return ConsentInterval(
            self._id(number),
            SubjectId(self.subjects.text(subject)),
            *self._terms.of(number, terms),
            from_ms,
            None if to_ms == _OPEN else to_ms,
        )

    def of(self, names: Names, name: str) -> Iterator[int]:
        """The numbers of a device's, or of a subject's, rows; the latest added first."""
        owner = names.find(name)
        number = names.head(owner) if owner else NOTHING
        while number:
            yield number
            number = self._after(number)

    def hash_beside(self, number: int) -> int:
        """The number that was kept beside the row, 0 if none was."""
        run, at = self._cells.at(number)
        return int.from_bytes(run[at + _HASH_AT : at + _HASH_AT + _HASH_BYTES], "little")

    def keep_beside(self, number: int, hashed: int) -> None:
        """Keep a number of 128 bits beside a row."""
        run, at = self._cells.at(number)
        at += _HASH_AT
        run[at : at + _HASH_BYTES] = hashed.to_bytes(_HASH_BYTES, "little")

    def _new(self, kind: int, key: bytes, code: bytes | None) -> int:
        if code is not None:
            return self._cells.add(kind, code)
        number = self._odd_keys[key] = self._cells.add_apart(kind, _NO_CODE)
        return number

    def _write_link(self, number: int, row: LinkInterval) -> None:
        owner, after = self.devices.hold(row.device, number)
        subject, _ = self.subjects.hold(row.subject)
        secret = bytes(row.secret)
        if len(secret) != _SECRET_BYTES:
            self._odd_secrets[number], secret = secret, b""
        to_ms = _OPEN if row.to_ms is None else row.to_ms
        run, at = self._cells.at(number)
        _LINK.pack_into(
            run, at + _AFTER_AT, after, owner, row.from_ms, to_ms, subject, secret,
            _ROLE_NUMBERS[row.role],
        )  # fmt: skip

    def _write_consent(self, number: int, row: ConsentInterval) -> None:
        owner, after = self.subjects.hold(row.subject, number)
        terms = self._terms.number((row.purpose, row.basis, row.recipient, row.notice), number)
        to_ms = _OPEN if row.to_ms is None else row.to_ms
        run, at = self._cells.at(number)
        _CONSENT.pack_into(run, at + _AFTER_AT, after, owner, row.from_ms, to_ms, terms)

    def _keep_id(self, number: int, key: bytes, code: bytes | None, name: str) -> None:
        if code is None or key[-ID_CHARS:] != name.encode("utf-8", "surrogatepass"):
            self._odd_ids[number] = name

    def _id(self, number: int) -> str:
        name = self._odd_ids.get(number)
        if name is None:
            run, at = self._cells.at(number)
            name = id_of(bytes(run[at + KEY_AT : at + _AFTER_AT]))
        return name

    def _after(self, number: int) -> int:
        run, at = self._cells.at(number)
        after: int = _CHAIN.unpack_from(run, at + _AFTER_AT)[0]
        return after

    def _unchain(self, names: Names, owner: int, number: int, after: int) -> None:
        before, found = NOTHING, names.head(owner)
        while found != number:
            before, found = found, self._after(found)
        if before:
            run, at = self._cells.at(before)
            _, same_owner = _CHAIN.unpack_from(run, at + _AFTER_AT)
            _CHAIN.pack_into(run, at + _AFTER_AT, after, same_owner)
        else:
            names.set_head(owner, after)


def _of_service(service: str | None) -> Asked:
    """A registration's service as a term, which takes two bytes a row; none is one too."""
    return "", "opt_in", service, ""
