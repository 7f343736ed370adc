"""Whether anything answers where the broker should be: asked before a client waits for it."""

import socket

from roadfade.refusal import Unready
from roadfade.settings import Settings

ANSWER_S_MAX = 3.0


def require_broker(settings: Settings) -> None:
    """Return where one of the named servers takes a connection; Unready otherwise. Blocks."""
    named = settings.kafka_bootstrap_servers
    for server in named.split(","):
        host, _, port = server.strip().rpartition(":")
        try:
            socket.create_connection((host.strip("[]"), int(port)), ANSWER_S_MAX).close()
        except (OSError, ValueError):
            continue
        return
    msg = (
        f"no broker answers at {named}: start it, or name another with KAFKA_BOOTSTRAP_SERVERS "
        "(`roadfade run` starts one of its own and prints its address)"
    )
    raise Unready(msg)
