"""Which port is free on this machine.

The range lies below Linux's range for outgoing connections (32768 and up): a client that
keeps calling a closed port of that range can connect to itself, and then the broker that
comes back finds its own port taken.
"""

import os
import socket

FIRST_PORT = 21_000
PORT_COUNT = 10_000


def free_port(preferred: int | None = None, *, taken: frozenset[int] = frozenset()) -> int:
    """Return ``preferred`` when it is free, else some free port; never one of ``taken``.

    The port is only looked at, not held: another process may take it before its use.

    Raises OSError: no port of the range is free.
    """
    # Two processes that start together begin their search at different places.
    start = os.getpid() * 37
    candidates = (FIRST_PORT + (start + step) % PORT_COUNT for step in range(PORT_COUNT))
    if preferred is not None and preferred not in taken and is_free(preferred):
        return preferred
    for port in candidates:
        if port not in taken and is_free(port):
            return port
    message = f"no free port between {FIRST_PORT} and {FIRST_PORT + PORT_COUNT - 1}"
    raise OSError(message)


def is_free(port: int) -> bool:
    """Say whether this machine's loopback address can be bound at ``port`` now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # As servers do: a port whose last connections are still fading counts as free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
