"""From plan to access rights: one principal per output reads its topic, and nothing else.

In the words of Kafka's own ``kafka-acls``. What is not listed is denied, as long as the
broker runs an authorizer and ``allow.everyone.if.no.acl.found`` is false.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

from policy.artefacts.topics import topic_configs
from policy.plan.plan import Plan
from telemetry.topics import (
    AUDIT_ERASURES,
    AUDIT_EVENTS,
    AUDIT_FLOW,
    AUDIT_PROCESSES,
    CONTROL_COLLECTION,
    CONTROL_OF_WORKERS,
    CONTROL_POLICIES,
    CONTROL_SEALING,
    EVENTS_REPORTED,
    LEDGER_GROUP,
    RAW,
    SINK_GROUP,
    WORKER_GROUP,
    erase_topics,
    is_control,
)

Resource = Literal["topic", "group", "cluster"]

WORKER: Final = "roadfade-worker"
SINK: Final = "roadfade-sink"
SWEEP: Final = "roadfade-sweep"
OFFICE: Final = "roadfade-office"
GATEWAY: Final = "roadfade-gateway"
REPORTER: Final = "roadfade-reporter"
"""Another system that reports events: whoever may write there can shorten lives."""
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

    ``prefix`` comes before every topic and group of this installation.
    """
    return tuple(dict.fromkeys(_all(plan, prefix)))


def _all(plan: Plan, prefix: str) -> Iterator[Acl]:
    for process in (WORKER, SINK, SWEEP, OFFICE, GATEWAY):
        yield from _topic(process, prefix, AUDIT_PROCESSES, "Write")
    yield from _worker(plan, prefix)
    yield from _sink(plan, prefix)
    yield from _versions(SWEEP, prefix)
    yield from _gateway(prefix)
    yield from _topic(REPORTER, prefix, EVENTS_REPORTED, "Write")
    yield from _topic(REPORTER, prefix, AUDIT_EVENTS, "Read")
    for output in plan.outputs:
        yield from _topic(READER + output.id, prefix, output.topic, "Read")
        yield _group(READER + output.id, prefix, READER + output.id)
    yield from _office(plan, prefix)
    yield from _admin(plan, prefix)


def _gateway(prefix: str) -> Iterator[Acl]:
    # It collects what the version in force allows, and reads nothing back of what it wrote.
    yield from _versions(GATEWAY, prefix)
    # How many partitions there are decides where a device's envelopes go.
    yield from _topic(GATEWAY, prefix, RAW, "DescribeConfigs", "Write")
    # For which keys it seals: public ones.
    yield from _topic(GATEWAY, prefix, CONTROL_SEALING, "DescribeConfigs", "Read")
    # What devices are to collect: it hands them out as they are.
    yield from _topic(GATEWAY, prefix, CONTROL_COLLECTION, "DescribeConfigs", "Read")


def _worker(plan: Plan, prefix: str) -> Iterator[Acl]:
    # The worker compares every topic's settings with the plan before it starts.
    yield from _settings(WORKER, plan, prefix)
    yield from _topic(WORKER, prefix, RAW, "Read")
    for name in CONTROL_OF_WORKERS:
        yield from _topic(WORKER, prefix, name, "Read")
    for output in plan.outputs:
        yield from _topic(WORKER, prefix, output.topic, "Write")
    # What it may not read is missing to it without Describe, and it does not start then.
    commands = erase_topics(one.topic for one in plan.outputs)
    unread = (AUDIT_ERASURES, AUDIT_EVENTS, EVENTS_REPORTED, CONTROL_SEALING, CONTROL_COLLECTION)
    for name in (*commands, *unread):
        yield from _topic(WORKER, prefix, name, "Describe")
    yield from _topic(WORKER, prefix, AUDIT_FLOW, "Read", "Write")
    yield _group(WORKER, prefix, WORKER_GROUP)
    yield _group(WORKER, prefix, LEDGER_GROUP)


def _sink(plan: Plan, prefix: str) -> Iterator[Acl]:
    yield from _settings(SINK, plan, prefix)
    kept = {output.topic for output in plan.outputs}
    commands = set(erase_topics(kept))
    for name in topic_configs(plan):
        # It does not start if a topic is missing, and without Describe one that it may not
        # read is missing to it; DescribeConfigs alone does not show that a topic is there.
        read = name in kept or name == CONTROL_POLICIES or name in commands
        yield from _topic(SINK, prefix, name, "Read" if read else "Describe")
    yield from _topic(SINK, prefix, AUDIT_ERASURES, "Write")
    yield _group(SINK, prefix, SINK_GROUP)


def _office(plan: Plan, prefix: str) -> Iterator[Acl]:
    for name in filter(is_control, topic_configs(plan)):
        # It compares what lies there with its registry.
        yield from _topic(OFFICE, prefix, name, "Read", "Write")
    yield from _topic(OFFICE, prefix, AUDIT_ERASURES, "Read")
    yield from _topic(OFFICE, prefix, EVENTS_REPORTED, "Read")
    yield from _topic(OFFICE, prefix, AUDIT_EVENTS, "Write")
    # It makes the topics follow the version in force; how far they are read it asks by offsets.
    yield from _administration(OFFICE, plan, prefix)
    for output in plan.outputs:
        yield from _topic(OFFICE, prefix, output.topic, "Delete")
    for name in (WORKER_GROUP, SINK_GROUP):
        yield Acl(OFFICE, "Describe", "group", prefix + name)


def _admin(plan: Plan, prefix: str) -> Iterator[Acl]:
    # ``topics apply`` applies the version in force, and ``status`` reports what waits and what
    # each process says of itself.
    yield from _versions(ADMIN, prefix)
    yield from _topic(ADMIN, prefix, AUDIT_PROCESSES, "Read")
    # ``topics show`` compares rights; to change them takes the broker's own administrator.
    yield Acl(ADMIN, "Describe", "cluster", CLUSTER)
    yield from _administration(ADMIN, plan, prefix)
    for name in (WORKER_GROUP, LEDGER_GROUP, SINK_GROUP):
        yield Acl(ADMIN, "Describe", "group", prefix + name)


def _versions(principal: str, prefix: str) -> Iterator[Acl]:
    """What it takes to hear the versions of the policy, and to compile them for this broker."""
    # A plan holds for the broker's own deletion settings, and a topic is opened by describing it.
    yield Acl(principal, "DescribeConfigs", "cluster", CLUSTER)
    yield from _topic(principal, prefix, CONTROL_POLICIES, "DescribeConfigs", "Read")


def _administration(principal: str, plan: Plan, prefix: str) -> Iterator[Acl]:
    yield Acl(principal, "DescribeConfigs", "cluster", CLUSTER)
    for name in topic_configs(plan):
        yield from _topic(
            principal, prefix, name, "Create", "Describe", "DescribeConfigs", "AlterConfigs"
        )


def _settings(principal: str, plan: Plan, prefix: str) -> Iterator[Acl]:
    yield Acl(principal, "DescribeConfigs", "cluster", CLUSTER)
    for name in topic_configs(plan):
        yield from _topic(principal, prefix, name, "DescribeConfigs")


def _topic(principal: str, prefix: str, name: str, *operations: str) -> Iterator[Acl]:
    for operation in operations:
        yield Acl(principal, operation, "topic", prefix + name)


def _group(principal: str, prefix: str, name: str) -> Acl:
    return Acl(principal, "Read", "group", prefix + name)
