"""The people behind a case's devices, and what becomes of them while it runs.

In: a plan, devices, a seed. Devices that nobody registered, that go from one owner to another in
the middle of a drive, whose people agree to much or little, who change their minds, object, and are
erased for a while.
"""

import hashlib
import random
from collections.abc import Sequence
from typing import Final

from policy.plan.consents import grantable
from policy.plan.plan import Plan
from processors.packed_people import PackedPeople
from processors.pseudonyms import KeyName
from telemetry.identity import DeviceId, EpochKey, LinkSecret, SubjectId
from telemetry.instants import DAY_MS, MINUTE_MS
from telemetry.wire.control import (
    ConsentInterval,
    DeviceRegistration,
    LinkInterval,
    Restriction,
    RestrictionReason,
    Role,
)

SINCE_MS: Final = 60 * DAY_MS
ROLES: Final[Sequence[Role]] = ("driver", "driver", "driver", "passenger")


class Populace:
    """``people`` are those of now; ``change`` lets something happen."""

    def __init__(self, plan: Plan, devices: Sequence[str], now_ms: int, seed: int) -> None:
        self.people = PackedPeople()
        self._chance = random.Random(f"people of {seed}")
        self._devices = devices
        self._asked = sorted(grantable(plan), key=str)
        self._now_ms = now_ms
        self._links: dict[bytes, LinkInterval] = {}
        self._consents: dict[bytes, ConsentInterval] = {}
        self._restrictions: set[bytes] = set()
        for number, device in enumerate(devices):
            if number % 8 < 7:
                self._register(device)
            if number % 8 == 1:
                self._change_hands(device)
            elif number % 8 != 2:
                self._link(device, now_ms - SINCE_MS, None)
            if number % 8 == 3:
                self._restrict()

    def change(self, now_ms: int) -> None:
        """None to three things happen until ``now_ms``, at which others are judged."""
        chance = self._chance
        self._now_ms = now_ms
        for _ in range(chance.choice((0, 0, 1, 1, 2, 3))):
            match chance.randrange(10):
                case 0 | 1 | 2:
                    self._change_a_mind()
                case 3:
                    self._change_hands(chance.choice(self._devices))
                case 4:
                    self._register(chance.choice(self._devices))
                case 7 | 8:
                    self._restrict()
                case 9 if self._restrictions:
                    self._restrictions.remove(key := chance.choice(sorted(self._restrictions)))
                    self.people.apply(key, None)
                case 5 if self._links:
                    key = chance.choice(list(self._links))
                    self.people.apply(key, None)
                    del self._links[key]
                case _:
                    known = [*self._links, *sorted(self._restrictions), b"nobody's"]
                    self.people.withhold(chance.choice(known))

    def _register(self, device: str) -> None:
        chance = self._chance
        since_ms = self._now_ms - chance.choice((SINCE_MS, SINCE_MS, SINCE_MS, 30 * MINUTE_MS))
        self.people.apply(f"d-{device}".encode(), DeviceRegistration(DeviceId(device), since_ms))

    def _change_hands(self, device: str) -> None:
        at_ms = self._now_ms - self._chance.choice((0, 1, 4, 11, 16, 60)) * MINUTE_MS
        self._link(device, at_ms - SINCE_MS, at_ms)
        self._link(device, at_ms, None)

    def _link(self, device: str, from_ms: int, to_ms: int | None) -> None:
        name = f"l-{device}-{from_ms}"
        secret = LinkSecret(hashlib.sha256(name.encode()).digest())
        subject = SubjectId(f"person-{self._chance.randrange(2 * len(self._devices))}")
        role = self._chance.choice(ROLES)
        row = LinkInterval(name, DeviceId(device), subject, secret, from_ms, to_ms, role)
        self._links[name.encode()] = row
        self.people.apply(name.encode(), row)
        for asked in self._asked:
            if self._chance.random() < 0.7:
                self._agree(subject, asked, None)

    def _restrict(self) -> None:
        """Somebody objects, or what they drove a while ago is erased, for all or for some."""
        chance = self._chance
        if not self._links:
            return
        subject = self._links[chance.choice(list(self._links))].subject
        name = f"x-{subject}-{chance.randrange(3)}"
        reason: RestrictionReason = chance.choice(("erased", "objected"))
        asked = chance.choice((None, None, *self._asked)) if self._asked else None
        purpose = None if asked is None else asked.purpose
        recipient = None if asked is None else asked.recipient
        from_ms = self._now_ms - chance.choice((0, 3, 10, 60)) * MINUTE_MS - chance.choice((0, 500))
        to_ms = chance.choice((None, self._now_ms, from_ms + chance.choice((0, 2, 15)) * MINUTE_MS))
        self._restrictions.add(name.encode())
        row = Restriction(name, subject, reason, purpose, recipient, from_ms, to_ms)
        self.people.apply(name.encode(), row)

    def _change_a_mind(self) -> None:
        chance = self._chance
        if not self._consents:
            return
        row = self._consents[chance.choice(list(self._consents))]
        asked = row.purpose, row.basis, row.recipient, row.notice
        to_ms = chance.choice((None, self._now_ms, self._now_ms - 1, self._now_ms + MINUTE_MS))
        self._agree(row.subject, asked, to_ms)

    def _agree(self, subject: SubjectId, asked: tuple[object, ...], to_ms: int | None) -> None:
        purpose, basis, recipient, notice = asked
        name = f"c-{subject}-{purpose}-{basis}-{recipient}"
        since_ms = self._now_ms - self._chance.choice((SINCE_MS, SINCE_MS, 20 * MINUTE_MS))
        row = ConsentInterval(name, subject, purpose, basis, recipient, notice, since_ms, to_ms)  # type: ignore[arg-type]  # as the plan asks
        self._consents[name.encode()] = row
        self.people.apply(name.encode(), row)


class LateKeys(dict[KeyName, EpochKey | None]):
    """Every key there may be, each missing until it is fetched; so many in seven are destroyed."""

    def __init__(self, destroyed: int = 1) -> None:
        super().__init__()
        self._destroyed = destroyed

    def fetch(self, names: frozenset[KeyName]) -> None:
        """Get these keys."""
        for name in names:
            digest = hashlib.sha256("|".join(name).encode()).digest()
            self[name] = None if digest[0] % 7 < self._destroyed else EpochKey(digest)
