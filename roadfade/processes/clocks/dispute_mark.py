"""Since when other clocks have said that the own one is ahead, over the ends of processes.

Else a sweep that is started again and again, or by a timer, would wait an hour each time.
"""

from pathlib import Path

from roadfade.clock import WallClock, boot_ms


class DisputeMark:
    """A small file in the state folder; deleting needs none of it. Blocking."""

    def __init__(self, state_dir: Path, boot: WallClock = boot_ms) -> None:
        self._file = state_dir / "sweep_clock"
        self._boot = boot

    def read(self) -> int | None:
        """The begin by the time since this machine started; None if there is no dispute."""
        try:
            since_ms = int(self._file.read_bytes()[:20])
        except (OSError, ValueError):
            return None
        # It was written before the machine started anew.
        return since_ms if 0 <= since_ms <= self._boot() else 0

    def keep(self, since_ms: int | None) -> bool:
        """Write or remove it; whether that could be done."""
        try:
            if since_ms is None:
                self._file.unlink(missing_ok=True)
            elif self.read() != since_ms:
                self._file.write_text(str(since_ms), encoding="ascii")
        except OSError:
            return False
        return True
