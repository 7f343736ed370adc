"""What is known of each device: who is linked, what is permitted, kept as long as it holds.

An answer is void if, and only if, rows of its device or of the subject linked to it changed. Every
question is noted until ``settle``: so ``basis`` tells whether what was decided since then would be
decided the same now.
"""

from collections.abc import Collection, Sequence
from typing import Final, Protocol

from processors.changes import Change
from processors.latest import Latest
from processors.people import People
from processors.permit import Permission, permit
from processors.program import Decision
from processors.pseudonyms import LinkPseudonyms
from processors.routes import Route
from telemetry.wire.control import LinkInterval

ANSWERS_KEPT_MAX: Final = 200_000
"""Devices per processor; the one asked about here longest ago goes first."""


class DeviceAnswer:
    """What is known of one device: permit and pseudonyms, each valid for an interval."""

    __slots__ = ("in_time", "permit", "pseudonyms", "registered_ms")

    def __init__(self, registered_ms: int, answer: Permission) -> None:
        self.registered_ms = registered_ms
        self.permit = answer
        self.pseudonyms: LinkPseudonyms | None = None
        self.in_time: Decision | None = None
        """The decision under these pseudonyms if no route is late."""


class Holder(Protocol):
    """Who holds copies of answers, and uses them without asking here again."""

    def forget_device(self, device: str) -> bool:
        """Hold the device's answer no longer; whether it was used since ``settle``."""

    def forget_devices(self) -> bool:
        """Hold no answer any longer; whether one was used since ``settle``."""

    def settle(self) -> None:
        """As ``DeviceAnswers.settle``."""


class DeviceAnswers:
    """The answers about ``people`` under one plan's routes. Not thread-safe."""

    def __init__(
        self, people: People, routes: Sequence[Route], kept_max: int = ANSWERS_KEPT_MAX
    ) -> None:
        self._people = people
        self._routes = routes
        self._read = people.changes.position
        self._kept: Latest[str, DeviceAnswer] = Latest(kept_max)
        self._devices_of: dict[str, set[str]] = {}
        """By subject: the devices about which an answer is kept that rests on the subject's."""
        self._asked_devices: set[str] = set()
        self._asked_subjects: set[str] = set()
        self._voided = 0
        self._holder: Holder | None = None

    def held_by(self, holder: Holder) -> None:
        """Tell ``holder`` of each answer that is kept no longer: it may hold those that are."""
        self._holder = holder

    def catch_up(self) -> None:
        """Let go of whatever changed meanwhile."""
        if self._read != self._people.changes.position:
            self._catch_up()

    def usual(self, device: str, first_ms: int, last_ms: int, now_ms: int) -> DeviceAnswer | None:
        """The answer that holds for all events of this span; None if there is not one for all."""
        answer = self.exact(device, first_ms, last_ms, now_ms)
        return answer if answer is not None and self._kept.get(device) is answer else None

    def exact(self, device: str, first_ms: int, last_ms: int, now_ms: int) -> DeviceAnswer | None:
        """The answer for these events, kept if it would be given again for any of them.

        None if the device is not registered.
        """
        registered_ms = self.registered_ms(device)
        if registered_ms is None:
            return None
        kept = self._kept.used(device)
        if kept is not None and kept.permit.covers(first_ms, last_ms, now_ms):
            self._note(device, kept)
            return kept
        permission = permit(self._people, self._routes, device, first_ms, last_ms, now_ms)
        answer = DeviceAnswer(registered_ms, permission)
        self._note(device, answer)
        if permission.covers(first_ms, last_ms, now_ms):
            self._keep(device, answer)
        return answer

    def registered_ms(self, device: str) -> int | None:
        """Since when the device is known, or None."""
        self.catch_up()
        self._asked_devices.add(device)
        return self._people.registered_ms(device)

    def services(self, device: str) -> Collection[str | None]:
        """As ``People.services``."""
        self._asked_devices.add(device)
        return self._people.services(device)

    def link_at(self, device: str, event_ms: int) -> tuple[LinkInterval | None, int, int]:
        """As ``People.link_at``."""
        self._asked_devices.add(device)
        return self._people.link_at(device, event_ms)

    def forget(self) -> None:
        """Let go of every answer: what they rest on beside the people changed."""
        self._kept.clear()
        self._devices_of.clear()
        used = self._holder is not None and self._holder.forget_devices()
        self._voided += used or bool(self._asked_devices)

    def basis(self) -> int:
        """Equal as long as all that was answered since ``settle`` would be answered the same."""
        self.catch_up()
        return self._voided

    def settle(self) -> None:
        """What was decided until now is done, or will be decided again: changes do not touch it."""
        self._asked_devices.clear()
        self._asked_subjects.clear()
        if self._holder is not None:
            self._holder.settle()

    def _keep(self, device: str, answer: DeviceAnswer) -> None:
        before = self._kept.get(device)
        if self._drop(device) and before is not None:
            self._note(device, before)
        gone = self._kept.keep(device, answer)
        if gone is not None:
            self._unlist(*gone)
            if self._let_go(gone[0]):
                self._note(*gone)
        if answer.permit.link is not None:
            self._devices_of.setdefault(answer.permit.link.subject, set()).add(device)

    def _note(self, device: str, answer: DeviceAnswer) -> None:
        """An answer was used, here or by a holder: that counts as asking."""
        self._asked_devices.add(device)
        if answer.permit.link is not None:
            self._asked_subjects.add(answer.permit.link.subject)

    def _drop(self, device: str) -> bool:
        """Keep the device's answer no longer; whether a holder used it since ``settle``."""
        answer = self._kept.pop(device, None)
        if answer is None:
            return False
        self._unlist(device, answer)
        return self._let_go(device)

    def _let_go(self, device: str) -> bool:
        return self._holder is not None and self._holder.forget_device(device)

    def _unlist(self, device: str, answer: DeviceAnswer) -> None:
        link = answer.permit.link
        if link is None:
            return
        devices = self._devices_of[link.subject]
        devices.remove(device)
        if not devices:
            del self._devices_of[link.subject]

    def _catch_up(self) -> None:
        changes = self._people.changes.since(self._read)
        self._read = self._people.changes.position
        if changes is None:
            self.forget()
            return
        for change in changes:
            self._void(change)

    def _void(self, change: Change) -> None:
        if change.of == "device":
            used = self._drop(change.name)
            self._voided += used or change.name in self._asked_devices
            return
        those = [self._drop(device) for device in list(self._devices_of.get(change.name, ()))]
        self._voided += any(those) or change.name in self._asked_subjects
