"""The fixed job on bytewax: three branches of one dataflow, with its own Kafka connectors.

Runs until it is ended. bytewax commits no offsets to Kafka: a start would begin anew unless a
recovery store were set up, which is left out here.
"""

import sys
from pathlib import Path
from typing import Any, Final

import bytewax.operators as op
import orjson
from bytewax.connectors.kafka import KafkaSink, KafkaSinkMessage, KafkaSource
from bytewax.dataflow import Dataflow
from bytewax.run import cli_main

from bench.peers.by_hand import Transform, transforms
from bench.peers.task import Task

BATCH_BYTES_MAX: Final = 1024 * 1024
RECORDS_AT_ONCE: Final = 1_000


def flow_of(task: Task) -> Dataflow:
    """The dataflow."""
    servers = [task.bootstrap_servers]
    reading = {
        "group.id": task.group, "enable.auto.commit": "false",
        "fetch.max.bytes": str(4 * BATCH_BYTES_MAX),
    }  # fmt: skip
    writing = {
        "acks": "all", "linger.ms": "50", "batch.size": str(BATCH_BYTES_MAX),
        "compression.type": "none", "queue.buffering.max.messages": "500000",
    }  # fmt: skip
    flow = Dataflow("job")
    source = KafkaSource(servers, [task.raw], batch_size=RECORDS_AT_ONCE, add_config=reading)
    raw = op.input("raw", flow, source)
    envelopes = op.map("decode", raw, lambda message: orjson.loads(message.value))
    for one in transforms(task):
        wanted = op.filter(f"wanted {one.purpose}", envelopes, one.wants)
        made = op.map(f"treated {one.purpose}", wanted, _treating(one))
        op.output(f"sent {one.purpose}", made, KafkaSink(servers, one.topic, add_config=writing))
    return flow


def _treating(one: Transform) -> Any:
    def treated(envelope: dict[str, Any]) -> Any:
        return KafkaSinkMessage(
            key=one.pseudonym(envelope["device"]).encode(),
            value=orjson.dumps(one.value(envelope)),
            headers=one.headers(envelope),
        )

    return treated


if __name__ == "__main__":
    cli_main(flow_of(Task.read(Path(sys.argv[1]))))
