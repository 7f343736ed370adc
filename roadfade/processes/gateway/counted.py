"""A front desk whose answers are counted, by door and outcome; never by device."""

import time
from collections.abc import Mapping
from collections.abc import Set as AbstractSet

from ingest.gateway.adapters.gathered import LeftOut
from ingest.gateway.certificate_files import Fault
from ingest.gateway.front_desk import Desk
from ingest.gateway.ports import Answer, Peer, Refusal
from roadfade import metrics
from roadfade.metrics import bear

ACCEPTED = "accepted"


class CountedDesk:
    """One door's way to the desk."""

    def __init__(self, desk: Desk, door: str) -> None:
        self._desk = desk
        self._door = door
        bear(metrics.GATEWAY_ENVELOPES, [door], [ACCEPTED, *Refusal])

    async def take(self, peer: Peer, format_: str, payload: bytes) -> Answer:
        """As the desk, counted."""
        began_s = time.monotonic()
        with metrics.GATEWAY_IN_FLIGHT.labels(self._door).track_inprogress():
            answer = await self._desk.take(peer, format_, payload)
        metrics.GATEWAY_SECONDS.labels(self._door).observe(time.monotonic() - began_s)
        metrics.GATEWAY_ENVELOPES.labels(self._door, ACCEPTED).inc(answer.accepted)
        for why, count in answer.refused.items():
            metrics.GATEWAY_ENVELOPES.labels(self._door, str(why)).inc(count)
        return answer


def left_out(format_: str, counts: Mapping[LeftOut, int]) -> None:
    """What an adapter left out of a message of another system."""
    for why, count in counts.items():
        metrics.GATEWAY_LEFT_OUT.labels(format_, str(why)).inc(count)


def tell_faults(faults: AbstractSet[Fault]) -> None:
    """Which of the doorkeeper's files are not as they must be."""
    for fault in Fault:
        metrics.GATEWAY_FAULTS.labels(str(fault)).set(fault in faults)


def export(desk: Desk) -> None:
    """Have what the desk itself counts read as the metrics are."""
    metrics.GATEWAY_NOTED.labels("copy").set_function(lambda: desk.copies)
    metrics.GATEWAY_NOTED.labels("reused").set_function(lambda: desk.reused)
    metrics.GATEWAY_NOTED.labels("clone").set_function(lambda: desk.clones)
