"""One connection in time: retries, silence, revocation, ends. No socket; hours take no time."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, cast

import pytest
from moat.lib.mqtt import ReasonCode

from ingest.gateway.mqtt.connection import Connection, Surroundings
from ingest.gateway.mqtt.held import Held
from ingest.gateway.mqtt.limits import MqttLimits
from ingest.gateway.mqtt.observer import Outcome
from ingest.gateway.mqtt.session import Session
from ingest.gateway.ports import Answer, Peer, Refusal
from telemetry.identity import DeviceId
from tests.ingest.gateway.mqtt.fakes import BUSY, Counts, Desk, Keeper
from tests.ingest.gateway.mqtt.packets import (
    GOODBYE,
    PING,
    connect,
    disconnect,
    puback,
    publish,
)
from tests.support.fast_time import fast_time

LIMITS = MqttLimits(receive_maximum=4, retry_s=20, connect_s=10, recheck_s=5)
PEER = Peer(DeviceId("dongle-7"), 1)


class Writer:
    """The half of a stream that is written to; ``stuck``: its client reads nothing."""

    def __init__(self) -> None:
        self.written, self.closed, self.aborted, self.stuck = b"", False, False, False
        self.transport = self
        self.news = asyncio.Event()

    def write(self, data: bytes) -> None:
        assert not self.closed
        self.written += data
        self.news.set()

    async def drain(self) -> None:
        if self.stuck:
            await asyncio.Event().wait()

    def is_closing(self) -> bool:
        return self.closed

    def close(self) -> None:
        self.closed = True

    async def wait_closed(self) -> None:
        await self.drain()

    def abort(self) -> None:
        self.aborted = True


class Client:
    """The other side of a connection that runs."""

    def __init__(self, desk: Desk, limits: MqttLimits = LIMITS, held: int = 1_000_000) -> None:
        self.desk, self.counts, self.keeper = desk, Counts(), Keeper()
        self.reader, self.writer = asyncio.StreamReader(), Writer()
        self.held = Held(held)
        around = Surroundings(desk, self.keeper, limits, self.counts, self.held)
        session = Session(PEER.device, limits, "given")
        streams = (self.reader, cast("asyncio.StreamWriter", self.writer))
        self.connection = Connection(PEER, session, streams, around, lambda _: None)
        self.running: asyncio.Task[None] | None = None

    def send(self, data: bytes) -> None:
        self.reader.feed_data(data)

    async def answer(self, wanted: bytes) -> None:
        """Wait until it was written."""
        async with asyncio.timeout(1_000):
            while wanted not in self.writer.written:
                self.writer.news.clear()
                await self.writer.news.wait()

    async def over(self) -> None:
        assert self.running is not None
        async with asyncio.timeout(1_000):
            await self.running


@asynccontextmanager
async def client(desk: Desk, **options: Any) -> AsyncIterator[Client]:
    with fast_time():
        one = Client(desk, **options)
        one.running = asyncio.create_task(one.connection.run())
        one.send(connect(keep_alive=60))
        yield one
        one.reader.feed_eof()
        await one.over()
    assert one.counts.failures == []


def now() -> float:
    return asyncio.get_running_loop().time()


async def test_nothing_is_acknowledged_before_the_desk_has_it() -> None:
    desk = Desk()
    desk.open.clear()
    async with client(desk) as one:
        one.send(publish(1, payload=b"a") + PING)
        await desk.came.wait()
        await one.answer(b"\xd0\x00")
        assert puback(1) not in one.writer.written
        desk.open.set()
        await one.answer(puback(1))
    assert desk.taken == [b"a"]


async def test_a_message_that_fails_first_is_acknowledged_once() -> None:
    desk = Desk([BUSY, Answer(0, {Refusal.UNAVAILABLE: 1}, retry_after_s=3), BUSY])
    async with client(desk) as one:
        one.send(publish(1, payload=b"a") + publish(2, payload=b"b"))
        await one.answer(puback(2))
        assert one.writer.written.endswith(puback(1) + puback(2))
        assert one.writer.written.count(puback(1)) == 1
    assert [payload for *_, payload in desk.offered] == [b"a", b"a", b"a", b"a", b"b"]
    assert desk.taken == [b"a", b"b"]
    assert (one.counts.again, one.counts.of_envelopes) == (3, {"accepted": 2})


@pytest.mark.parametrize(
    ("why", "code", "after_s"),
    [(Refusal.UNAVAILABLE, 0x89, 20), (Refusal.TOO_FAST, 0x96, 0)],
)
async def test_what_stays_impossible_is_sent_back_and_never_acknowledged(
    why: Refusal, code: int, after_s: int
) -> None:
    desk = Desk([Answer(0, {why: 1})] * 1_000)
    async with client(desk) as one:
        one.send(publish(1) + publish(2) + publish(None))
        began = now()
        await one.over()
        assert after_s <= now() - began <= after_s + 1
    assert one.writer.written.endswith(disconnect(code))
    assert puback(1) not in one.writer.written
    assert one.counts.of_messages == {Outcome.SENT_BACK: 2, Outcome.LOST: 1}
    assert one.counts.of_envelopes[why.value] == 1
    assert one.counts.ends == [ReasonCode(code).name.lower()]


async def test_a_long_wait_that_the_desk_asks_for_ends_with_the_patience() -> None:
    desk = Desk([Answer(0, {Refusal.UNAVAILABLE: 1}, retry_after_s=3_600)] * 3)
    async with client(desk) as one:
        one.send(publish(1))
        began = now()
        await one.over()
        assert 20 <= now() - began <= 21


@pytest.mark.parametrize(("why", "code"), [(Refusal.MALFORMED, 0x99), (Refusal.OTHER_DEVICE, 0x87)])
async def test_what_is_refused_for_good_is_told_so(why: Refusal, code: int) -> None:
    async with client(Desk([Answer(0, {why: 1})])) as one:
        one.send(publish(1) + publish(2))
        await one.answer(puback(1, code) + puback(2))
    assert one.counts.of_messages == {Outcome.REFUSED: 1, Outcome.TAKEN: 1}


async def test_another_devices_topic_is_refused_in_its_turn_and_reaches_no_desk() -> None:
    desk = Desk()
    async with client(desk) as one:
        one.send(publish(1, payload=b"a") + publish(2, topic="v1/dongle-8/envelopes"))
        await one.answer(puback(1) + puback(2, 0x87))
    assert [payload for *_, payload in desk.offered] == [b"a"]


async def test_who_says_goodbye_leaves_nothing_behind() -> None:
    desk = Desk()
    desk.open.clear()
    async with client(desk) as one:
        one.send(publish(None, payload=b"a") + publish(None, payload=b"b") + GOODBYE)
        await desk.came.wait()
        desk.open.set()
        await one.over()
    assert desk.taken == [b"a", b"b"]
    assert one.counts.ends == ["closed"]


async def test_silence_ends_after_one_and_a_half_of_the_keep_alive() -> None:
    async with client(Desk()) as one:
        await one.answer(b"\x20")
        began = now()
        for _ in range(3):
            await asyncio.sleep(50)
            one.send(PING)
        await asyncio.sleep(0)
        heard = now()
        await one.over()
        assert 90 <= now() - heard <= 96
        assert now() - began > 200
    assert one.writer.written.endswith(disconnect(0x8D))


async def test_half_a_packet_is_no_sign_of_life() -> None:
    async with client(Desk()) as one:
        await one.answer(b"\x20")
        began = now()
        for byte in publish(1, payload=b"x" * 200):
            if one.running is not None and one.running.done():
                break
            one.send(bytes((byte,)))
            await asyncio.sleep(10)
        assert now() - began <= 120
    assert one.writer.written.endswith(disconnect(0x8D))


async def test_who_does_not_connect_is_not_waited_for() -> None:
    with fast_time():
        one = Client(Desk())
        one.send(connect()[:5])
        began = now()
        await one.connection.run()
        assert 10 <= now() - began <= 15
        assert (one.writer.written, one.writer.closed) == (b"", True)


async def test_a_revoked_certificate_ends_a_silent_connection() -> None:
    async with client(Desk()) as one:
        await one.answer(b"\x20")
        one.keeper.revoked.add("dongle-7")
        began = now()
        await one.over()
        assert now() - began <= 6
    assert one.writer.written.endswith(disconnect(0x87))


async def test_a_revoked_certificate_is_asked_about_with_every_message() -> None:
    desk = Desk()
    async with client(desk) as one:
        await one.answer(b"\x20")
        one.keeper.revoked.add("dongle-7")
        one.send(publish(1))
        await one.over()
    assert desk.offered == []
    assert one.writer.written.endswith(disconnect(0x87))


async def test_a_cut_lets_the_desk_finish_and_acknowledges_nothing() -> None:
    desk = Desk()
    desk.open.clear()
    async with client(desk) as one:
        one.send(publish(1, payload=b"a") + publish(2, payload=b"b"))
        await desk.came.wait()
        one.connection.cut(ReasonCode.SESSION_TAKEN_OVER)
        desk.open.set()
        await one.over()
    assert one.writer.written.endswith(disconnect(0x8E))
    assert desk.taken == [b"a"]
    assert one.counts.of_messages == {Outcome.SENT_BACK: 2}


async def test_a_stop_acknowledges_what_is_in_hand_and_says_goodbye() -> None:
    desk = Desk()
    desk.open.clear()
    async with client(desk) as one:
        one.send(publish(1) + publish(2))
        await desk.came.wait()
        one.connection.finish(ReasonCode.SERVER_SHUTTING_DOWN)
        desk.open.set()
        await one.over()
    assert one.writer.written.endswith(puback(1) + puback(2) + disconnect(0x8B))


async def test_a_stop_waits_for_no_message_that_cannot_be_taken() -> None:
    async with client(Desk([BUSY] * 100)) as one:
        one.send(publish(1))
        await one.counts.tried.wait()
        began = now()
        one.connection.finish(ReasonCode.SERVER_SHUTTING_DOWN)
        await one.over()
        assert now() - began < 1
    assert one.writer.written.endswith(disconnect(0x89))


async def test_a_broken_desk_ends_the_connection_without_an_acknowledgement() -> None:
    class Broken(Desk):
        async def take(self, peer: Peer, format_: str, payload: bytes) -> Answer:
            raise LookupError(payload)

    with fast_time():
        one = Client(Broken())
        one.send(connect() + publish(1, payload=b"secret"))
        await one.connection.run()
    assert one.writer.written.endswith(disconnect(0x80))
    assert puback(1) not in one.writer.written
    assert one.counts.failures == ["LookupError"]


async def test_nobody_reads_while_the_hand_is_full_and_pings_are_not_missed_for_it() -> None:
    desk = Desk()
    desk.open.clear()
    async with client(desk, held=10, limits=replace(LIMITS, retry_s=1_000)) as one:
        one.send(publish(1, payload=b"x" * 10))
        await desk.came.wait()
        one.send(publish(2, payload=b"y" * 10))
        await asyncio.sleep(200)
        assert one.held.full
        assert disconnect(0x8D) not in one.writer.written
        desk.open.set()
        await one.answer(puback(2))
        assert not one.held.full


async def test_what_is_beyond_a_share_is_not_kept_also_of_qos_0() -> None:
    desk = Desk([Answer(0, {Refusal.TOO_FAST: 1, Refusal.UNAVAILABLE: 1}, retry_after_s=3)])
    async with client(desk) as one:
        one.send(publish(None) + publish(1))
        await one.over()
    assert one.writer.written.endswith(disconnect(0x96))
    assert (len(desk.offered), one.counts.again) == (1, 0)
    assert one.counts.of_messages == {Outcome.LOST: 1, Outcome.SENT_BACK: 1}


async def test_one_connection_fills_its_own_hand_and_not_all() -> None:
    desk = Desk()
    desk.open.clear()
    async with client(desk, limits=replace(LIMITS, retry_s=1_000, held_bytes_max=80)) as one:
        one.send(publish(1, payload=b"x" * 10))
        await desk.came.wait()
        one.send(PING)
        await asyncio.sleep(200)
        assert b"\xd0\x00" not in one.writer.written
        assert not one.held.full
        desk.open.set()
        await one.answer(b"\xd0\x00")


async def test_a_client_that_reads_no_answer_is_left() -> None:
    async with client(Desk()) as one:
        await one.answer(b"\x20")
        one.writer.stuck = True
        one.send(PING)
        began = now()
        await one.over()
        assert now() - began <= 110
    assert one.writer.aborted
