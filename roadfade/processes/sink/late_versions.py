"""For which versions of the policy a sink waits that it has not heard of yet. Pure.

A worker may hear of a version first, so that its records come a moment before the version does;
whoever else writes to a purpose topic may make numbers up. In: numbers that are not on record, by a
clock that nobody sets. Out: whether to wait. Over all numbers, ``IN_VAIN_MAX`` waits are in vain in
``MISSING_FOR_MS``, and one of them in a batch.
"""

from collections.abc import Callable
from typing import Final

HEARD_LATE_S: Final = 10.0
"""For so long the records of one batch wait for versions that are not on record yet."""
MISSING_FOR_MS: Final = 5 * 60 * 1000
"""For so long a number that was waited for in vain is taken for made up."""
IN_VAIN_MAX: Final = 3
"""For no more numbers is waited in vain within that time."""


class LateVersions:
    """Remembers what was waited for in vain; ``clock`` in milliseconds."""

    def __init__(self, clock: Callable[[], int]) -> None:
        self._clock = clock
        self._missing: dict[int, int] = {}
        self._batch_waited = False

    def begin(self) -> None:
        """Begin a batch: what it has in hand has come, and waits, together."""
        self._batch_waited = False

    def may_come(self, number: int) -> bool:
        """Whether to wait for a version."""
        now_ms = self._clock()
        missing = self._missing.items()
        self._missing = {one: at for one, at in missing if now_ms - at < MISSING_FOR_MS}
        known = number in self._missing or len(self._missing) >= IN_VAIN_MAX
        return not known and not self._batch_waited

    def in_vain(self, number: int) -> None:
        """Note that a version was waited for, and did not come."""
        self._missing[number] = self._clock()
        self._batch_waited = True
