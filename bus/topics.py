"""What a topic must be, and how a topic on the cluster differs from it. Pure.

In: specifications compiled from the plan, and descriptions read by ``TopicAdmin``. Out: a list
of differences. A difference is never repaired silently: the caller refuses to run or applies.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from bus.failures import TopicError

PARTITIONS: Final = "partitions"
REPLICATION: Final = "replication"
PRESENT: Final = "present"
BROKER_DEFAULT: Final = "broker default"

_UNORDERED: Final = frozenset({"cleanup.policy"})


@dataclass(frozen=True, slots=True)
class TopicSpec:
    """A topic as it must be; ``name`` is unprefixed, ``config`` in Kafka's own words."""

    name: str
    partitions: int
    config: Mapping[str, str]
    replication: int = 1


@dataclass(frozen=True, slots=True)
class ActualTopic:
    """A topic as it is; ``config`` holds effective values, ``overrides`` what was set on it."""

    name: str
    partitions: int
    replication: int
    config: Mapping[str, str]
    overrides: frozenset[str] = field(default_factory=frozenset)


@dataclass(frozen=True, slots=True)
class Drift:
    """One setting that is not as it must be."""

    topic: str
    setting: str
    wanted: str
    found: str

    def __str__(self) -> str:
        return f"topic {self.topic}: {self.setting} is {self.found}, must be {self.wanted}"


def drift(spec: TopicSpec, actual: ActualTopic | None) -> list[Drift]:
    """Every difference, in a fixed order; empty means that the topic is as specified.

    A setting made on the topic that the specification does not name is a difference as well:
    it may be what keeps bytes longer than promised.
    """
    if actual is None:
        return [Drift(spec.name, PRESENT, "yes", "no")]
    pairs = [
        (PARTITIONS, str(spec.partitions), str(actual.partitions)),
        (REPLICATION, str(spec.replication), str(actual.replication)),
    ]
    pairs += [
        (name, wanted, actual.config.get(name, "unknown to the broker"))
        for name, wanted in sorted(spec.config.items())
    ]
    pairs += [
        (name, BROKER_DEFAULT, actual.config[name])
        for name in sorted(actual.overrides - set(spec.config))
    ]
    return [
        Drift(spec.name, name, wanted, found)
        for name, wanted, found in pairs
        if not _same(name, wanted, found)
    ]


def appliable(
    specs: Sequence[TopicSpec], actual: Mapping[str, ActualTopic | None]
) -> list[TopicSpec]:
    """The drifted ones; TopicError if bringing one to its specification would move keys."""
    changed = [spec for spec in specs if drift(spec, actual[spec.name])]
    for spec in changed:
        for one in drift(spec, actual[spec.name]):
            if one.setting in {PRESENT, PARTITIONS, REPLICATION}:
                raise TopicError(spec.name, "CannotApply", str(one))
    return changed


def _same(setting: str, wanted: str, found: str) -> bool:
    if setting in _UNORDERED:
        return set(wanted.split(",")) == set(found.split(","))
    return wanted == found
