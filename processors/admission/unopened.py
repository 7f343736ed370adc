"""A raw record that was not opened, in the place of the envelope that it would have been."""

from typing import Self

from telemetry.outcome import Rejected


class Unopened(bytes):
    """No bytes, and why: the core takes it for unusual, and the exact path counts the reason."""

    reason: Rejected
    keyless: bool
    """Whether only a key is lacking, so that it may have been opened before."""

    @classmethod
    def because(cls, reason: Rejected, *, keyless: bool = False) -> Self:
        """Say why there is nothing."""
        made = cls()
        made.reason = reason
        made.keyless = keyless
        return made
