"""What one door grants at most, and how long it waits.

Those that a process does not set are constants.
"""

from dataclasses import dataclass
from typing import Final

CONTROL_BYTES_MAX: Final = 4_096
"""Of any packet but PUBLISH: nobody needs more to connect, to ping or to be refused."""
PROPERTIES_BYTES_MAX: Final = 1_024
"""Of what stands between a message's topic and its payload; nothing of it is read."""
HELD_OF_ONE_BYTES_MAX: Final = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class MqttLimits:
    """The defaults are for a machine that serves some hundred devices."""

    packet_bytes_max: int = 270_336
    """Bytes of a PUBLISH: an envelope of 256 KiB, its topic and its properties."""
    receive_maximum: int = 32
    """Messages of one connection that wait for their acknowledgement. Not below 20: paho sends so
    many whatever it is told."""
    keep_alive_s_max: int = 300
    """The longest silence a client may ask for; it is closed after one and a half of it."""
    connect_s: float = 10.0
    """TLS and the CONNECT packet have to be there by then."""
    connections_max: int = 500
    held_bytes_max: int = 64 * 1024 * 1024
    """Of messages in hand, of all connections together; at that much no more is read. Of one
    connection it is an eighth, and never more than ``HELD_OF_ONE_BYTES_MAX``."""
    retry_s: float = 20.0
    """A message that cannot be taken for now is tried for so long, then its connection ends."""
    recheck_s: float = 10.0
    """How often a connection's certificate is asked about while it is silent."""

    @property
    def held_of_one_bytes_max(self) -> int:
        """Of messages in hand of one connection; at that much it is not read."""
        return min(self.held_bytes_max // 8, HELD_OF_ONE_BYTES_MAX)
