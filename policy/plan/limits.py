"""What an installation may set beside the document: only finer and shorter, never the reverse."""

from dataclasses import dataclass
from typing import Final

from telemetry.instants import MINUTE_MS, Grain

LATE_MS: Final = 10 * MINUTE_MS


@dataclass(frozen=True, slots=True)
class Limits:
    """Settings that enter the plan. The broker's own must be those of the real broker."""

    grain_at_most: Grain | None = None
    """Expiries are dated at least this finely."""
    topic_retention_ms_at_most: int | None = None
    """Output topics keep records no longer than this, whatever the document would allow."""
    raw_retention_ms_at_most: int | None = None
    """The same for ``telemetry.raw``."""
    check_interval_ms: int = 5 * MINUTE_MS
    """The broker's ``log.retention.check.interval.ms``; default: Apache Kafka 4.3's."""
    delete_delay_ms: int = MINUTE_MS
    """The broker's ``log.segment.delete.delay.ms``; default: Apache Kafka 4.3's."""

    late_ms: int = LATE_MS
    """So late a reading may come, by the raw topic's own time, and is still thinned together with
    those beside it. Rules over time remember for so long, and for their own length on top."""

    def finer(self, grain: Grain) -> Grain:
        """The finer of a grain and the setting; never coarser than what came in."""
        if self.grain_at_most is None or self.grain_at_most.fineness > grain.fineness:
            return grain
        return self.grain_at_most
