"""The fixed job on quixstreams: three branches of one dataframe. Runs until it is ended."""

import sys
from pathlib import Path
from typing import Any, Final

from quixstreams import Application

from bench.peers.by_hand import Transform, transforms
from bench.peers.task import Task

BATCH_BYTES_MAX: Final = 1024 * 1024


def application_of(task: Task) -> Any:
    """The application with its dataframe."""
    application = Application(
        broker_address=task.bootstrap_servers,
        consumer_group=task.group,
        auto_offset_reset="earliest",
        auto_create_topics=False,
        loglevel="WARNING",
        processing_guarantee="at-least-once",
        use_changelog_topics=False,
        state_dir=task.state_dir,
        producer_extra_config={
            "acks": "all", "linger.ms": 50, "batch.size": BATCH_BYTES_MAX,
            "compression.type": "none", "queue.buffering.max.messages": 500_000,
        },
        consumer_extra_config={
            "fetch.max.bytes": 4 * BATCH_BYTES_MAX, "max.partition.fetch.bytes": BATCH_BYTES_MAX,
        },
    )  # fmt: skip
    raw = application.topic(task.raw, value_deserializer="json", key_deserializer="bytes")
    frame = application.dataframe(raw)
    for one in transforms(task):
        topic = application.topic(one.topic, value_serializer="json", key_serializer="str")
        branch = frame.filter(one.wants).set_headers(_headed(one)).apply(one.value)
        branch.to_topic(topic, key=lambda value: value["pseudonym"])
    return application


def _headed(one: Transform) -> Any:
    def headed(envelope: dict[str, Any], *_: object) -> Any:
        return one.headers(envelope)

    return headed


if __name__ == "__main__":
    application_of(Task.read(Path(sys.argv[1]))).run()
