"""kill -9 between what is durable and its acknowledgement: the client sends it again."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from paho.mqtt.client import Client, MQTTv5
from paho.mqtt.enums import CallbackAPIVersion

from tests.ingest.gateway.mqtt.fakes import Authority

MESSAGES = [f"message {number}".encode() for number in range(20)]


@contextmanager
def door(folder: Path, port: int, dies_after: int) -> Iterator[tuple[Any, int]]:
    module = "tests.ingest.gateway.mqtt.killed_door"
    process = subprocess.Popen(
        [sys.executable, "-m", module, str(folder), str(port), str(dies_after)],
        stdout=subprocess.PIPE,
    )
    with process:
        assert process.stdout is not None
        try:
            yield process, int(process.stdout.readline())
        finally:
            process.kill()


def test_each_message_that_was_acknowledged_was_taken_and_none_is_lost(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    authority.papers("server", server=True)
    papers = authority.papers("dongle-7")
    client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTv5)
    client.reconnect_delay_set(min_delay=1, max_delay=1)
    client.tls_set(str(papers.ca), str(papers.certificate), str(papers.key))
    acknowledged: list[int] = []
    all_there = threading.Event()

    def told(_: Any, __: Any, mid: int, *___: Any) -> None:
        acknowledged.append(mid)
        if len(acknowledged) >= len(MESSAGES):
            all_there.set()

    client.on_publish = told
    with door(tmp_path, 0, 7) as (process, port):
        client.connect_async("127.0.0.1", port)
        client.loop_start()
        mids = [client.publish("v1/envelopes", text, qos=1).mid for text in MESSAGES]
        assert process.wait(30) == -9
    before = len(acknowledged)
    assert before < 7 == len((tmp_path / "taken").read_bytes().splitlines())
    with door(tmp_path, port, 0):
        assert all_there.wait(30)
        client.disconnect()
        client.loop_stop()
    taken = (tmp_path / "taken").read_bytes().splitlines()
    assert sorted(acknowledged) == mids
    assert set(taken) == set(MESSAGES)
    assert taken.count(MESSAGES[6]) == 2  # durable, but not acknowledged: it came again
