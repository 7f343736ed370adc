"""People as the core holds them, where it is built; else as Python does.

The core keeps rows and reads usual ones by itself, many at once; what is answered of the rows of a
device or subject, ``processors.people`` says for both. Restrictions are few: the core knows none,
they lie beside its rows, and no record under a key of one is for the core to read.
"""

from collections import deque
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Final, assert_never, get_args

from processors.changes import CHANGES_KEPT_MAX, Change
from processors.core import CoreState, core_people, core_state
from processors.packed_people import PackedPeople
from processors.people import NO_LINK, People, by_beginning, link_among, registered_since_ms
from processors.restrictions import Restrictions
from telemetry.identity import DeviceId, LinkSecret, SubjectId
from telemetry.wire.control import (
    ConsentInterval,
    ConsentKind,
    ControlRow,
    DeviceRegistration,
    Heartbeat,
    LinkInterval,
    Restriction,
    Role,
)
from telemetry.wire.topic_contents import DIGEST_BYTES, Taken, UsualRows

if TYPE_CHECKING:
    from processors.core import HeldPeople

_ROLES: Final[tuple[Role, ...]] = get_args(Role)
_BASES: Final[tuple[ConsentKind, ...]] = get_args(ConsentKind)
_ROLE_NUMBERS: Final = {role: number for number, role in enumerate(_ROLES)}
_BASE_NUMBERS: Final = {basis: number for number, basis in enumerate(_BASES)}


def people_here() -> People:
    """Nobody yet, held by the core if it is there."""
    return CorePeople() if core_state() is CoreState.CARRIES else PackedPeople()


class CorePeople:
    """Obeys ``People``, where ``core_state`` says CARRIES. Not thread-safe."""

    def __init__(self, changes_kept_max: int = CHANGES_KEPT_MAX) -> None:
        self._held = core_people(_ROLES, _BASES, changes_kept_max)
        self.changes = CoreChanges(self._held, changes_kept_max)
        self._restrictions = Restrictions(self.changes.note)

    def apply(self, key: bytes, row: ControlRow | None) -> None:
        """As ``People``; MemoryError if more rows are there than can be numbered (2^29)."""
        if isinstance(row, Heartbeat):
            return
        if isinstance(row, Restriction):
            self._held.remove(key)
            self._restrictions.put(key, row)
            return
        self._restrictions.remove(key)
        match row:
            case None:
                self._held.remove(key)
            case DeviceRegistration():
                service = None if row.service is None else _bytes(row.service)
                self._held.put_registration(key, _bytes(row.device), row.registered_ms, service)
            case LinkInterval():
                names = _bytes(row.link), _bytes(row.device), _bytes(row.subject)
                role = _ROLE_NUMBERS[row.role]
                self._held.put_link(key, *names, bytes(row.secret), row.from_ms, row.to_ms, role)
            case ConsentInterval():
                self._held.put_consent(
                    key,
                    _bytes(row.consent),
                    _bytes(row.subject),
                    _bytes(row.purpose),
                    _BASE_NUMBERS[row.basis],
                    None if row.recipient is None else _bytes(row.recipient),
                    _bytes(row.notice),
                    row.from_ms,
                    row.to_ms,
                )
            case _:
                assert_never(row)

    def withhold(self, key: bytes) -> bool:
        """As ``People``."""
        if key in self._restrictions:
            self._restrictions.withhold(key)
            return True
        return self._held.withhold(key)

    def registered_ms(self, device: str) -> int | None:
        """As ``People``."""
        held = self._held.registrations(_bytes(device))
        return registered_since_ms([registered_ms for registered_ms, _ in held])

    def services(self, device: str) -> Collection[str | None]:
        """As ``People``."""
        held = self._held.registrations(_bytes(device))
        return {None if service is None else _text(service) for _, service in held}

    def link_at(self, device: str, event_ms: int) -> tuple[LinkInterval | None, int, int]:
        """As ``People``."""
        name = _bytes(device)
        if self._held.is_withheld(name):
            return NO_LINK
        links = [
            LinkInterval(
                _text(link),
                DeviceId(_text(of)),
                SubjectId(_text(subject)),
                LinkSecret(secret),
                from_ms,
                to_ms,
                _ROLES[role],
            )
            for link, of, subject, secret, from_ms, to_ms, role in self._held.links(name)
        ]
        return link_among(links, event_ms)

    def consents_of(self, subject: str) -> list[ConsentInterval]:
        """As ``People``."""
        held = self._held.consents(_bytes(subject))
        consents = [
            ConsentInterval(
                _text(consent),
                SubjectId(_text(of)),
                _text(purpose),
                _BASES[basis],
                None if recipient is None else _text(recipient),
                _text(notice),
                from_ms,
                to_ms,
            )
            for consent, of, purpose, basis, recipient, notice, from_ms, to_ms in held
        ]
        return sorted(consents, key=by_beginning)

    def restrictions_of(self, subject: str) -> list[Restriction]:
        """As ``People``."""
        return self._restrictions.of(subject)

    def row_hash(self, key: bytes) -> int | None:
        """As ``People``."""
        if key in self._restrictions:
            return self._restrictions.row_hash(key)
        hashed = self._held.row_hash(key)
        return None if hashed is None else int.from_bytes(hashed, "big")

    def keep_hash(self, key: bytes, hashed: int) -> None:
        """As ``People``."""
        if key in self._restrictions:
            self._restrictions.keep_hash(key, hashed)
        elif not self._held.keep_hash(key, hashed.to_bytes(DIGEST_BYTES, "big")):
            msg = "no row is there"
            raise KeyError(msg)

    def usual_rows(self, mark: bytes, kinds: Collection[type[ControlRow]]) -> UsualRows:
        """As ``People``."""
        return CoreUsualRows(self._held, self._restrictions, mark, kinds)


class CoreChanges:
    """Obeys ``ChangesRead``: the core's changes, and those that were noted here between them."""

    def __init__(self, held: "HeldPeople", kept_max: int) -> None:
        self._held = held
        self._kept_max = kept_max
        self._noted = 0
        self._kept: deque[tuple[int, Change]] = deque(maxlen=kept_max)
        """Of those noted here, the latest, each with the position that it led to."""

    def note(self, change: Change) -> None:
        """Tell readers of one more."""
        self._noted += 1
        self._kept.append((self.position, change))

    @property
    def position(self) -> int:
        """As ``ChangesRead``."""
        return self._held.position + self._noted

    def since(self, position: int) -> Sequence[Change] | None:
        """As ``ChangesRead``."""
        if self.position - position > self._kept_max:
            return None
        mine = [one for one in self._kept if one[0] > position]
        changes = self._held.changes_since(position - (self._noted - len(mine)))
        if changes is None:
            return None
        found = [
            Change("device" if of_device else "subject", _text(name)) for of_device, name in changes
        ]
        for at, change in mine:
            found.insert(at - position - 1, change)
        return found


class CoreUsualRows:
    """Obeys ``UsualRows``: rows written exactly as ``encode_row`` writes them, in plain ASCII."""

    def __init__(
        self,
        held: "HeldPeople",
        restrictions: Restrictions,
        mark: bytes,
        kinds: Collection[type[ControlRow]],
    ) -> None:
        self._held = held
        self._restrictions = restrictions
        (self._mark,) = mark
        self._kinds = (
            DeviceRegistration in kinds,
            LinkInterval in kinds,
            ConsentInterval in kinds,
        )

    def take_usual(
        self,
        keys: list[bytes | None],
        values: list[bytes | None],
        start: int,
        partition: int,
        partitions: int,
    ) -> Taken:
        """As ``UsualRows``."""
        if self._restrictions:
            # The core does not know that a row is there.
            values = values[: self._first_restricted(keys, start)]
        until, rows, digest = self._held.take_usual(
            keys, values, start, self._mark, self._kinds, partition, partitions
        )
        return Taken(until, rows, int.from_bytes(digest, "big"))

    def _first_restricted(self, keys: Sequence[bytes | None], start: int) -> int:
        mark = bytes((self._mark,))
        for place in range(start, len(keys)):
            key = keys[place]
            if key is not None and mark + key in self._restrictions:
                return place
        return len(keys)


def _bytes(name: str) -> bytes:
    return name.encode("utf-8", "surrogatepass")


def _text(name: bytes) -> str:
    return name.decode("utf-8", "surrogatepass")
