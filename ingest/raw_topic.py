"""Envelopes onto ``telemetry.raw``: gated, encoded, sealed, under keys that name no device.

There is no way past the seal: without one nothing is sent.
"""

from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from typing import Protocol

from ingest.collection_gate import gate
from ingest.routing import Routing
from ingest.sealing import Seal
from telemetry.topics import RAW
from telemetry.wire.envelope import Envelope, encode_envelope

ENVELOPES_AT_ONCE_MAX = 500


class TopicPublisher(Protocol):
    """What this module needs of the bus."""

    async def publish_placed(self, topic: str, placed: Sequence[tuple[int, bytes, bytes]]) -> None:
        """Write these keys and values, each to its partition; durable on return."""


class SealsOfNow(Protocol):
    """Who knows how to seal now."""

    async def now(self) -> Seal:
        """The seal of now; NoSealingKeyError if there is none."""


class RawPublisher:
    """The way onto the raw topic for every producer of this installation.

    ``routing`` says where a device goes, now and ever. The record key is an HMAC of the device
    under a key that lives as long as a period does here: no key reveals a device.
    """

    def __init__(
        self,
        publisher: TopicPublisher,
        collected: AbstractSet[str],
        routing: Routing,
        sealer: SealsOfNow,
    ) -> None:
        self._publisher = publisher
        self._collected = collected
        self._routing = routing
        self._sealer = sealer
        self.envelopes = 0
        self.readings = 0
        self.not_collected = 0

    @property
    def counts(self) -> dict[str, int]:
        """Counts of what was published, and of what was not collected."""
        return {
            "envelopes": self.envelopes,
            "readings": self.readings,
            "not_collected": self.not_collected,
        }

    async def publish(self, envelopes: Iterable[Envelope]) -> int:
        """Publish what the policy collects of them, durably; return how many were published.

        NoSealingKeyError if no key is offered for now: what was not sent by then is not sent.
        """
        outgoing: list[tuple[int, bytes, bytes]] = []
        sent = readings = 0
        seal: Seal | None = None
        for envelope in envelopes:
            kept, dropped = gate(envelope, self._collected)
            self.not_collected += dropped
            if kept is None:
                continue
            partition = self._routing.partition_of(kept.device)
            seal = seal or await self._sealer.now()
            value = seal.seal(encode_envelope(kept))
            outgoing.append((partition, seal.record_key(kept.device), value))
            readings += kept.readings
            if len(outgoing) >= ENVELOPES_AT_ONCE_MAX:
                sent += await self._send(outgoing, readings)
                outgoing, readings, seal = [], 0, None
        return sent + await self._send(outgoing, readings)

    async def _send(self, outgoing: list[tuple[int, bytes, bytes]], readings: int) -> int:
        await self._publisher.publish_placed(RAW, outgoing)
        self.readings += readings
        self.envelopes += len(outgoing)
        return len(outgoing)
