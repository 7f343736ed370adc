"""Which topics may be ended by force, and what to do about the others. Pure."""

from collections.abc import Iterable, Mapping
from typing import Final

from bus.topics import ActualTopic, TopicSpec, drift
from telemetry.topics import (
    AUDIT_ERASURES,
    AUDIT_EVENTS,
    AUDIT_FLOW,
    AUDIT_PROCESSES,
    EVENTS_REPORTED,
    is_control,
)

SEGMENT_MS: Final = "segment.ms"
_SIZES: Final = ("partitions", "replication")
_COUNTS: Final = (AUDIT_FLOW, AUDIT_PROCESSES, AUDIT_ERASURES, AUDIT_EVENTS)


def why_not(topic: str, specs: Mapping[str, TopicSpec]) -> str | None:
    """Why a topic cannot be ended by force, and the remedy; None if it can."""
    if topic not in specs:
        return (
            f"{topic} is no topic of the policy in force; `roadfade topics show` lists those. What "
            "lies in an earlier version's topic ends by its own bound"
        )
    if is_control(topic):
        return (
            f"{topic} is compacted, and its newest rows are what holds: deleting records would "
            "bring back what was withdrawn or erased. A row goes when it is taken back (`roadfade "
            "person erase`, `consent withdraw`, `unregister`), and its bytes with the next "
            "compaction, which the office's heartbeats bring about: see that the office runs"
        )
    if topic == EVENTS_REPORTED:
        return (
            f"{topic} may hold events that the office has not read, and each that is lost keeps "
            "somebody's readings for longer: it ends by its own bound"
        )
    if topic in _COUNTS:
        return f"{topic} holds counts, and nobody's readings: it ends by its own bound"
    return None


def specs_to_restore(
    names: Iterable[str],
    specs: Mapping[str, TopicSpec],
    found: Mapping[str, ActualTopic | None],
) -> list[TopicSpec] | str:
    """The topics as they must be afterwards, with their own sizes; else why none is touched.

    A ``segment.ms`` of another value is no obstacle: an end that was killed half way left it.
    """
    wanted = []
    for name in names:
        actual = found[name]
        if actual is None:
            return f"{name} is not on the broker: `roadfade topics apply` makes it"
        strange = [
            one
            for one in drift(specs[name], actual)
            if one.setting != SEGMENT_MS and one.setting not in _SIZES
        ]
        if strange:
            return f"{strange[0]}: bring the topic back with `roadfade topics apply` first"
        wanted.append(TopicSpec(name, actual.partitions, specs[name].config, actual.replication))
    return wanted
