"""From plan to access rights: one principal per output reads its topic, and nothing else.

In the words of Kafka's own ``kafka-acls``. What is not listed is denied, as long as the
broker runs an authorizer and ``allow.everyone.if.no.acl.found`` is false.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

from policy.groups import LEDGER_GROUP, SINK_GROUP, WORKER_GROUP
from policy.plan import Plan
from policy.topics import RAW, topic_configs
from telemetry import control, flow

Resource = Literal["topic", "group", "cluster"]

WORKER: Final = "roadfade-worker"
SINK: Final = "roadfade-sink"
OFFICE: Final = "roadfade-office"
GATEWAY: Final = "roadfade-gateway"
ADMIN: Final = "roadfade-admin"
READER: Final = "roadfade-reader."
CLUSTER: Final = "kafka-cluster"


@dataclass(frozen=True, slots=True)
class Acl:
    """One principal may do one thing with one resource, named literally."""

    principal: str
    operation: str
    resource: Resource
    name: str

    @property
    def arguments(self) -> str:
        """The arguments of ``kafka-acls`` that add it."""
        named = "--cluster" if self.resource == "cluster" else f"--{self.resource} {self.name}"
        added = f"--add --allow-principal User:{self.principal} --operation {self.operation}"
        return f"{added} {named}"


def acls(plan: Plan, prefix: str = "") -> tuple[Acl, ...]:
    """Every right that the processes and readers of this plan need, and no other.

    ``prefix`` stands before every topic and group of this installation.
    """
    return tuple(dict.fromkeys(_all(plan, prefix)))


def _all(plan: Plan, prefix: str) -> Iterator[Acl]:
    def topic(principal: str, name: str, *operations: str) -> Iterator[Acl]:
        for operation in operations:
            yield Acl(principal, operation, "topic", prefix + name)

    def group(principal: str, name: str) -> Iterator[Acl]:
        yield Acl(principal, "Read", "group", prefix + name)

    topics = [output.topic for output in plan.outputs]
    # The worker compares every topic's settings with the plan before it starts.
    yield from _settings(WORKER, prefix, tuple(topic_configs(plan)))
    yield from topic(WORKER, RAW, "Read")
    yield from group(WORKER, WORKER_GROUP)
    yield from group(WORKER, LEDGER_GROUP)
    for name in (control.LINKS, control.CONSENTS):
        yield from topic(WORKER, name, "Read")
        yield from topic(OFFICE, name, "Write")
    for name in topics:
        yield from topic(WORKER, name, "Write")
        yield from topic(SINK, name, "Read")
    yield from topic(WORKER, flow.TOPIC, "Read", "Write")
    yield from group(SINK, SINK_GROUP)
    yield from _settings(SINK, prefix, tuple(topic_configs(plan)))
    yield from topic(GATEWAY, RAW, "Write")
    for output in plan.outputs:
        yield from topic(READER + output.id, output.topic, "Read")
        yield from group(READER + output.id, READER + output.id)
    yield Acl(ADMIN, "DescribeConfigs", "cluster", CLUSTER)
    for name in topic_configs(plan):
        yield from topic(ADMIN, name, "Create", "Describe", "DescribeConfigs", "AlterConfigs")


def _settings(principal: str, prefix: str, topics: tuple[str, ...]) -> Iterator[Acl]:
    yield Acl(principal, "DescribeConfigs", "cluster", CLUSTER)
    for name in topics:
        yield Acl(principal, "DescribeConfigs", "topic", prefix + name)
