"""Each device's share: so many envelopes and bytes a minute, counted in memory.

In: what a device brings, and the clock. Out: whether it is within its share, and when to try again.
The rule is a fixed window of the library ``limits``; its own memory starts a thread and looks at
every device a hundred times a second, so that the counters are kept here, in a bounded number.
"""

from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from limits import RateLimitItemPerMinute
from limits.storage import Storage
from limits.strategies import FixedWindowRateLimiter

from telemetry.identity import DeviceId

MINUTE_S: Final = 60.0


class _Counters(Storage):
    """Counters by key, each with its end; the one touched longest ago goes."""

    STORAGE_SCHEME = None

    def __init__(self, seconds: Callable[[], float], keys_max: int) -> None:
        super().__init__()
        self._seconds = seconds
        self._keys_max = keys_max
        self._counts: OrderedDict[str, tuple[int, float]] = OrderedDict()

    @property
    def base_exceptions(self) -> type[Exception]:
        return ValueError

    def incr(self, key: str, expiry: float, amount: int = 1) -> int:
        """Add to a counter; a new one begins with its first."""
        now_s = self._seconds()
        count, ends_s = self._counts.get(key, (0, 0.0))
        if ends_s <= now_s:
            count, ends_s = 0, now_s + expiry
        self._counts[key] = count + amount, ends_s
        self._counts.move_to_end(key)
        if len(self._counts) > self._keys_max:
            self._counts.popitem(last=False)
        return count + amount

    def get(self, key: str) -> int:
        """The counter now."""
        count, ends_s = self._counts.get(key, (0, 0.0))
        return count if ends_s > self._seconds() else 0

    def get_expiry(self, key: str) -> float:
        """When the counter ends."""
        return max(self._counts.get(key, (0, 0.0))[1], self._seconds())

    def check(self) -> bool:
        """Memory is always there."""
        return True

    def reset(self) -> int:
        """Forget every counter."""
        count = len(self._counts)
        self._counts.clear()
        return count

    def clear(self, key: str) -> None:
        """Forget one counter."""
        self._counts.pop(key, None)


class Shares:
    """Shares of at most ``devices_max`` devices; one that is forgotten begins anew."""

    def __init__(
        self,
        envelopes_per_minute: int,
        bytes_per_minute: int,
        devices_max: int,
        seconds: Callable[[], float],
    ) -> None:
        self._seconds = seconds
        self._counters = _Counters(seconds, 2 * devices_max)
        self._limiter = FixedWindowRateLimiter(self._counters)
        self._envelopes = RateLimitItemPerMinute(envelopes_per_minute, namespace="envelopes")
        self._bytes = RateLimitItemPerMinute(bytes_per_minute, namespace="bytes")

    def wait_for_bytes(self, device: DeviceId, count: int) -> float | None:
        """Take so many bytes of the share; else in how many seconds to try again."""
        return self._wait(self._bytes, device, count)

    def wait_for_envelopes(self, device: DeviceId, count: int) -> float | None:
        """Take so many envelopes of the share; else in how many seconds to try again."""
        return self._wait(self._envelopes, device, count)

    def give_back(self, device: DeviceId, envelopes: int, count: int) -> None:
        """Let so many envelopes and bytes not have been taken of the share."""
        for item, some in ((self._envelopes, envelopes), (self._bytes, count)):
            key = item.key_for(device)
            self._counters.incr(key, item.get_expiry(), -min(some, self._counters.get(key)))

    def _wait(self, item: RateLimitItemPerMinute, device: DeviceId, count: int) -> float | None:
        if self._limiter.hit(item, device, cost=count):
            return None
        key = item.key_for(device)
        # What is refused must not use up the share of what comes after.
        self._counters.incr(key, item.get_expiry(), -count)
        return max(1.0, self._counters.get_expiry(key) - self._seconds())
