"""From plan to topic configurations: every topic, every setting the promise rests on.

Kafka's compacted topics keep an old value until a cleaning pass; the office's heartbeat
gives each partition something newer, and the settings below bound the delay.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from policy.plan.plan import Plan, Transport
from telemetry.instants import DAY_MS, HOUR_MS, MINUTE_MS
from telemetry.topics import (
    AUDIT_ERASURES,
    AUDIT_EVENTS,
    AUDIT_FLOW,
    AUDIT_PROCESSES,
    CONTROL,
    CONTROL_COLLECTION,
    EVENTS_REPORTED,
    RAW,
    erase_topic,
    erase_topics,
)

BATCH_BYTES_MAX: Final = 1024 * 1024 + 12
"""Room for our producer's largest batch, 1 MB, and its overhead."""
COMPACTION_LAG_MS_MAX: Final = MINUTE_MS
DIRTY_RATIO_MIN: Final = "0.01"
TOMBSTONE_MS: Final = 2 * HOUR_MS
"""How long "this row is deleted" can be read; it names a random row id and nothing else.

Longer than a worker's view may be silent before it must be rebuilt: a shorter one could
leave a deleted link or consent in force in a worker that was cut off meanwhile.
"""
REPORT_LIFE_MS: Final = DAY_MS
"""For so long a process that says nothing any more is still named: over a night, not for ever."""
ANSWER_LIFE_MS: Final = 7 * DAY_MS
"""For so long a store's answer waits for the office; one that was missed is given again."""
ANSWER_SEGMENT_MS: Final = HOUR_MS
EVENT_LIFE_MS: Final = 3 * DAY_MS
"""For so long a reported event waits for the office, over a long weekend: it names somebody."""
EVENT_SEGMENT_MS: Final = HOUR_MS


def transports_of(plan: Plan) -> Mapping[str, Transport]:
    """The deletion settings of every topic whose records have an end, by unprefixed name."""
    outputs = {output.topic: output.transport for output in plan.outputs}
    return {RAW: plan.raw, **outputs, AUDIT_FLOW: plan.ledger}


def topic_configs(
    plan: Plan, held: Mapping[str, Transport] | None = None
) -> Mapping[str, Mapping[str, str]]:
    """Kafka topic settings, as strings, by unprefixed topic name.

    ``held``: settings that replace the plan's while an older promise lasts.
    """
    found = {**transports_of(plan), **(held or {})}
    configs = {name: _deleting(one.retention_ms, one.segment_ms) for name, one in found.items()}
    for name in (*CONTROL, CONTROL_COLLECTION, *erase_topics(found)):
        configs[name] = _compacting()
    configs[AUDIT_PROCESSES] = _reporting(REPORT_LIFE_MS)
    # Not compacted: each answer has a key of its own, and what a cleaner merges is never too old.
    configs[AUDIT_ERASURES] = _deleting(ANSWER_LIFE_MS, ANSWER_SEGMENT_MS)
    configs[AUDIT_EVENTS] = _deleting(ANSWER_LIFE_MS, ANSWER_SEGMENT_MS)
    # Not compacted: an event that was read is of no use to anybody, and names somebody.
    configs[EVENTS_REPORTED] = _deleting(EVENT_LIFE_MS, EVENT_SEGMENT_MS)
    return configs


def commanding_configs(outputs: Iterable[str]) -> Mapping[str, Mapping[str, str]]:
    """Settings of the topics of commands to whoever keeps these outputs, by topic.

    An output that no plan has any more may have rows for as long as it promised.
    """
    return {erase_topic(output): _compacting() for output in sorted(set(outputs))}


def _common() -> dict[str, str]:
    # LogAppendTime: with the producer's time a fast clock pins a segment past its promise.
    return {
        "message.timestamp.type": "LogAppendTime",
        "compression.type": "producer",
        "max.message.bytes": str(BATCH_BYTES_MAX),
    }


def _deleting(retention_ms: int, segment_ms: int) -> dict[str, str]:
    return _common() | {
        "cleanup.policy": "delete",
        "retention.ms": str(retention_ms),
        "segment.ms": str(segment_ms),
    }


def _compacting() -> dict[str, str]:
    return _common() | {
        "cleanup.policy": "compact",
        **_soon(),
        "delete.retention.ms": str(TOMBSTONE_MS),
    }


def _reporting(life_ms: int) -> dict[str, str]:
    """The last word of each: none is a person's, or a reading.

    The life ends a quiet topic. On a busy one the last word of a process that is gone may stay: a
    cleaner merges it with younger ones. Whoever reads passes over what is older.
    """
    return _common() | {
        "cleanup.policy": "compact,delete",
        **_soon(),
        "retention.ms": str(life_ms),
    }


def _soon() -> dict[str, str]:
    lag = str(COMPACTION_LAG_MS_MAX)
    return {
        "min.cleanable.dirty.ratio": DIRTY_RATIO_MIN,
        "max.compaction.lag.ms": lag,
        "segment.ms": lag,
    }
