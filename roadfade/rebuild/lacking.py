"""Whether the control topics hold all that the office had published, as its heartbeats tell it.

In: the topics as they were read, the memory of what was removed. Out: what is wrong, partition by
partition, in words; nothing if all is there. A rebuilt office must not lack a withdrawal or an
objection in silence.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from office.rebuilt.explained import explained
from office.rebuilt.partition import Lying
from office.replay_memory.known import Known
from roadfade.rebuild.topics import Found
from telemetry.topics import CONTROL, CONTROL_SEALING
from telemetry.wire.control import Heartbeat


class Lack(NamedTuple):
    """Something that a topic lacks, or that cannot be known of it."""

    topic: str
    partition: int | None
    """None: of all of it."""
    why: str

    def __str__(self) -> str:
        where = "" if self.partition is None else f", partition {self.partition}"
        return f"{self.topic}{where}: {self.why}"


def lacks(
    found: Found,
    missing: Iterable[str],
    unreadable: Mapping[str, int],
    known: Known,
    now_ms: int,
) -> list[Lack]:
    """All that is wrong; ``missing`` topics, and how many rows of a topic cannot be read."""
    wrong = [Lack(topic, None, "it is not there") for topic in missing]
    newest = max((one.high_water for one in found.lying.values()), default=0)
    for (topic, number), one in sorted(found.lying.items()):
        if topic == CONTROL_SEALING:
            continue  # an office publishes again what it has keys for, and takes out the rest
        why = _why(topic, one, newest, known, now_ms)
        if why is not None:
            wrong.append(Lack(topic, number, why))
    return wrong + [
        Lack(topic, None, f"{count:,} rows cannot be read by this program")
        for topic, count in sorted(unreadable.items())
    ]


def _why(topic: str, one: Lying, newest: int, known: Known, now_ms: int) -> str | None:
    if one.beat is None:
        # The topic of a version that is to come: no office has published to it yet.
        unused = topic not in CONTROL and not one.rows and not one.passed_over
        return None if unused else "no heartbeat of the office lies there"
    return _untold(one, one.beat, newest) or _behind(topic, one, known, now_ms)


def _untold(one: Lying, beat: Heartbeat, newest: int) -> str | None:
    """What is wrong up to the newest heartbeat."""
    if beat.contents is None:
        return "its newest heartbeat does not tell what lies there"
    if beat.contents != one.at_beat:
        told, rows = beat.contents.rows, one.at_beat.rows
        other = "others" if told == rows else f"{rows:,}"
        return f"its newest heartbeat tells of {told:,} rows, and {other} lay there"
    if beat.high_water < newest:
        return "its newest heartbeat is older than that of other partitions, so its end is missing"
    return None


def _behind(topic: str, one: Lying, known: Known, now_ms: int) -> str | None:
    """What is wrong behind it."""
    if one.passed_over:
        return "a batch behind its newest heartbeat cannot be unpacked"
    strange = sum(not explained(topic, change, known, now_ms) for change in one.behind)
    if strange:
        return (
            f"{strange:,} rows were deleted or changed behind its newest heartbeat, and the memory "
            "of what was removed does not know why"
        )
    return None
