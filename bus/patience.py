"""How long to wait between tries, and when to stop trying. Pure: time comes in."""

from dataclasses import dataclass, field


@dataclass(slots=True)
class Patience:
    """Waits that double from ``first_wait_ms`` up to ``wait_ms_max``, until ``give_up_ms``."""

    give_up_ms: int
    first_wait_ms: int = 250
    wait_ms_max: int = 5_000
    _failing_since_ms: int | None = field(default=None, init=False)
    _failures: int = field(default=0, init=False)

    def failed(self, now_ms: int) -> int | None:
        """How long to wait before the next try; None means to give up."""
        if self._failing_since_ms is None:
            self._failing_since_ms = now_ms
        if now_ms - self._failing_since_ms >= self.give_up_ms:
            return None
        wait_ms = min(self.first_wait_ms << min(self._failures, 16), self.wait_ms_max)
        self._failures += 1
        return wait_ms

    def succeeded(self) -> None:
        """Forget earlier failures."""
        self._failing_since_ms = None
        self._failures = 0
