"""The event loop's own clock, for waits and durations; never for dates."""

import asyncio


def monotonic_ms() -> int:
    """Milliseconds since some moment of this process; only differences mean something."""
    return int(asyncio.get_running_loop().time() * 1000)
