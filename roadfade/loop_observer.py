"""What a batch loop reports about itself, as metrics, as lines of the log, and as readiness."""

import logging
from collections import defaultdict
from collections.abc import Collection, Iterable
from typing import Final

from bus.failures import RowFault
from bus.observer import LoopObserver
from roadfade import metrics
from roadfade.logs.events import Event, tell
from roadfade.readiness import Need, readiness

logger = logging.getLogger(__name__)


DEADLY: Final = "deadly"
MISSED: Final = ("CommitFailedError", "IllegalStateError", "TimeoutError", "RevokeDeadline")
"""The kinds of commits that were missed, by what the client calls them."""


def bear_loop(topics: Iterable[str]) -> None:
    """Have the series of a loop that reads these topics, at 0."""
    metrics.bear(metrics.QUARANTINED, topics, [str(RowFault.UNPACKING), DEADLY])
    metrics.bear(metrics.COMMITS_MISSED, MISSED)


class Observed(LoopObserver):
    """The events of every batch loop."""

    def __init__(self) -> None:
        self._retrying = False
        self.reason: str | None = None
        """Why consumption waits; None while it does not."""

    def expired_unread(self, topic: str, partition: int, records: int) -> None:
        """A gap in offsets: never silent."""
        del topic, partition
        metrics.EXPIRED_UNREAD.inc(records)

    def quarantined(self, topic: str, partition: int, records: int) -> None:
        """Records that cannot be unpacked: never silent."""
        del partition
        metrics.QUARANTINED.labels(topic, str(RowFault.UNPACKING)).inc(records)

    def passed_over(self, topic: str, partition: int, offset: int) -> None:
        """A record ended every process that had it in hand: never silent."""
        metrics.QUARANTINED.labels(topic, DEADLY).inc()
        logger.error(
            "%s, partition %d, offset %d: processes ended each time they had this record in hand; "
            "it was passed over", topic, partition, offset,
        )  # fmt: skip

    def rewound(self, topic: str, partition: int, records: int) -> None:
        """Offsets went back: never silent."""
        del topic, partition
        metrics.REWOUND.inc(records)

    def remade(self, topic: str, why: str) -> None:
        """Another topic is read from its beginning: never silent."""
        del topic
        metrics.REWOUND.inc()
        logger.error("%s; it is read from its beginning", why)

    def recalled(self, topic: str, partition: int, records: int) -> None:
        """Read again, not handled again."""
        del topic, partition
        metrics.RECALLED.inc(records)

    def unknown_before(self, topic: str, partition: int) -> None:
        """What was before is lost: never silent."""
        metrics.UNKNOWN_BEFORE.inc()
        logger.warning(
            "%s, partition %d: what was before cannot be read again; what a rule over time cannot "
            "judge without it is withheld as not_rebuilt, until it is too old to matter",
            topic, partition,
        )  # fmt: skip

    def commit_missed(self, reason: str) -> None:
        """The group moved on; the batch comes again."""
        metrics.COMMITS_MISSED.labels(reason).inc()

    def assigned(self, partitions: Collection[tuple[str, int]]) -> None:
        """It joined the group. Whether it may go on is asked before each fetch: so it was."""
        readiness.met(Need.JOINED)
        if self.reason is None:
            readiness.met(Need.FLOWING)
        tell(logger, Event.ASSIGNED, partitions=_named(partitions))

    def revoked(self, partitions: Collection[tuple[str, int]]) -> None:
        """Others have these now."""
        tell(logger, Event.REVOKED, partitions=_named(partitions))

    def paused(self, reason: str) -> None:
        """Consumption waits."""
        if reason == self.reason:
            return
        self._change(reason)
        readiness.lacks(Need.FLOWING, reason)
        tell(logger, Event.PAUSED, reason=reason)

    def resumed(self) -> None:
        """Consumption goes on."""
        if self.reason is None:
            return
        self._change(None)
        readiness.met(Need.FLOWING)
        tell(logger, Event.RESUMED)

    def _change(self, reason: str | None) -> None:
        if self.reason is not None:
            metrics.PAUSED.labels(self.reason).set(0)
        if reason is not None:
            metrics.PAUSED.labels(reason).set(1)
        self.reason = reason

    def retrying(self, reason: str, wait_ms: int) -> None:
        """A batch comes again; one that waits first could not be made durable."""
        metrics.PRODUCE_RETRIES.inc()
        if wait_ms and not self._retrying:
            self._retrying = True
            tell(logger, Event.RETRYING, reason=reason)

    def through(self) -> None:
        """A batch is durable: call it from ``batch_done``."""
        if self._retrying:
            self._retrying = False
            tell(logger, Event.RECONNECTED)


def _named(partitions: Collection[tuple[str, int]]) -> str:
    """As ``a/0,1 b/0``."""
    by_topic = defaultdict[str, list[int]](list)
    for topic, number in sorted(partitions):
        by_topic[topic].append(number)
    return " ".join(f"{topic}/{','.join(map(str, found))}" for topic, found in by_topic.items())
