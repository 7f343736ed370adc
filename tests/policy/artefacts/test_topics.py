"""Every topic gets the settings its promise rests on, as Kafka writes them."""

from policy.artefacts.topics import topic_configs
from policy.plan.bounds import PASS_MS
from policy.plan.limits import Limits
from telemetry.instants import DAY_MS, HOUR_MS, MINUTE_MS
from tests.support.documents import plan_of


def test_every_topic_of_the_plan_is_named() -> None:
    assert list(topic_configs(plan_of())) == [
        "telemetry.raw",
        "purpose.study",
        "audit.flow",
        "control.links",
        "control.consents",
        "control.policies",
        "control.sealing",
        "control.collection",
        "control.erase.study",
        "audit.processes",
        "audit.erasures",
        "audit.events",
        "events.reported",
    ]


def test_an_output_topic_deletes_by_the_brokers_own_clock() -> None:
    assert topic_configs(plan_of())["purpose.study"] == {
        "cleanup.policy": "delete",
        "retention.ms": str(7 * DAY_MS - 16 * MINUTE_MS - PASS_MS),
        "segment.ms": str(10 * MINUTE_MS),
        "message.timestamp.type": "LogAppendTime",
        "compression.type": "producer",
        "max.message.bytes": "1048588",
    }


def test_the_raw_topic_promises_less() -> None:
    configs = topic_configs(plan_of(limits=Limits(raw_retention_ms_at_most=MINUTE_MS, late_ms=1)))
    assert configs["telemetry.raw"]["retention.ms"] == str(MINUTE_MS)
    assert configs["telemetry.raw"]["segment.ms"] == "15000"


def test_control_topics_forget_old_rows_within_minutes() -> None:
    configs = topic_configs(plan_of())
    assert configs["control.links"] == configs["control.consents"]
    assert configs["control.links"] == configs["control.erase.study"]
    assert configs["control.links"] == {
        "cleanup.policy": "compact",
        "min.cleanable.dirty.ratio": "0.01",
        "max.compaction.lag.ms": "60000",
        "delete.retention.ms": "7200000",
        "segment.ms": "60000",
        "message.timestamp.type": "LogAppendTime",
        "compression.type": "producer",
        "max.message.bytes": "1048588",
    }


def test_of_what_processes_say_the_last_word_of_each_is_kept() -> None:
    assert topic_configs(plan_of())["audit.processes"] == {
        "cleanup.policy": "compact,delete",
        "min.cleanable.dirty.ratio": "0.01",
        "max.compaction.lag.ms": "60000",
        "segment.ms": "60000",
        "retention.ms": str(DAY_MS),
        "message.timestamp.type": "LogAppendTime",
        "compression.type": "producer",
        "max.message.bytes": "1048588",
    }


def test_answers_of_stores_end_by_age_alone() -> None:
    # A topic that is compacted as well deletes nothing by age while it is written to.
    configs = topic_configs(plan_of())
    assert configs["audit.erasures"] == {
        **configs["purpose.study"],
        "retention.ms": str(7 * DAY_MS),
        "segment.ms": str(HOUR_MS),
    }


def test_reported_events_name_somebody_and_end_sooner() -> None:
    configs = topic_configs(plan_of())
    assert configs["audit.events"] == configs["audit.erasures"]
    assert configs["events.reported"] == {
        **configs["audit.erasures"],
        "retention.ms": str(3 * DAY_MS),
    }
