"""Which raw partition a device's envelopes go to: always the same, and it tells nothing of it.

Workers remember readings by partition, so that a device must keep its own, whatever key its records
are sent under and whichever front door sends them.
"""

import hmac
from dataclasses import dataclass, field

ROUTING_KEY_BYTES = 32


@dataclass(frozen=True, slots=True)
class Routing:
    """One installation's routing key, and how many partitions its raw topic has."""

    key: bytes = field(repr=False)
    partitions: int

    def partition_of(self, device: str) -> int:
        """The partition of a device: a keyed hash of it, modulo their number."""
        digest = hmac.digest(self.key, b"raw partition|" + device.encode(), "sha256")
        return int.from_bytes(digest[:8], "big") % self.partitions
