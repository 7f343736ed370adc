"""Where Kafka is, and under which names this deployment keeps its topics and groups there."""

import re
import socket
import ssl
from dataclasses import dataclass, field
from typing import Any, Final

from bus.client.security import PLAIN, Security
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
    security: Security = field(default=PLAIN, kw_only=True)
    """How clients get in."""

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

    def why_no_tls(self) -> str | None:
        """Why no named server has a TLS connection for us; None if one has. Blocks, as above.

        OSError if a TLS file is unfit.
        """
        context = self.security.context()
        why = "nobody answers"
        for server in self.bootstrap_servers.split(","):
            host, _, port = server.strip().rpartition(":")
            name = host.strip("[]")
            try:
                with socket.create_connection((name, int(port)), ANSWER_S_MAX) as link:
                    context.shake_hands(link, name)
            except ssl.SSLError as error:
                why = getattr(error, "verify_message", None) or error.reason or "TLS failed"
            except (OSError, ValueError) as error:
                why = type(error).__name__
            else:
                return None
        return why

    def client_options(self) -> dict[str, Any]:
        """What every Kafka client of ours is opened with; OSError if a TLS file is unfit."""
        # A reconnect every 100 ms, the default, only fills the log while a broker is away.
        opened = {"bootstrap_servers": self.bootstrap_servers, "retry_backoff_ms": RETRY_BACKOFF_MS}
        return opened | self.security.options()
