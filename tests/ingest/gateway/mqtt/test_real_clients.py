"""Clients that others wrote: Debian's mosquitto_pub and mosquitto_sub, and paho."""

import asyncio
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from paho.mqtt.client import Client, MQTTv5, MQTTv311
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from ingest.gateway.mqtt.limits import MqttLimits
from tests.ingest.gateway.mqtt.conftest import House
from tests.ingest.gateway.mqtt.fakes import BUSY, Authority, Desk

Opened = Callable[..., AbstractAsyncContextManager[House]]
needs_mosquitto = pytest.mark.skipif(
    shutil.which("mosquitto_pub") is None, reason="mosquitto-clients is not installed"
)
TOPIC = "v1/envelopes"


async def mosquitto(program: str, *args: str) -> tuple[int | None, str]:
    process = await asyncio.create_subprocess_exec(
        program, *args, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    try:
        async with asyncio.timeout(30):
            said, _ = await process.communicate()
    except BaseException:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        raise
    return process.returncode, said.decode()


def message(topic: str = TOPIC, text: str = "{}", qos: int = 1) -> list[str]:
    return ["-t", topic, "-m", text, "-q", str(qos), "-d"]


@needs_mosquitto
@pytest.mark.parametrize("qos", [0, 1])
async def test_mosquitto_pub_publishes(house: Opened, qos: int) -> None:
    async with house() as one:
        code, said = await mosquitto("mosquitto_pub", *one.args(), *message(text="a", qos=qos))
        assert code == 0, said
        assert "CONNACK (0)" in said
        assert ("PUBACK" in said) == bool(qos)
    assert one.desk.offered == [("dongle-7", "envelope", b"a")]


@needs_mosquitto
async def test_mosquitto_pub_sends_many_in_order(house: Opened, tmp_path: Path) -> None:
    lines = [f"line {number}" for number in range(300)]
    file = tmp_path / "lines"
    file.write_text("\n".join(lines) + "\n")
    async with house(limits=MqttLimits(receive_maximum=3)) as one:
        command = f"exec mosquitto_pub {' '.join(one.args())} -t {TOPIC} -q 1 -l < {file}"
        code, said = await mosquitto("sh", "-c", command)
        assert code == 0, said
    assert one.desk.taken == [line.encode() for line in lines]


@needs_mosquitto
@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        (["-t", "v1/dongle-8/envelopes", "-m", "{}", "-q", "1", "-d"], "RC:135"),
        (["-t", "v1/unheard-of", "-m", "{}", "-q", "1", "-d"], "RC:144"),
        ([*message(), "--will-topic", TOPIC, "--will-payload", "x"], "(131)"),
        ([*message(), "-u", "somebody", "-P", "something"], "(134)"),
    ],
)
async def test_mosquitto_pub_is_told_why_not(house: Opened, asked: list[str], reason: str) -> None:
    async with house() as one:
        _, said = await mosquitto("mosquitto_pub", *one.args(), *asked)
    assert reason in said
    assert one.desk.offered == []


@needs_mosquitto
async def test_mosquitto_pub_sends_nothing_of_qos_2(house: Opened) -> None:
    async with house() as one:
        await mosquitto("mosquitto_pub", *one.args(), *message(qos=2))
    assert one.desk.offered == []


@needs_mosquitto
@pytest.mark.parametrize("version", ["311", "31"])
async def test_an_old_mosquitto_pub_understands_its_refusal(house: Opened, version: str) -> None:
    async with house() as one:
        args = [version if word == "5" else word for word in one.args()]
        args[args.index("-V") + 1] = f"mqttv{version}"
        code, said = await mosquitto("mosquitto_pub", *args, *message())
    assert code != 0
    assert "unacceptable protocol version" in said
    assert one.desk.offered == []


@needs_mosquitto
async def test_mosquitto_pub_without_a_certificate_or_with_a_strangers(
    house: Opened, tmp_path: Path
) -> None:
    other = await asyncio.to_thread(Authority, tmp_path / "other")
    foreign = await asyncio.to_thread(other.papers, "dongle-7")
    async with house() as one:
        bare = one.args()[: one.args().index("--cert")]
        strange = one.args(replace(foreign, ca=one.authority.file))
        for args in (bare, strange):
            code, _ = await mosquitto("mosquitto_pub", *args, *message())
            assert code != 0
    assert one.desk.offered == []


@needs_mosquitto
async def test_mosquitto_sub_hears_nothing(house: Opened) -> None:
    async with house() as one:
        code, said = await mosquitto("mosquitto_sub", *one.args(), "-t", "#", "-W", "20")
    assert "denied" in said, (code, said)


class Paho:
    """paho, which keeps what was not acknowledged and connects again by itself."""

    def __init__(
        self, house: House, loop: asyncio.AbstractEventLoop, version: MQTTProtocolVersion = MQTTv5
    ) -> None:
        self.client = Client(CallbackAPIVersion.VERSION2, client_id="whoever", protocol=version)
        self.acknowledged: asyncio.Queue[int] = asyncio.Queue()
        self.welcomes: asyncio.Queue[str] = asyncio.Queue()
        self.client.reconnect_delay_set(min_delay=1, max_delay=1)
        self.client.tls_set(
            str(house.papers.ca), str(house.papers.certificate), str(house.papers.key)
        )

        def told(_: Any, __: Any, mid: int, *___: Any) -> None:
            loop.call_soon_threadsafe(self.acknowledged.put_nowait, mid)

        def welcomed(_: Any, __: Any, ___: Any, reason: Any, ____: Any) -> None:
            loop.call_soon_threadsafe(self.welcomes.put_nowait, str(reason))

        self.client.on_publish = told
        self.client.on_connect = welcomed


@contextmanager
def paho(house: House, version: MQTTProtocolVersion = MQTTv5) -> Iterator[Paho]:
    one = Paho(house, asyncio.get_running_loop(), version)
    one.client.connect_async("127.0.0.1", house.door.port)
    one.client.loop_start()
    try:
        yield one
    finally:
        one.client.disconnect()
        one.client.loop_stop()


async def test_paho_sees_an_acknowledgement_after_the_desk_has_the_message(
    house: Opened,
) -> None:
    desk = Desk()
    desk.open.clear()
    async with house(desk) as one:
        with paho(one) as client:
            sent = client.client.publish(TOPIC, b"a", qos=1)
            await desk.came.wait()
            assert not sent._published
            desk.open.set()
            assert await asyncio.wait_for(client.acknowledged.get(), 20) == sent.mid
    assert desk.taken == [b"a"]


async def test_paho_keeps_what_was_sent_back_and_brings_it_again(house: Opened) -> None:
    desk = Desk([BUSY] * 3)
    async with house(desk, MqttLimits(retry_s=0.1)) as one:
        with paho(one) as client:
            mids = [client.client.publish(TOPIC, text, qos=1).mid for text in (b"a", b"b", b"c")]
            heard = [await asyncio.wait_for(client.acknowledged.get(), 30) for _ in mids]
            assert client.welcomes.qsize() > 1
    assert heard == mids
    assert desk.taken == [b"a", b"b", b"c"]


async def test_an_old_paho_understands_its_refusal(house: Opened) -> None:
    async with house() as one:
        with paho(one, MQTTv311) as client:
            why = await asyncio.wait_for(client.welcomes.get(), 20)
    assert why == "Unsupported protocol version"
