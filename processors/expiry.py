"""When lives that start in one minute end: the same answer for every link, kept for all.

A life starts at the earliest of reading, reception and now, floored to the minute and to the lane's
floor of time, and ends at start + period floored to the lane's grain: never later than the
policy's maximum, and never dating a reading more finely than its own time does.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from policy.plan.plan import Lane
from policy.vocabulary.periods import expires_ms
from processors.latest import Latest
from processors.people import FOREVER_MS
from processors.routes import Route
from telemetry.instants import MINUTE_MS, format_instant
from telemetry.wire.record import EXPIRES_AT

EXPIRIES_KEPT_MAX = 10_000
Header = tuple[str, bytes]
NOBODY: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Expiry:
    """Ends by route index: the header that carries it, and the last instant at which to send."""

    expires_at: tuple[Header, ...]
    deadlines_ms: tuple[int, ...]
    first_deadline_ms: int

    def late(self, routes: Iterable[int], now_ms: int) -> frozenset[int]:
        """Which of these routes a record would stay in for longer than its life."""
        if now_ms <= self.first_deadline_ms:
            return NOBODY
        return frozenset([index for index in routes if now_ms > self.deadlines_ms[index]])


class ExpiryCache:
    """ExpiryCache already judged. Not thread-safe."""

    def __init__(self, routes: Sequence[Route]) -> None:
        self._routes = routes
        self._judged: Latest[int, Expiry] = Latest(EXPIRIES_KEPT_MAX)

    def of(self, start_ms: int) -> Expiry:
        """The minute in which a life starts."""
        number = start_ms // MINUTE_MS
        expiry = self._judged.used(number)
        if expiry is None:
            expiry = _judge(self._routes, number * MINUTE_MS)
            self._judged.keep(number, expiry)
        return expiry


def _judge(routes: Sequence[Route], start_ms: int) -> Expiry:
    ends_ms = [_end_ms(route.lane, start_ms) for route in routes]
    deadlines_ms = tuple(
        end_ms - route.output.transport.bound_ms
        for route, end_ms in zip(routes, ends_ms, strict=True)
    )
    headers = tuple((EXPIRES_AT, format_instant(end_ms).encode()) for end_ms in ends_ms)
    return Expiry(headers, deadlines_ms, min(deadlines_ms, default=FOREVER_MS))


def _end_ms(lane: Lane, start_ms: int) -> int:
    floored_ms = start_ms // lane.time_floor_ms * lane.time_floor_ms
    return expires_ms(floored_ms, floored_ms, lane.period, lane.grain)
