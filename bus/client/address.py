"""Where Kafka is, and under which names this deployment keeps its topics and groups there."""

import re
import socket
from dataclasses import dataclass, field
from typing import Any, Final

from bus.client.unpacking import BATCH_BYTES_MAX

ANSWER_S_MAX: Final = 3.0
RETRY_BACKOFF_MS: Final = 250
_PREFIX: Final = re.compile(r"[A-Za-z0-9._-]{0,64}")


@dataclass(frozen=True, slots=True)
class Address:
    """The address of one cluster. ``prefix`` precedes every topic name and group id.

    The rest of the code uses unprefixed names; only Kafka's clients here add and remove it.
    """

    bootstrap_servers: str
    prefix: str = ""
    unpacked_bytes_max: int = field(default=BATCH_BYTES_MAX, kw_only=True)
    """Of one batch; a fetch stops unpacking after twice that. What needs more is set aside."""

    def __post_init__(self) -> None:
        """ValueError for a prefix that Kafka does not allow in a topic name."""
        if not _PREFIX.fullmatch(self.prefix):
            msg = "a topic prefix is at most 64 letters, digits, dots, underscores and hyphens"
            raise ValueError(msg)

    def topic(self, name: str) -> str:
        """The name of a topic on the cluster."""
        return self.prefix + name

    def plain(self, topic: str) -> str:
        """The unprefixed name of a topic; ValueError if it does not carry our prefix."""
        if not topic.startswith(self.prefix):
            msg = "a topic without this deployment's prefix belongs to another deployment"
            raise ValueError(msg)
        return topic[len(self.prefix) :]

    def group(self, name: str) -> str:
        """The id of a consumer group on the cluster."""
        return self.prefix + name

    def answers(self) -> bool:
        """Whether one of the named servers accepts a connection. Blocks, at most 3 s for each."""
        for server in self.bootstrap_servers.split(","):
            host, _, port = server.strip().rpartition(":")
            try:
                socket.create_connection((host.strip("[]"), int(port)), ANSWER_S_MAX).close()
            except (OSError, ValueError):
                continue
            return True
        return False

    def client_options(self) -> dict[str, Any]:
        """What every Kafka client of ours is opened with; security settings join here."""
        # A reconnect every 100 ms, the default, only fills the log while a broker is away.
        return {"bootstrap_servers": self.bootstrap_servers, "retry_backoff_ms": RETRY_BACKOFF_MS}
