"""Trying to get in by MQTT, over TLS on this machine's own network."""

import asyncio
import ssl
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ingest.gateway.mqtt.limits import MqttLimits
from tests.ingest.gateway.mqtt.conftest import House
from tests.ingest.gateway.mqtt.fakes import Authority, Desk
from tests.ingest.gateway.mqtt.packets import (
    PING,
    connack,
    connect,
    disconnect,
    puback,
    publish,
)

Opened = Callable[..., AbstractAsyncContextManager[House]]


async def rest(reader: asyncio.StreamReader) -> bytes:
    """What comes until the door closes."""
    async with asyncio.timeout(20):
        try:
            return await reader.read(-1)
        except ConnectionError:
            return b""


async def exactly(reader: asyncio.StreamReader, wanted: bytes) -> None:
    async with asyncio.timeout(20):
        assert await reader.readexactly(len(wanted)) == wanted


async def welcomed(house: House, sent: bytes = b"", **of: Any) -> Any:
    """Connect, read the welcome, and send more."""
    reader, writer = await house.connect(**of)
    writer.write(connect() + sent)
    async with asyncio.timeout(20):
        head = await reader.readexactly(2)
        body = await reader.readexactly(head[1])
    assert (head[0], body[1]) == (0x20, 0)
    return reader, writer


async def refused(house: House, context: ssl.SSLContext) -> bool:
    """Whether TLS lets nothing in. Of version 1.3 a client is told only when it reads."""
    where = ("127.0.0.1", house.door.port)
    try:
        reader, writer = await asyncio.open_connection(*where, ssl=context)
    except (ssl.SSLError, ConnectionError):
        return True
    try:
        writer.write(connect() + publish(1))
        return not await reader.read(-1)
    except (ssl.SSLError, ConnectionError):
        return True
    finally:
        writer.close()


def without_certificate(papers: Any) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=papers.ca)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_who_has_no_certificate_gets_no_connection(
    house: Opened, version: ssl.TLSVersion
) -> None:
    async with house() as one:
        context = await asyncio.to_thread(without_certificate, one.papers)
        context.maximum_version = version
        assert await refused(one, context)
        assert (one.desk.offered, one.counts.ends) == ([], [])


async def test_the_certificate_of_another_authority_gets_no_connection(
    house: Opened, tmp_path: Path
) -> None:
    other = await asyncio.to_thread(Authority, tmp_path / "other")
    foreign = await asyncio.to_thread(other.papers, "dongle-7")
    async with house() as one:
        papers = replace(foreign, ca=one.authority.file)
        assert await refused(one, await asyncio.to_thread(papers.client))
        assert (one.desk.offered, one.counts.ends) == ([], [])


async def test_without_tls_nothing_is_answered(house: Opened) -> None:
    async with house() as one:
        reader, writer = await asyncio.open_connection("127.0.0.1", one.door.port)
        writer.write(connect() + publish(1))
        assert connack(0)[:1] not in (await rest(reader))[:1]
        writer.close()
        assert one.desk.offered == []


async def test_a_revoked_certificate_is_told_that_it_may_not(house: Opened) -> None:
    async with house() as one:
        one.keeper.revoked.add("dongle-7")
        reader, writer = await one.connect()
        writer.write(connect() + publish(1))
        assert await rest(reader) == connack(0x87)
        writer.close()
        assert one.desk.offered == []


async def test_a_revocation_ends_a_live_connection(house: Opened) -> None:
    async with house(limits=MqttLimits(recheck_s=0.05)) as one:
        reader, writer = await welcomed(one)
        one.keeper.revoked.add("dongle-7")
        assert await rest(reader) == disconnect(0x87)
        writer.close()


async def test_the_certificate_says_whose_message_it_is_and_the_client_id_nothing(
    house: Opened,
) -> None:
    async with house() as one:
        _, writer = await one.connect()
        writer.write(connect(client_id="dongle-8") + publish(1, payload=b"a"))
        await one.desk.came.wait()
        writer.close()
    assert one.desk.offered == [("dongle-7", "envelope", b"a")]


async def test_another_devices_topic_is_refused(house: Opened) -> None:
    async with house() as one:
        reader, writer = await welcomed(one, publish(1, topic="v1/dongle-8/envelopes"))
        await exactly(reader, puback(1, 0x87))
        writer.close()
    assert one.desk.offered == []


async def test_the_second_connection_of_a_device_takes_the_firsts_place(house: Opened) -> None:
    async with house() as one:
        reader, writer = await welcomed(one)
        second, of_second = await welcomed(one, publish(1))
        assert await rest(reader) == disconnect(0x8E)
        await exactly(second, puback(1))
        writer.close()
        of_second.close()


async def test_another_device_is_not_disturbed_by_it(house: Opened) -> None:
    async with house() as one:
        other = await asyncio.to_thread(one.authority.papers, "dongle-9")
        reader, writer = await welcomed(one)
        second, of_second = await welcomed(one, b"\x00garbage", papers=other)
        assert await rest(second) == disconnect(0x82)
        writer.write(publish(1))
        await exactly(reader, puback(1))
        writer.close()
        of_second.close()


async def test_no_more_than_so_many_come_in(house: Opened) -> None:
    async with house(limits=MqttLimits(connections_max=1)) as one:
        reader, writer = await welcomed(one)
        other = await asyncio.to_thread(one.authority.papers, "dongle-9")
        second, of_second = await one.connect(other)
        assert await rest(second) == b""
        of_second.close()
        assert one.counts.ends == ["too_many"]
        writer.write(PING)
        await exactly(reader, b"\xd0\x00")
        writer.close()


async def test_one_device_does_not_fill_the_house(house: Opened) -> None:
    async with house() as one:
        open_ones = [await one.connect() for _ in range(4)]
        while await one.counts.news.get() < 4:
            pass
        reader, writer = await one.connect()
        assert await rest(reader) == b""
        assert one.counts.ends == ["too_many"]
        for _, each in [*open_ones, (reader, writer)]:
            each.close()


async def test_a_packet_that_is_too_large_is_refused_by_its_head(house: Opened) -> None:
    async with house() as one:
        reader, writer = await welcomed(one, b"\x32\xff\xff\xff\x7f")
        assert await rest(reader) == disconnect(0x95)
        writer.close()


async def test_a_stop_acknowledges_what_is_in_hand_and_lets_nobody_in(house: Opened) -> None:
    desk = Desk()
    desk.open.clear()
    async with house(desk) as one:
        reader, writer = await welcomed(one, publish(1, payload=b"a"))
        await desk.came.wait()
        stopping = asyncio.create_task(one.door.stop())
        await asyncio.sleep(0)
        desk.open.set()
        assert await rest(reader) == puback(1) + disconnect(0x8B)
        writer.close()
        await stopping
        with pytest.raises(OSError, match=r"(?i)connect"):
            await one.connect()
    assert desk.taken == [b"a"]


async def test_a_stop_does_not_wait_for_a_desk_that_never_answers(house: Opened) -> None:
    desk = Desk()
    desk.open.clear()
    async with house(desk) as one:
        reader, writer = await welcomed(one, publish(1))
        await desk.came.wait()
        await one.door.stop(drain_s=0.05)
        assert puback(1) not in await rest(reader)
        writer.close()
