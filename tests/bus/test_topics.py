from bus.topics import ActualTopic, Drift, TopicSpec, drift

SPEC = TopicSpec("purpose.a", 4, {"retention.ms": "60000", "cleanup.policy": "compact,delete"})


def actual(**changes: object) -> ActualTopic:
    config = {"retention.ms": "60000", "cleanup.policy": "delete,compact", "segment.ms": "7"}
    fields: dict[str, object] = {
        "name": "purpose.a", "partitions": 4, "replication": 1, "config": config,
        "overrides": frozenset({"retention.ms", "cleanup.policy"}), **changes,
    }  # fmt: skip
    return ActualTopic(**fields)  # type: ignore[arg-type]


def test_a_topic_as_specified_has_no_drift() -> None:
    assert drift(SPEC, actual()) == []


def test_the_order_of_cleanup_policies_means_nothing() -> None:
    config = {"retention.ms": "60000", "cleanup.policy": "delete"}
    found = drift(SPEC, actual(config=config))
    assert [one.setting for one in found] == ["cleanup.policy"]


def test_a_missing_topic_is_one_drift() -> None:
    assert drift(SPEC, None) == [Drift("purpose.a", "present", "yes", "no")]


def test_every_difference_is_named_with_both_values() -> None:
    config = {"retention.ms": "1", "cleanup.policy": "compact,delete"}
    found = drift(SPEC, actual(partitions=3, replication=2, config=config))
    assert [(d.setting, d.wanted, d.found) for d in found] == [
        ("partitions", "4", "3"),
        ("replication", "1", "2"),
        ("retention.ms", "60000", "1"),
    ]
    assert str(found[2]) == "topic purpose.a: retention.ms is 1, must be 60000"


def test_a_setting_that_is_not_specified_is_drift() -> None:
    found = drift(SPEC, actual(overrides=frozenset({"segment.ms"})))
    assert found == [Drift("purpose.a", "segment.ms", "broker default", "7")]


def test_a_value_that_is_the_default_anyway_is_no_drift() -> None:
    assert drift(SPEC, actual(overrides=frozenset())) == []
