"""How long a byte may lie on a topic, from the topic's settings and the broker's own. Pure.

Measured on Apache Kafka 4.3.1 with LogAppendTime (docs/decisions/023-topic-physics.md), in
milliseconds. Every bound counts while a broker runs: one that is away deletes nothing.
"""

from typing import Final

from telemetry.instants import SECOND_MS

PASS_MS: Final = SECOND_MS
"""What a check or a cleaner takes to come to a log, beyond its interval: all logs are looked at in
turn. A broker of tens of thousands of partitions may take longer."""


def deleted_ms(
    retention_ms: int, segment_ms: int, check_interval_ms: int, delete_delay_ms: int
) -> int:
    """From a record's append until no file holds it, on a topic that is deleted by age alone.

    A segment closes ``segment_ms`` after its first record at the latest, if another comes; it is
    due when its last record is past retention, also the one that is written to; a check finds it,
    and its file goes after the delay. Not so on a topic that is compacted as well: what a cleaner
    merges is as young as its youngest record, so one that is written to deletes nothing by age.
    """
    return retention_ms + segment_ms + check_interval_ms + PASS_MS + delete_delay_ms


def replaced_ms(compaction_lag_ms: int, cleaner_backoff_ms: int, delete_delay_ms: int) -> int:
    """From a newer row, or a tombstone, until no file holds the older row of that key.

    For a compacted topic whose segments close after the same ``compaction_lag_ms``, and to whose
    every partition a heartbeat comes at least as often: it closes the segment, and compaction is
    due; a cleaner looks, and the file that it replaced goes after the delay. Without a heartbeat
    nothing closes, and the older row stays for ever.
    """
    return 2 * compaction_lag_ms + cleaner_backoff_ms + PASS_MS + delete_delay_ms
