"""A device's list, made of what is open to it: the document that is signed, and its digest. Pure.

In: people, versions of the policy, a device, two instants. Out: a list without its number, and a
digest of what it says. Many devices have the same signals, so those are worked out once.
"""

from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Final, NamedTuple

import msgspec

from processors.latest import Latest
from processors.people import People
from roadfade.collection.needed import Open, Period, open_to
from roadfade.collection.needs import needs_of
from telemetry.identity import DeviceId
from telemetry.instants import format_instant
from telemetry.signals import Catalogue, Kind
from telemetry.wire.collection_list import LIST_VERSION, CollectionList, ListedSignal

SORTS_KEPT_MAX: Final = 1_000
"""Of so many different sets of open routes the signals are remembered."""


class Drawn(NamedTuple):
    """A list that nobody has signed yet."""

    signals: tuple[ListedSignal, ...]
    location: bool
    policy_version: str
    link: str | None
    next_ms: int
    """From then on it may say something else."""

    def says(self, signer: str) -> bytes:
        """Equal for lists of the same content, version and signer."""
        content = (self.signals, self.policy_version, signer)
        return sha256(msgspec.json.encode(content)).digest()

    def list_of(
        self, device: DeviceId, serial: int, issued_ms: int, until_ms: int
    ) -> CollectionList:
        """The document."""
        return CollectionList(
            v=LIST_VERSION,
            device=str(device),
            policy_version=self.policy_version,
            issued_at=format_instant(issued_ms),
            valid_until=format_instant(until_ms),
            serial=serial,
            signals=list(self.signals),
            location=self.location,
        )


class Drawer:
    """Draws lists by the same versions; one that takes over needs another one."""

    def __init__(self, periods: Sequence[Period]) -> None:
        """The first of ``periods`` is the version in force."""
        self.periods = tuple(periods)
        self._sorts: Latest[frozenset[tuple[int, int]], tuple[ListedSignal, ...]] = Latest(
            SORTS_KEPT_MAX
        )

    def draw(self, people: People, device: str, from_ms: int, until_ms: int) -> Drawn:
        """What the device is to collect from one instant until the other."""
        opened = open_to(people, self.periods, device, from_ms, until_ms)
        signals = self._signals(opened)
        catalogue = self.periods[0].plan.catalogue
        version = self.periods[0].plan.policy_version
        return Drawn(
            signals, _tells_position(signals, catalogue), version, opened.link, opened.next_ms
        )

    def _signals(self, opened: Open) -> tuple[ListedSignal, ...]:
        found = self._sorts.used(opened.routes)
        if found is None:
            routes = [self.periods[at].routes[index] for at, index in sorted(opened.routes)]
            found = needs_of(routes, self.periods[0].plan.catalogue)
            self._sorts.keep(opened.routes, found)
        return found


def _tells_position(signals: Sequence[ListedSignal], catalogue: Catalogue) -> bool:
    kinds: Mapping[str, Kind] = {one.path: catalogue[one.path].kind for one in signals}
    return Kind.POSITION in kinds.values()
