"""A handler that goes by what was before: it says of each record how many came earlier.

If what it remembers is right, it says of every record its own offset.
"""

from collections.abc import Sequence

from bus.observer import BatchDone
from bus.records import Outgoing
from telemetry.arrived import Arrived
from tests.integration.bus_road import OUT, Noted

HOUR_MS = 3_600_000


class Counting(Noted):
    """Obeys ``Recollection``, handles and observes. ``rules``: others make it forget."""

    def __init__(self, life_ms: int = HOUR_MS) -> None:
        super().__init__()
        self.life_ms = life_ms
        self.rules = 1
        self.lost: list[tuple[int, int]] = []
        self.recalled_records = 0
        self.forgotten = 0
        self._known: dict[int, tuple[int, int]] = {}
        self._draft: dict[int, int] = {}

    def knows(self, partition: int) -> bool:
        return self._known.get(partition, (0, 0))[0] == self.rules

    def begin(self, partition: int) -> None:
        self._known[partition] = self.rules, 0

    def remember(self, partition: int, records: Sequence[Arrived]) -> None:
        rules, before = self._known[partition]
        self._known[partition] = rules, before + len(records)

    def lose(self, partition: int, until_ms: int) -> None:
        self.lost.append((partition, until_ms))

    def reach(self, partition: int, append_ms: int) -> None:
        assert partition in self._known and append_ms >= 0

    def forget(self, partition: int) -> None:
        self.forgotten += self._known.pop(partition, None) is not None
        self._draft.pop(partition, None)

    async def handle(self, partition: int, records: Sequence[Arrived]) -> list[Outgoing]:
        before = self._draft.get(partition, self._known[partition][1])
        self._draft[partition] = before + len(records)
        return [
            Outgoing(OUT, partition, b"k", b"%d:%d" % (one.offset, before + number))
            for number, one in enumerate(records)
        ]

    def batch_done(self, done: BatchDone) -> None:
        super().batch_done(done)
        for partition, count in self._draft.items():
            self._known[partition] = self.rules, count
        self._draft.clear()

    def retrying(self, reason: str, wait_ms: int) -> None:
        super().retrying(reason, wait_ms)
        self._draft.clear()

    def recalled(self, topic: str, partition: int, records: int) -> None:
        self.recalled_records += records


def right(said: Sequence[bytes]) -> bool:
    """Whether every record was told as many before it as there were."""
    return all(one.split(b":")[0] == one.split(b":")[1] for one in said)
