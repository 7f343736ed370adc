"""Only topics of readings are ended by force, and only such as are what the policy says."""

import pytest

from bus.topics import ActualTopic, TopicSpec
from roadfade.forced_end.allowed import specs_to_restore, why_not
from telemetry.topics import (
    AUDIT_ERASURES,
    AUDIT_EVENTS,
    AUDIT_FLOW,
    AUDIT_PROCESSES,
    CONTROL,
    EVENTS_REPORTED,
    RAW,
    erase_topic,
)

CONFIG = {"retention.ms": "60000", "segment.ms": "15000"}
SPECS = {
    name: TopicSpec(name, 4, CONFIG)
    for name in (
        RAW,
        "purpose.a",
        AUDIT_FLOW,
        AUDIT_PROCESSES,
        AUDIT_ERASURES,
        AUDIT_EVENTS,
        EVENTS_REPORTED,
        erase_topic("a"),
        *CONTROL,
    )
}


@pytest.mark.parametrize("topic", [RAW, "purpose.a"])
def test_topics_of_readings_may(topic: str) -> None:
    assert why_not(topic, SPECS) is None


@pytest.mark.parametrize("topic", [*CONTROL, erase_topic("a")])
def test_deleting_from_a_control_topic_would_lose_what_holds(topic: str) -> None:
    why = why_not(topic, SPECS)
    assert why is not None
    assert "withdrawn" in why
    assert "roadfade person erase" in why


def test_an_event_that_is_lost_would_keep_readings_for_longer() -> None:
    assert "for longer" in (why_not(EVENTS_REPORTED, SPECS) or "")


@pytest.mark.parametrize(
    "topic", [AUDIT_FLOW, AUDIT_PROCESSES, AUDIT_ERASURES, AUDIT_EVENTS, "purpose.b", "x"]
)
def test_others_may_not(topic: str) -> None:
    assert why_not(topic, SPECS) is not None


def found(partitions: int = 6, **config: str) -> ActualTopic:
    own = {**CONFIG, **{name.replace("_", "."): value for name, value in config.items()}}
    return ActualTopic(RAW, partitions, 3, own, frozenset(own))


def test_a_topic_keeps_its_size_and_gets_the_policys_settings() -> None:
    wanted = specs_to_restore([RAW], SPECS, {RAW: found()})
    assert wanted == [TopicSpec(RAW, 6, CONFIG, 3)]


def test_what_a_run_that_was_killed_left_is_no_obstacle() -> None:
    wanted = specs_to_restore([RAW], SPECS, {RAW: found(segment_ms="1")})
    assert wanted == [TopicSpec(RAW, 6, CONFIG, 3)]


@pytest.mark.parametrize("actual", [found(retention_ms="1"), found(file_delete_delay_ms="1"), None])
def test_a_topic_that_differs_otherwise_is_left_alone(actual: ActualTopic | None) -> None:
    why = specs_to_restore([RAW], SPECS, {RAW: actual})
    assert isinstance(why, str)
    assert "roadfade topics apply" in why
