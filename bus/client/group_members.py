"""Which topics the members of groups read, out of the broker's own answers. Pure.

In: DescribeGroups answers. Out: topics by group. A group that is being shared out just then has
members whose topics are not told: it may read any.
"""

from collections.abc import Iterable
from typing import Any, Final, NamedTuple

from aiokafka.coordinator.protocol import ConsumerProtocolMemberMetadata

CONSUMERS: Final = "consumer"
"""The protocol of groups that share topics out; Kafka's own connectors have another."""


class ReadNow(NamedTuple):
    """What a group's members read."""

    topics: frozenset[str]
    maybe_others: bool
    """Whether a member did not tell, or not so that it can be read."""


def read_now(answers: Iterable[Any]) -> dict[str, ReadNow]:
    """By group; one without members, or of another kind, reads nothing."""
    found = {}
    for _, group, _, kind, _, members, *_ in (one for answer in answers for one in answer.groups):
        told = [_subscribed(metadata) for _, _, _, metadata, _ in members if kind == CONSUMERS]
        topics = frozenset(topic for topics in told if topics for topic in topics)
        found[group] = ReadNow(topics, None in told)
    return found


def _subscribed(metadata: bytes) -> frozenset[str] | None:
    """The topics that a member subscribed to; None if it cannot be read."""
    try:
        return frozenset(ConsumerProtocolMemberMetadata.decode(metadata).subscription)
    except Exception:  # noqa: BLE001  # of another client, or none: nothing is let through, it may read any topic
        return None
