"""What is on the raw topic already: an envelope that is sent again is not written again.

In: envelopes by device, boot and number, with the digest of their content. Out: whether it is new,
a copy, or other content under a number that was used. Bounded; what is forgotten is written again,
which workers and stores recognise.
"""

import hashlib
from collections import OrderedDict
from enum import Enum, auto
from typing import Final

from telemetry.wire.envelope import Envelope

NAME_BYTES: Final = 12
"""Of a digest that stands for device, boot and number: 96 bits, so that no two meet by chance."""


class Known(Enum):
    """What is known of an envelope."""

    NEW = auto()
    COPY = auto()
    """The same content, acknowledged by the broker before."""
    REUSED = auto()
    """Other content under the same boot and number: another envelope."""


class Copies:
    """The last ``envelopes_max`` that the broker acknowledged, of devices that name their boot."""

    def __init__(self, envelopes_max: int) -> None:
        self._max = envelopes_max
        self._there: OrderedDict[bytes, bytes] = OrderedDict()

    def __len__(self) -> int:
        return len(self._there)

    def known(self, envelope: Envelope, digest: bytes) -> Known:
        """Whether this was acknowledged before. One without a boot is always new."""
        if not envelope.boot:
            return Known.NEW
        there = self._there.get(_name(envelope))
        if there is None:
            return Known.NEW
        return Known.COPY if there == digest else Known.REUSED

    def remember(self, envelope: Envelope, digest: bytes) -> None:
        """The broker has acknowledged it; the one remembered for longest goes."""
        if not envelope.boot or not self._max:
            return
        name = _name(envelope)
        self._there[name] = digest
        self._there.move_to_end(name)
        if len(self._there) > self._max:
            self._there.popitem(last=False)


def _name(envelope: Envelope) -> bytes:
    # Lengths before texts: no two triples make one text.
    device, boot = envelope.device.encode(), envelope.boot.encode()
    whole = b"%d|%s|%d|%s|%d" % (len(device), device, len(boot), boot, envelope.seq)
    return hashlib.blake2b(whole, digest_size=NAME_BYTES).digest()
