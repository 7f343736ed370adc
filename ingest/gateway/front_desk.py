"""The front desk: takes what a device brings, whatever door it came through.

In: a peer and one opened message. Out: what became of its envelopes. What is accepted is on the raw
topic, acknowledged by all replicas, or was so before. What is refused was not written, or nobody
knows that it was: the device sends it again. Nothing of a message is said to anyone.
"""

from collections import Counter, OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import Final, Protocol

from ingest.gateway.boots import ANY_TIME, Boots, Span
from ingest.gateway.copies import Copies, Known
from ingest.gateway.formats import AdapterContext, Adapters, Read, read_message
from ingest.gateway.ports import Answer, Peer, Refusal
from ingest.gateway.shares import Shares
from telemetry.identity import DeviceId
from telemetry.instants import to_ms
from telemetry.wire.envelope import Envelope

AGAIN_S: Final = 5.0
"""When to try again what the broker did not take."""


class Out(Protocol):
    """What the front desk needs of the way out."""

    async def send(
        self, envelopes: Sequence[Envelope], size: int, then: Callable[[], None]
    ) -> bool:
        """Whether they are durable; ``then`` is called when they are."""


class Desk:
    """One for all doors: shares, copies and clones are those of a device, not of a door."""

    def __init__(
        self,
        out: Out,
        shares: Shares,
        copies: Copies,
        boots: Boots,
        now_ms: Callable[[], int],
        *,
        adapters: Adapters,
        quiet_s: float,
        devices_max: int,
    ) -> None:
        self._out = out
        self._shares = shares
        self._copies = copies
        self._boots = boots
        self._now_ms = now_ms
        self._adapters = adapters
        self._quiet_s = quiet_s
        self._devices_max = devices_max
        self._refused: OrderedDict[DeviceId, Counter[Refusal]] = OrderedDict()
        self.copies = 0
        """Accepted without being written again."""
        self.reused = 0
        """Written, under a number that other content had."""

    @property
    def clones(self) -> int:
        """How often two boots of one device took turns with readings of one time."""
        return self._boots.clones

    def refused_of(self, device: DeviceId) -> Mapping[Refusal, int]:
        """What was refused of a device's since the process began, or since it was forgotten."""
        return dict(self._refused.get(device, {}))

    async def take(self, peer: Peer, format_: str, payload: bytes) -> Answer:
        """Take one message of a device; durable on return. Never raises for bad input."""
        answer = await self._take(peer.device, format_, payload)
        if answer.refused:
            self._count(peer.device, answer.refused)
        return answer

    async def _take(self, device: DeviceId, format_: str, payload: bytes) -> Answer:
        wait_s = self._shares.wait_for_bytes(device, len(payload))
        if wait_s is not None:
            return Answer(0, {Refusal.TOO_FAST: 1}, wait_s)
        now_ms = self._now_ms()
        reading = read_message(format_, payload, self._adapters, AdapterContext(device, now_ms))
        if isinstance(reading, Refusal):
            return Answer(0, {reading: 1})
        refused = Counter[Refusal]()
        brought: list[Read] = []
        for one in reading:
            if isinstance(one, Refusal):
                refused[one] += 1
            elif one.envelope.device != device:
                refused[Refusal.OTHER_DEVICE] += 1
            else:
                brought.append(one)
        wait_s = self._shares.wait_for_envelopes(device, len(brought)) if brought else None
        if wait_s is not None:
            refused[Refusal.TOO_FAST] += len(brought)
            return Answer(0, refused, wait_s)
        answer = await self._admit(device, brought, refused, now_ms)
        untaken = answer.refused.get(Refusal.UNAVAILABLE, 0)
        if untaken:
            # That the broker is away is not the device's fault: it will come again with the same.
            self._shares.give_back(device, untaken, len(payload))
        return answer

    async def _admit(
        self, device: DeviceId, brought: Sequence[Read], refused: Counter[Refusal], now_ms: int
    ) -> Answer:
        fresh, there = self._without_copies(brought)
        undecided = len(brought) - there
        if not fresh:
            return Answer(there, refused)
        if not self._is_one_device(device, fresh, now_ms):
            refused[Refusal.CLONE] += undecided
            return Answer(there, refused, self._quiet_s)
        if not await self._send(fresh):
            refused[Refusal.UNAVAILABLE] += undecided
            return Answer(there, refused, AGAIN_S)
        return Answer(len(brought), refused)

    def _without_copies(self, brought: Sequence[Read]) -> tuple[list[Read], int]:
        """What has to be written, and how many are there. One that stands twice is written once."""
        fresh: list[Read] = []
        there = 0
        here: set[tuple[str, int, bytes]] = set()
        for one in brought:
            name = (one.envelope.boot, one.envelope.seq, one.digest)
            known = self._copies.known(one.envelope, one.digest)
            if known is Known.COPY:
                there += 1
            elif not one.digest or name not in here:
                self.reused += known is Known.REUSED
                here.add(name)
                fresh.append(one)
        self.copies += len(brought) - len(fresh)
        return fresh, there

    def _is_one_device(self, device: DeviceId, fresh: Sequence[Read], now_ms: int) -> bool:
        for one in fresh:
            if one.envelope.boot:
                self._boots.hear(device, one.envelope.boot, now_ms, _span_of(one.envelope))
        return self._boots.believes(device, now_ms)

    async def _send(self, fresh: Sequence[Read]) -> bool:
        def there() -> None:
            for one in fresh:
                self._copies.remember(one.envelope, one.digest)

        envelopes = [one.envelope for one in fresh]
        return await self._out.send(envelopes, sum(one.size for one in fresh), there)

    def _count(self, device: DeviceId, refused: Mapping[Refusal, int]) -> None:
        counts = self._refused.setdefault(device, Counter())
        counts.update(refused)
        self._refused.move_to_end(device)
        if len(self._refused) > self._devices_max:
            self._refused.popitem(last=False)


def _span_of(envelope: Envelope) -> Span:
    """What time its readings are of; of a device that never knew the time, any."""
    if envelope.clock.quality == "none":
        return ANY_TIME
    t0_ms = to_ms(envelope.clock.t0)
    ends = [end for one in envelope.series.values() if one.dt for end in (one.dt[0], one.dt[-1])]
    return Span(t0_ms + min(0, *ends), t0_ms + max(0, *ends)) if ends else Span(t0_ms, t0_ms)
