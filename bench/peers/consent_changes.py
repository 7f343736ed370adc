"""People who change their minds while records are processed: one row for so many records.

In: how far each partition was handled. Out: rows applied to the view that is decided by. In turn a
driver withdraws and another row gives the same consent back, so that the outputs stay about as
many. A row comes between two slices of a batch, as one that the control topic delivers does.
"""

from bench.job import DEVICES, NOW_MS, agreement, consenting, device
from processors.people import People


class ConsentChanges:
    """Applies one row for every ``records``; 0: none."""

    def __init__(self, people: People, records: int) -> None:
        self._people = people
        self._records = records
        self._ends: dict[int, int] = {}
        self._applied = 0
        agreed = consenting()
        self._numbers = [n for n in range(DEVICES) if device(n) in agreed] if records else []

    def seen(self, partition: int, offset: int) -> None:
        """A slice up to ``offset`` is about to be handled; one handled again brings no rows."""
        if not self._records:
            return
        self._ends[partition] = max(offset + 1, self._ends.get(partition, 0))
        while self._applied < sum(self._ends.values()) // self._records:
            number = self._numbers[self._applied // 2 % len(self._numbers)]
            withdrawn_ms = None if self._applied % 2 else NOW_MS - 1
            self._people.apply(*agreement(number, withdrawn_ms))
            self._applied += 1
