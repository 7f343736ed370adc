"""Signed collection lists by device, as a gateway hands them out: it made none, and checks none.

In: rows of ``control.collection``, and whether the view that brings them is fresh. Out: a device's
newest list, or nothing. A device checks who signed it. Nothing is handed out while it is not known
whether a newer list is there: the device then goes by the one it has, until that ends.
"""

from collections.abc import Callable
from typing import Protocol

from telemetry.identity import MASK, DeviceId
from telemetry.wire.collection_list import take_signed


class Lists(Protocol):
    """Who has the lists of devices. Does not block."""

    def of(self, device: DeviceId) -> bytes | None:
        """The device's list, as it was signed; None if it has none, or that is not known now."""
        ...


class UnreadableListError(ValueError):
    """A row holds no list that this program knows."""


class CollectionLists:
    """Obeys ``Lists``; as many lists as there are registered devices. Its repr names nobody."""

    def __init__(self, fresh: Callable[[], bool]) -> None:
        """``fresh``: whether every row that was published until lately is here."""
        self._fresh = fresh
        self._signed: dict[str, tuple[int, bytes, bytes]] = {}
        """By device: number, key of its row, list."""
        self._devices: dict[bytes, str] = {}

    def apply(self, key: bytes, value: bytes | None) -> None:
        """Take one row, None: it is gone; UnreadableListError, and the row's list is gone.

        A row in whose place another device's comes is that one's alone from then on.
        """
        self._forget(key)
        if value is None:
            return
        one = take_signed(value)
        if one is None:
            msg = "no collection list"
            raise UnreadableListError(msg)
        before = self._signed.get(one.device)
        # Rows of two offices, one of them rebuilt: the newer list counts, whichever came first.
        if before is not None:
            if before[0] > one.serial:
                return
            self._forget(before[1])
        self._signed[one.device] = (one.serial, key, value)
        self._devices[key] = one.device

    def of(self, device: DeviceId) -> bytes | None:
        """As ``Lists``."""
        if not self._fresh():
            return None
        found = self._signed.get(device)
        return None if found is None else found[2]

    def __len__(self) -> int:
        """How many devices have a list here."""
        return len(self._signed)

    def __repr__(self) -> str:
        return f"CollectionLists({MASK})"

    def _forget(self, key: bytes) -> None:
        device = self._devices.pop(key, None)
        if device is not None:
            del self._signed[device]


class FakeLists:
    """Obeys ``Lists``, for doors that are tried by themselves: lists as they were put here."""

    def __init__(self) -> None:
        self.fresh = True
        self._signed: dict[str, bytes] = {}

    def put(self, device: DeviceId, signed: bytes | None) -> None:
        """From now on the device has this list, or none."""
        if signed is None:
            self._signed.pop(device, None)
        else:
            self._signed[device] = signed

    def of(self, device: DeviceId) -> bytes | None:
        """As ``Lists``."""
        return self._signed.get(device) if self.fresh else None
