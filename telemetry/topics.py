"""Every topic and consumer group by name, without an installation's prefix.

Topics of outputs are not listed: the policy names them, ``purpose.<id>[.<recipient>]``.
"""

from collections.abc import Iterable
from typing import Final

RAW: Final = "telemetry.raw"
"""Envelopes of the gateways."""
AUDIT_FLOW: Final = "audit.flow"
"""What became of every reading: counts, no people."""
AUDIT_PROCESSES: Final = "audit.processes"
"""What every process says of itself: figures, no people. Compacted, and deleted after a day."""
AUDIT_ERASURES: Final = "audit.erasures"
"""What stores answer to commands of erasure: counts, no people."""
AUDIT_EVENTS: Final = "audit.events"
"""Which reported events the office refused, by their place, and why: no people."""
EVENTS_REPORTED: Final = "events.reported"
"""What happened that ends lives, as other systems report it. It names people and devices."""
CONTROL_LINKS: Final = "control.links"
CONTROL_CONSENTS: Final = "control.consents"
CONTROL_POLICIES: Final = "control.policies"
CONTROL_SEALING: Final = "control.sealing"
"""For which public keys front doors seal; nobody else reads it."""
CONTROL: Final = (CONTROL_LINKS, CONTROL_CONSENTS, CONTROL_POLICIES, CONTROL_SEALING)
"""What the office publishes, and keeps alive by heartbeats; all are compacted."""
CONTROL_OF_WORKERS: Final = (CONTROL_LINKS, CONTROL_CONSENTS, CONTROL_POLICIES)
"""What workers decide by."""
CONTROL_COLLECTION: Final = "control.collection"
"""Signed lists of what each device is to collect, for gateways. The office publishes it, as the
others; no worker reads it, and an office that is lost makes the lists anew."""
_ERASE: Final = "control.erase."
_PURPOSE: Final = "purpose."
HEARTBEAT_KEY: Final = b"~heartbeat"
"""The key of the office's heartbeat on every partition of a control topic."""

WORKER_GROUP: Final = "roadfade-worker"
LEDGER_GROUP: Final = "roadfade-ledger"
SINK_GROUP: Final = "roadfade-sink"
GROUPS: Final = (WORKER_GROUP, LEDGER_GROUP, SINK_GROUP)
"""Whoever else reads a topic in a group is none of ours."""


def purpose_topic(output: str) -> str:
    """The topic of an output's records, by the output's id: ``<purpose>[.<recipient>]``."""
    return _PURPOSE + output


def erase_topic(output: str) -> str:
    """The compacted topic of commands to whoever keeps an output's records."""
    return _ERASE + output


def erase_topics(topics: Iterable[str]) -> tuple[str, ...]:
    """The topics of commands that go with these topics: one for each output's."""
    return tuple(_ERASE + one[len(_PURPOSE) :] for one in topics if one.startswith(_PURPOSE))


def commanded_output(topic: str) -> str | None:
    """The output to whose stores a topic carries commands; None if it carries none."""
    return topic.removeprefix(_ERASE) if topic.startswith(_ERASE) else None


def is_control(topic: str) -> bool:
    """Whether the office publishes there, and keeps it alive by heartbeats."""
    return topic in CONTROL or topic == CONTROL_COLLECTION or topic.startswith(_ERASE)


def is_kept_by_topics(topic: str) -> bool:
    """Whether rows of the office lie there that nothing else could make again, were it lost."""
    return is_control(topic) and topic != CONTROL_COLLECTION


def partitions_fixed(topic: str) -> int | None:
    """How many partitions a topic has in every installation; None: as many as it is sized for.

    Commands and their answers are few, and so are events; each has one order.
    """
    few = (AUDIT_ERASURES, AUDIT_EVENTS, EVENTS_REPORTED)
    return 1 if topic.startswith(_ERASE) or topic in few else None
