"""The processor run without Kafka: throwaway keys, people who agree to all or as given."""

import hashlib
from collections import Counter
from collections.abc import Collection

import msgspec

from policy.plan.consents import Grantable, grantable
from policy.plan.plan import Plan
from processors.packed_people import PackedPeople
from processors.people import People
from processors.processor import Processor
from processors.program import Program
from processors.pseudonyms import KeyName
from processors.state.bins import Room
from processors.tally import Tally
from telemetry.identity import DeviceId, EpochKey, LinkSecret, SubjectId
from telemetry.outcome import Rejected
from telemetry.wire.control import ConsentInterval, DeviceRegistration, LinkInterval, Role
from telemetry.wire.envelope import READINGS_MAX
from telemetry.wire.flow import OutputFlow


class ThrowawayKeys(dict[KeyName, EpochKey]):
    """Keys for pseudonyms that are never shown: a check releases nothing but counts."""

    def __contains__(self, name: object) -> bool:
        return True

    def __missing__(self, name: KeyName) -> EpochKey:
        return EpochKey(hashlib.sha256("|".join(name).encode()).digest())


class Rehearsal:
    """Runs the worker's processor on one payload at a time, each for itself."""

    def __init__(self, program: Program, people: People, now_ms: int) -> None:
        self._program = program
        self._processor = Processor(program, people, ThrowawayKeys(), lambda _topic, _key: 0)
        self._now_ms = now_ms

    def outcome(self, payload: bytes) -> tuple[dict[str, OutputFlow], Counter[Rejected]]:
        """Rows by output, and what would be rejected, were it received now."""
        tally = Tally(self._program)
        state = self._program.empty_state(Room(2 * READINGS_MAX))
        self._processor.process(payload, self._now_ms, self._now_ms, tally, state)
        return tally.settle()[0], Counter(tally.rejected)


def device_of(payload: bytes) -> str | None:
    """Whose envelope it is, if that can be determined."""
    try:
        loose = msgspec.json.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    device = loose.get("device") if isinstance(loose, dict) else None
    return device if isinstance(device, str) else None


def everybody(devices: Collection[str], agreed: Collection[Grantable], role: Role) -> People:
    """Each device registered and linked without end to one person, who agreed to these."""
    people = PackedPeople()
    subject = SubjectId("anybody")
    for number, device in enumerate(devices):
        known = DeviceId(device)
        people.apply(b"d%d" % number, DeviceRegistration(known, 0))
        link = LinkInterval(f"l{number}", known, subject, LinkSecret(bytes(32)), 0, None, role)
        people.apply(b"l%d" % number, link)
    for number, asked in enumerate(sorted(agreed, key=str)):
        name = f"c{number}"
        consent = ConsentInterval(name, subject, *asked, 0, None)
        people.apply(name.encode(), consent)
    return people


def everybody_agrees(plan: Plan, devices: Collection[str]) -> People:
    """Each device registered and linked without end to a driver who consents to all there is."""
    return everybody(devices, grantable(plan), "driver")
