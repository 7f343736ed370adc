"""The settings file of the local single-node broker, as text. Pure.

One process is broker and controller (KRaft). Topics are never created by a client, and what
deletes is set on the broker, since topic deletion ignores a topic's own delay.
"""

from dataclasses import dataclass
from pathlib import Path

RECORD_MAX_BYTES = 2 * 1024 * 1024


@dataclass(frozen=True)
class BrokerDeletion:
    """How fast the broker carries out what retention decided; all in milliseconds."""

    check_interval_ms: int = 1_000
    """log.retention.check.interval.ms: how often retention is looked at."""
    delete_delay_ms: int = 1_000
    """log.segment.delete.delay.ms: from the decision to the unlinking of the file."""
    cleaner_backoff_ms: int = 1_000
    """log.cleaner.backoff.ms: how long an idle compaction thread waits."""
    initial_delay_ms: int = 500
    """log.initial.task.delay.ms: from the broker's start to its first look at retention."""


def server_properties(
    data_dir: Path, *, port: int, controller_port: int, deletion: BrokerDeletion
) -> str:
    """Return the text of ``server.properties``."""
    return f"""\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller_port}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
controller.listener.names=CONTROLLER
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs={data_dir}
auto.create.topics.enable=false
message.max.bytes={RECORD_MAX_BYTES}
replica.fetch.max.bytes={RECORD_MAX_BYTES}
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=2
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
num.network.threads=2
num.io.threads=2
# The default takes 128 MiB of heap; the control topics need a fraction of it.
log.cleaner.dedupe.buffer.size=8388608
# After a kill -9 the controller waits for the old session: 4 s instead of 12 s.
broker.session.timeout.ms=2000
broker.heartbeat.interval.ms=500
log.retention.check.interval.ms={deletion.check_interval_ms}
log.segment.delete.delay.ms={deletion.delete_delay_ms}
log.cleaner.backoff.ms={deletion.cleaner_backoff_ms}
log.initial.task.delay.ms={deletion.initial_delay_ms}
# A kill -9 brings deleted records back unless the start offset was written down.
log.flush.start.offset.checkpoint.interval.ms=1000
"""
