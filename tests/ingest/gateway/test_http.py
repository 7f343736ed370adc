"""The HTTPS door on loopback: every refusal, by real requests over real TLS."""

import asyncio
import gzip
import io
import json
import ssl
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest

from ingest.gateway.formats import ENVELOPES_MAX, MESSAGE_BYTES_MAX
from ingest.gateway.http_listener import OF_ONE_DEVICE_MAX, Bounds
from ingest.gateway.opening import ClosedError, Opening, Room
from ingest.gateway.problems import PROBLEM_TYPE
from telemetry.identity import DeviceId
from tests.support.gateway_door import HOST, Authority, House, met, open_house
from tests.support.plans import SPEED
from tests.support.worlds import column, envelope

DEVICE = "dev-000001"
JSON = {"Content-Type": "application/json"}


def one(seq: int = 0, **fields: Any) -> bytes:
    body: dict[str, Any] = {
        "id": f"envelope-{seq:012d}",
        "boot": "boot-1",
        "seq": seq,
        "device": DEVICE,
    }
    return envelope({SPEED: column("km/h", [12.5, 13.5])}, **(body | fields))


async def post(
    house: House, body: bytes, headers: dict[str, str] | None = None, path: str = "/v1/envelopes"
) -> tuple[int, Any, Any]:
    async with (
        house.client(DEVICE) as client,
        client.post(path, data=io.BytesIO(body), headers=JSON | (headers or {})) as answer,
    ):
        assert answer.headers["Server"] == "roadfade"
        if answer.status >= 400:
            assert answer.content_type == PROBLEM_TYPE
        return answer.status, await answer.json(content_type=None), answer.headers


async def test_envelopes_are_taken_one_many_by_lines_and_packed(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        many = b"[" + b",".join(one(seq) for seq in range(1, 4)) + b"]"
        lines = b"\n".join(one(seq) for seq in range(4, 6)) + b"\n"
        assert (await post(house, one()))[:2] == (202, {"accepted": 1})
        assert (await post(house, many))[:2] == (202, {"accepted": 3})
        ndjson = {"Content-Type": "application/x-ndjson", "Content-Encoding": "gzip"}
        assert (await post(house, gzip.compress(lines), ndjson))[:2] == (202, {"accepted": 2})
        pretty = json.dumps(json.loads(one(6)), indent=1).encode()
        assert (await post(house, pretty))[:2] == (202, {"accepted": 1})
        assert [sent.seq for sent in house.out.sent] == list(range(7))


async def test_a_replayed_body_is_accepted_and_not_written_again(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        assert (await post(house, one()))[0] == 202
        assert (await post(house, one(resend=True)))[:2] == (202, {"accepted": 1})
        assert len(house.out.sent) == 1


@pytest.mark.parametrize(
    ("body", "status", "reason"),
    [
        (b"", 400, "malformed"),
        (b"SECRET", 400, "malformed"),
        (b'{"v": 1, "SECRET": 2}', 400, "malformed"),
        (b"[" * 100_000, 400, "malformed"),
        (b"[]", 400, "malformed"),
        (one()[:-1] + b', "v": 1}', 400, "malformed"),
        (one(seq=-1), 400, "malformed"),
        (one(device="dev-000002"), 403, "other_device"),
        (b"[" + b",".join([one()] * (ENVELOPES_MAX + 1)) + b"]", 413, "oversized"),
        (b" " * (MESSAGE_BYTES_MAX + 1), 413, "oversized"),
        (one(trip={"id": "x" * 300_000}), 413, "oversized"),
    ],
)
async def test_what_is_no_envelope_of_the_device_is_refused_without_an_echo(
    tmp_path: Path, body: bytes, status: int, reason: str
) -> None:
    async with open_house(tmp_path) as house:
        found, said, _ = await post(house, body)
        assert (found, said["reason"], said["status"]) == (status, reason, status)
        text = json.dumps(said)
        assert "SECRET" not in text
        assert "dev-" not in text
        assert house.out.sent == []


async def test_some_good_and_some_bad_is_told_in_counts(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        status, said, _ = await post(house, b"[" + one() + b', {"v": 2}]')
        assert (status, said["accepted"], said["refused"]) == (400, 1, {"malformed": 1})
        async with house.client(DEVICE) as client, client.get("/v1/rejects") as answer:
            assert await answer.json() == {"refused": {"malformed": 1}}
        async with house.client("dev-000002") as client, client.get("/v1/rejects") as answer:
            assert await answer.json() == {"refused": {}}


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Type": "text/plain"},
        {"Content-Type": "application/jsonp"},
        {"Content-Encoding": "br"},
        {"Content-Encoding": "gzip, gzip"},
    ],
)
async def test_other_types_and_encodings_are_unsupported(
    tmp_path: Path, headers: dict[str, str]
) -> None:
    async with open_house(tmp_path) as house:
        assert (await post(house, one(), headers))[0] == 415


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (gzip.compress(b" " * 200_000_000), 413),
        (gzip.compress(one()) + gzip.compress(one(1)), 400),
        (gzip.compress(one()) + b"x", 400),
        (gzip.compress(one())[:-9], 400),
        (gzip.compress(one())[:-1] + b"?", 400),
        (one(), 400),
        (b"", 400),
    ],
    ids=["bomb", "two members", "garbage after", "cut", "bad sum", "no gzip", "nothing"],
)
async def test_a_packed_body_is_one_whole_gzip_member_and_no_bomb(
    tmp_path: Path, body: bytes, status: int
) -> None:
    async with open_house(tmp_path) as house:
        assert (await post(house, body, {"Content-Encoding": "gzip"}))[0] == status
        assert house.out.sent == []


def test_a_bomb_is_opened_no_further_than_the_bound() -> None:
    opening = Opening(gzip=True, bytes_max=1_000, room=Room(10_000))
    with pytest.raises(ClosedError):
        opening.feed(gzip.compress(b" " * 10_000_000))
    assert opening._size == 1_001  # what it cost


async def test_bodies_in_hand_are_bounded_and_given_back(tmp_path: Path) -> None:
    bounds = Bounds(100, 60.0, 60.0, opened_bytes_max=1_000)
    async with open_house(tmp_path, bounds=bounds) as house:
        room = house.door._room
        context = await asyncio.to_thread(house.context, "dev-000002")
        reader, writer = await asyncio.open_connection(HOST, house.port, ssl=context)
        begun = HEAD + b"Content-Length: 1000\r\n\r\n" + b" " * 900
        writer.write(begun)
        await met(lambda: room.bytes_held == 900)
        status, said, headers = await post(house, one())
        assert (status, said["reason"], headers["Retry-After"]) == (503, "unavailable", "5")
        assert room.bytes_held == 900
        writer.write(b" " * 100)
        assert (await reader.readline()).startswith(b"HTTP/1.1 400 ")
        assert (await post(house, one()))[0] == 202
        await met(lambda: not room.bytes_held)
        writer.write(begun)
        await met(lambda: room.bytes_held == 900)
        writer.transport.abort()
        await met(lambda: not room.bytes_held)


async def test_a_share_a_broker_and_a_clone_refuse_for_now(tmp_path: Path) -> None:
    async with open_house(tmp_path, envelopes=2) as house:
        house.out.durable = False
        status, said, headers = await post(house, one())
        assert (status, said["reason"], headers["Retry-After"]) == (503, "unavailable", "5")
        house.out.durable = True
        assert (await post(house, one()))[0] == 202
        assert (await post(house, one(1)))[0] == 202
        status, said, headers = await post(house, one(2))
        assert (status, said["reason"]) == (429, "too_fast")
        assert 0 < int(headers["Retry-After"]) <= 60
        house.time.s += 61
        assert (await post(house, one(0, boot="boot-2")))[0] == 202
        status, said, headers = await post(house, one(3))
        assert (status, said["reason"], headers["Retry-After"]) == (409, "clone", "300")


async def test_nobody_comes_in_without_a_certificate_of_the_authority(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        other = tmp_path / "other"
        other.mkdir()
        stranger = await asyncio.to_thread(Authority, other)
        none = await asyncio.to_thread(house.context, None)
        wrong = await asyncio.to_thread(house.context, DEVICE, stranger)
        for context in (none, wrong):
            connector = aiohttp.TCPConnector(ssl=context)
            async with aiohttp.ClientSession(house.url, connector=connector) as client:
                with pytest.raises(aiohttp.ClientError):
                    await client.post("/v1/envelopes", data=one(), headers=JSON)
        with pytest.raises((ssl.SSLError, ConnectionError)):
            await _plain(house)


async def _plain(house: House) -> None:
    reader, writer = await asyncio.open_connection(HOST, house.port)
    writer.write(b"POST /v1/envelopes HTTP/1.1\r\nHost: x\r\n\r\n")
    if not await reader.read():
        writer.close()
        raise ConnectionError


async def test_a_device_that_is_revoked_gets_nothing_and_its_connections_end(
    tmp_path: Path,
) -> None:
    async with open_house(tmp_path) as house, house.client(DEVICE) as client:
        async with client.post("/v1/envelopes", data=one(), headers=JSON) as answer:
            assert answer.status == 202
        house.doorkeeper.revoked.add(DeviceId(DEVICE))
        async with client.post("/v1/envelopes", data=one(1), headers=JSON) as answer:
            assert answer.status == 401
            assert (await answer.json(content_type=None))["reason"] == "unknown_identity"
        assert len(house.out.sent) == 1


async def test_a_living_connection_of_a_revoked_device_is_cut(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        context = await asyncio.to_thread(house.context, DEVICE)
        reader, writer = await asyncio.open_connection(HOST, house.port, ssl=context)
        writer.write(b"GET /v1/rejects HTTP/1.1\r\nHost: x\r\n\r\n")
        await reader.readuntil(b"}}")
        house.listener.look()
        assert not reader.at_eof()
        house.doorkeeper.revoked.add(DeviceId(DEVICE))
        house.listener.look()
        assert await _ended(reader)
        writer.close()


async def _ended(reader: asyncio.StreamReader) -> bool:
    try:
        return await reader.read() == b""
    except ConnectionError:
        return True


@pytest.mark.parametrize("sent", [b"", b"POST /v1/envelopes HTTP/1.1\r\nHost: x\r\nX-Slow: "])
async def test_headers_that_come_slowly_end_the_connection(tmp_path: Path, sent: bytes) -> None:
    async with open_house(tmp_path, bounds=Bounds(100, 15.0, 20.0)) as house:
        context = await asyncio.to_thread(house.context, DEVICE)
        reader, writer = await asyncio.open_connection(HOST, house.port, ssl=context)
        writer.write(sent)
        await met(lambda: house.listener.connections)
        house.time.s += 14
        house.listener.look()
        held = house.listener.connections
        assert held
        assert not any(one.transport is None or one.transport.is_closing() for one in held)
        house.time.s += 2
        house.listener.look()
        assert all(one.transport is None or one.transport.is_closing() for one in held)
        assert await _ended(reader)
        writer.close()


async def test_a_body_that_comes_slowly_is_given_up(tmp_path: Path) -> None:
    async with open_house(tmp_path, bounds=Bounds(100, 60.0, 0.05)) as house:
        head = b"POST /v1/envelopes HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        said = await house.raw(DEVICE, head + b"Content-Length: 100\r\n\r\n{")
        assert said.startswith(b"HTTP/1.1 408 ")
        assert b'"slow"' in said


async def test_one_connection_too_many_is_cut_off(tmp_path: Path) -> None:
    async with open_house(tmp_path, bounds=Bounds(1, 60.0, 60.0)) as house:
        context = await asyncio.to_thread(house.context, DEVICE)
        first, writer = await asyncio.open_connection(HOST, house.port, ssl=context)
        writer.write(b"GET /v1/rejects HTTP/1.1\r\nHost: x\r\n\r\n")
        await first.readuntil(b"}")
        assert await house.raw(DEVICE, b"GET /v1/rejects HTTP/1.1\r\nHost: x\r\n\r\n") == b""
        writer.close()


async def test_one_device_does_not_fill_the_house(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        context = await asyncio.to_thread(house.context, DEVICE)
        opened = [
            await asyncio.open_connection(HOST, house.port, ssl=context)
            for _ in range(OF_ONE_DEVICE_MAX)
        ]
        await met(lambda: len(house.listener.connections) == OF_ONE_DEVICE_MAX)
        asked = b"GET /v1/rejects HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        assert await house.raw(DEVICE, asked) == b""
        assert (await house.raw("dev-000002", asked)).startswith(b"HTTP/1.1 200 ")
        for _, writer in opened:
            writer.close()


SMUGGLED = b"GET /v1/rejects HTTP/1.1\r\nHost: x\r\n\r\n"
HEAD = b"POST /v1/envelopes HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"


@pytest.mark.parametrize(
    "request_",
    [
        HEAD + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + SMUGGLED,
        HEAD + b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n" + SMUGGLED,
        HEAD + b"Content-Length: 2\r\nContent-Length: 44\r\n\r\n{}" + SMUGGLED,
        HEAD + b"Content-Length: 2, 2\r\n\r\n{}" + SMUGGLED,
        HEAD + b"Content-Length: +2\r\n\r\n{}" + SMUGGLED,
        HEAD + b"Content-Length : 2\r\n\r\n{}" + SMUGGLED,
        HEAD + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n" + SMUGGLED,
        HEAD + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + SMUGGLED,
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n0x2\r\n{}\r\n0\r\n\r\n" + SMUGGLED,
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n2\n{}\n0\n\n" + SMUGGLED,
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n-2\r\n{}\r\n0\r\n\r\n" + SMUGGLED,
        HEAD + b"X: a\r\n b: folded\r\nContent-Length: 2\r\n\r\n{}" + SMUGGLED,
        HEAD + b"X-\x00: a\r\nContent-Length: 2\r\n\r\n{}" + SMUGGLED,
        b"SECRET\r\n\r\n" + SMUGGLED,
        b"GET /" + b"x" * 10_000 + b" HTTP/1.1\r\n\r\n" + SMUGGLED,
        HEAD + b"X: " + b"x" * 20_000 + b"\r\n\r\n" + SMUGGLED,
        HEAD + b"".join(b"X-%d: x\r\n" % n for n in range(200)) + b"\r\n" + SMUGGLED,
    ],
)
async def test_nothing_is_smuggled_past_a_request_that_can_be_read_in_two_ways(
    tmp_path: Path, request_: bytes
) -> None:
    async with open_house(tmp_path) as house:
        said = await house.raw(DEVICE, request_)
        assert b" 200 " not in said
        assert b" 202 " not in said
        assert said[:13] in (b"HTTP/1.0 400 ", b"HTTP/1.1 400 ")
        assert said.count(b"HTTP/1.") == 1
        assert b"application/problem+json" in said
        assert b"SECRET" not in said
        assert b"aiohttp" not in said.lower()


async def test_what_is_not_there_and_what_is_not_done_are_problems_too(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        assert (await post(house, one(), path="/"))[0] == 404
        assert (await post(house, one(), path="/v1/formats/SECRET"))[0] == 404
        status, _, headers = await post(house, one(), path="/v1/rejects")
        assert (status, headers["Allow"]) == (405, "GET")
        async with house.client(DEVICE) as client:
            for method in ("GET", "PUT", "HEAD", "OPTIONS", "DELETE"):
                async with client.request(method, "/v1/envelopes") as answer:
                    assert (answer.status, answer.headers["Allow"]) == (405, "POST")
        assert (await post(house, one(), {"Expect": "SECRET"}))[0] == 417
        twice = b"Authorization: a\r\nAuthorization: b\r\nContent-Length: 0\r\n\r\n"
        assert (await house.raw(DEVICE, HEAD + twice)).startswith(b"HTTP/1.1 400 ")


async def test_a_client_that_asks_first_is_told_to_go_on(tmp_path: Path) -> None:
    async with (
        open_house(tmp_path) as house,
        house.client(DEVICE) as client,
        client.post("/v1/envelopes", data=one(), headers=JSON, expect100=True) as answer,
    ):
        assert answer.status == 202


class OneList:
    def of(self, device: DeviceId) -> bytes | None:
        return b'{"signed": true}' if device == DEVICE else None


async def test_a_device_gets_its_own_list_and_only_if_it_changed(tmp_path: Path) -> None:
    async with open_house(tmp_path, lists=OneList()) as house, house.client(DEVICE) as client:
        async with client.get("/v1/collect") as answer:
            assert (answer.status, await answer.read()) == (200, b'{"signed": true}')
            tag = answer.headers["ETag"]
        async with client.get("/v1/collect", headers={"If-None-Match": f'"x", {tag}'}) as answer:
            assert answer.status == 304
        async with house.client("dev-000002") as other, other.get("/v1/collect") as answer:
            assert answer.status == 404
            assert (await answer.json(content_type=None))["reason"] == "no_list"


async def test_many_devices_at_once_are_each_answered_for_their_own(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:

        async def bring(number: int) -> list[int]:
            device = f"dev-{number:06d}"
            found = []
            async with house.client(device) as client:
                for seq in range(10):
                    own = device if seq % 2 else "dev-999999"
                    body = one(seq, device=own, id=f"{device}-{seq:08d}")
                    async with client.post("/v1/envelopes", data=body, headers=JSON) as answer:
                        found.append(answer.status)
            return found

        found = await asyncio.gather(*map(bring, range(8)))
        assert found == [[403, 202] * 5] * 8
        assert len({(sent.device, sent.seq) for sent in house.out.sent}) == 40


async def test_the_document_of_the_interface_needs_no_identity_of_its_own(tmp_path: Path) -> None:
    async with (
        open_house(tmp_path) as house,
        house.client(DEVICE) as client,
        client.get("/v1/openapi.json") as answer,
    ):
        assert msgspec.json.decode(await answer.read())["openapi"] == "3.1.0"
