"""A loop's own figures as metrics: what was lost, what went back, what was not committed."""

from bus.observer import LoopObserver
from roadfade import metrics


class Metered(LoopObserver):
    """What every loop of ours tells, as metrics."""

    def expired_unread(self, topic: str, partition: int, records: int) -> None:
        """A gap in offsets: never silent."""
        del topic, partition
        metrics.EXPIRED_UNREAD.inc(records)

    def rewound(self, topic: str, partition: int, records: int) -> None:
        """Offsets went back: never silent."""
        del topic, partition
        metrics.REWOUND.inc(records)

    def commit_missed(self, reason: str) -> None:
        """The group moved on; the batch comes again."""
        metrics.COMMITS_MISSED.labels(reason).inc()
