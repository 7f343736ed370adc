"""What the cluster's administrative answers mean: codes into errors, rows into descriptions."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any, Final

from aiokafka.errors import UnknownTopicOrPartitionError, for_code

from bus.failures import TopicError
from bus.topics import ActualTopic

GONE: Final = UnknownTopicOrPartitionError.errno
SET_ON_TOPIC: Final = 1
"""``DYNAMIC_TOPIC_CONFIG`` in Kafka's DescribeConfigs answer."""


def check_codes(rows: Iterable[Any], allowed: Collection[str] = ()) -> None:
    """Raise TopicError for the first (topic, code[, message]) row that is neither 0 nor allowed."""
    for topic, code, *message in rows:
        name = for_code(code).__name__
        if code and name not in allowed:
            raise TopicError(topic, name, (message[0] if message else None) or "")


def settings_of(resource: Any) -> dict[str, str]:
    """The effective settings of one described resource; sensitive ones are empty."""
    code, message, _, name, entries = resource
    check_codes([(name, code, message)])
    return {entry[0]: entry[1] or "" for entry in entries}


def descriptions(
    present: Iterable[Mapping[str, Any]], answers: Iterable[Any], names: Mapping[str, str]
) -> dict[str, ActualTopic]:
    """Topics by our name, out of the metadata and the settings answers.

    One that was deleted between the two questions is absent.
    """
    resources = {resource[3]: resource for answer in answers for resource in answer.resources}
    found = {}
    for topic in present:
        full = topic["topic"]
        resource = resources[full]
        if GONE in (topic["error_code"], resource[0]):
            continue
        check_codes([(full, topic["error_code"])])
        partitions = topic["partitions"]
        found[names[full]] = ActualTopic(
            name=names[full],
            partitions=len(partitions),
            replication=min(len(one["replicas"]) for one in partitions),
            config=settings_of(resource),
            overrides=frozenset(e[0] for e in resource[4] if e[3] == SET_ON_TOPIC),
        )
    return found
