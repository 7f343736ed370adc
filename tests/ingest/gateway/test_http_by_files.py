"""The HTTPS door with the real doorkeeper: a certificate that is revoked ends what lives of it."""

import asyncio
from pathlib import Path

import aiohttp

from ingest.gateway.http import HttpDoor
from ingest.gateway.http_listener import Bounds, Listener
from ingest.gateway.identities import ByCertificate
from tests.ingest.gateway.test_client_certificates import HOST as SERVER_NAME
from tests.ingest.gateway.test_client_certificates import Door
from tests.ingest.gateway.test_http import JSON, one
from tests.support.certificates import DEVICE, client_context, list_of
from tests.support.gateway_door import HOST, KeptOut, Time, desk, met


async def test_a_revoked_certificate_ends_a_living_connection_and_gets_no_other(
    tmp_path: Path,
) -> None:
    door = await asyncio.to_thread(Door, tmp_path)
    context = await asyncio.to_thread(client_context, door.authority, door.client, tmp_path)
    time, out = Time(), KeptOut()
    front = desk(out, time)
    listener = Listener(ByCertificate(door.keeper), Bounds(10, 60.0, 60.0), time)
    https = HttpDoor(listener, front, front.refused_of)
    url = f"https://{HOST}:{await https.start(HOST, 0)}/v1/envelopes"

    async def status(client: aiohttp.ClientSession, seq: int, device: str = DEVICE) -> int:
        body = one(seq, device=str(device))
        async with client.post(url, data=body, headers=JSON, server_hostname=SERVER_NAME) as answer:
            return answer.status

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=context)) as client:
        assert await status(client, 1) == 202
        assert await status(client, 2, "dev-999999") == 403
        listener.look()
        assert len(listener.connections) == 1
        serial = door.client.certificate.serial_number
        revoked = await asyncio.to_thread(list_of, door.authority, door.now_ms, serial)
        await asyncio.to_thread(door.put, door.files.revocations, revoked)
        await door.keeper.renew()
        listener.look()
        await met(lambda: not listener.connections)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=context)) as client:
        assert await status(client, 3) == 401
    await https.stop(5.0)
    assert [sent.seq for sent in out.sent] == [1]
