"""Tokens: only of a key in the file, only for this gateway, only until they end, only over TLS."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import aiohttp
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, OctKey, OKPKey

from ingest.gateway.http_listener import OF_ONE_ADDRESS_MAX, _address_of
from ingest.gateway.identities import ByToken
from ingest.gateway.tokens import JwksTokens
from tests.ingest.gateway.test_http import JSON, one
from tests.support.gateway_door import HOST, House, TestDoorkeeper, met, open_house

NOW_S = 1_900_000_000
EC = ECKey.generate_key("P-256", {"kid": "ec"}, auto_kid=False)
ED = OKPKey.generate_key("Ed25519", {"kid": "ed"}, auto_kid=False)
OTHER = ECKey.generate_key("P-256", {"kid": "ec"}, auto_kid=False)
GOOD = {"sub": "dev-000001", "aud": "roadfade", "exp": NOW_S + 60}


def written(folder: Path, *keys: Any) -> Path:
    file = folder / "keys.json"
    file.write_text(json.dumps(KeySet(list(keys)).as_dict(private=False)))
    return file


def token(claims: dict[str, Any], key: Any = EC, alg: str = "ES256") -> str:
    return jwt.encode({"alg": alg, "kid": key.kid}, claims, key, algorithms=[alg])


def tokens(file: Path) -> JwksTokens:
    return JwksTokens(file, "roadfade", lambda: NOW_S)


@pytest.mark.filterwarnings("ignore:EdDSA is deprecated")
def test_a_good_token_names_its_device(tmp_path: Path) -> None:
    good = tokens(written(tmp_path, EC, ED))
    for key, alg in ((EC, "ES256"), (ED, "EdDSA"), (ED, "Ed25519")):
        peer = good.peer_of(token(GOOD, key, alg))
        assert peer is not None
        assert (peer.device, peer.serial) == ("dev-000001", 0)


@pytest.mark.parametrize(
    "bad",
    [
        token(GOOD | {"exp": NOW_S - 1}),
        token({name: value for name, value in GOOD.items() if name != "exp"}),
        token({name: value for name, value in GOOD.items() if name != "aud"}),
        token({name: value for name, value in GOOD.items() if name != "sub"}),
        token(GOOD | {"aud": "others"}),
        token(GOOD | {"nbf": NOW_S + 30}),
        token(GOOD | {"sub": ""}),
        token(GOOD | {"sub": "x" * 65}),
        token(GOOD, OTHER),
        token(GOOD)[:-4] + "AAAA",
        token(GOOD, OctKey.import_key("k" * 32, {"kid": "ec"}), "HS256"),
        "eyJhbGciOiJub25lIn0.eyJzdWIiOiJkZXYtMDAwMDAxIn0.",
        "",
        "a.b.c",
        "x" * 100_000,
    ],
)
def test_no_other_token_names_anybody(tmp_path: Path, bad: str) -> None:
    assert tokens(written(tmp_path, EC)).peer_of(bad) is None


def test_a_key_that_leaves_the_file_is_good_no_more(tmp_path: Path) -> None:
    good = tokens(written(tmp_path, EC))
    assert good.peer_of(token(GOOD)) is not None
    written(tmp_path, EC, ED)
    assert good.refresh()
    assert good.peer_of(token(GOOD, ED, "Ed25519")) is not None
    written(tmp_path, ED)
    assert good.refresh()
    assert good.peer_of(token(GOOD)) is None
    (tmp_path / "keys.json").write_text("{")
    assert not good.refresh()
    assert good.peer_of(token(GOOD, ED, "Ed25519")) is None


def test_a_shared_secret_is_no_key(tmp_path: Path) -> None:
    file = tmp_path / "keys.json"
    secret = OctKey.import_key("k" * 32, {"kid": "ec"})
    file.write_text(json.dumps({"keys": [secret.as_dict(private=True)]}))
    assert not tokens(file).refresh()


@asynccontextmanager
async def by_token(folder: Path) -> AsyncIterator[House]:
    """The door of tokens."""
    file = await asyncio.to_thread(written, folder, EC)
    known = await asyncio.to_thread(tokens, file)

    def identity(_: TestDoorkeeper) -> ByToken:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(folder / "gateway.pem")
        return ByToken(context, known)

    async with open_house(folder, identity=identity) as house:
        yield house


async def test_the_door_of_tokens_asks_each_request_for_its_own(tmp_path: Path) -> None:
    async with by_token(tmp_path) as house:
        context = await asyncio.to_thread(house.context, None)
        connector = aiohttp.TCPConnector(ssl=context)
        async with aiohttp.ClientSession(house.url, connector=connector) as client:
            for said, status in (
                (f"Bearer {token(GOOD)}", 202),
                (f"Bearer {token(GOOD | {'sub': 'dev-000002'})}", 403),
                (f"Bearer {token(GOOD, OTHER)}", 401),
                (f"Basic {token(GOOD)}", 401),
                (None, 401),
            ):
                headers = JSON | ({"Authorization": said} if said else {})
                async with client.post("/v1/envelopes", data=one(), headers=headers) as answer:
                    assert answer.status == status
                    assert "dev-" not in await answer.text()


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"GET /v1/openapi.json HTTP/1.1\r\n", b"200"),
        (b"POST /v1/openapi.json HTTP/1.1\r\n", b"405"),
        (b"GET /v1/rejects HTTP/1.1\r\n", b"401"),
        (b"GET /v1/rejects HTTP/1.1\r\nExpect: x\r\n", b"417"),
    ],
)
async def test_who_shows_no_good_token_keeps_no_connection(
    tmp_path: Path, head: bytes, status: bytes
) -> None:
    async with by_token(tmp_path) as house, asyncio.timeout(5):
        said = await house.raw(None, head + b"Host: x\r\n\r\n")
        assert said.startswith(b"HTTP/1.1 " + status)


async def test_one_address_does_not_fill_the_door_of_tokens(tmp_path: Path) -> None:
    async with by_token(tmp_path) as house:
        context = await asyncio.to_thread(house.context, None)
        opened = [
            await asyncio.open_connection(HOST, house.port, ssl=context)
            for _ in range(OF_ONE_ADDRESS_MAX)
        ]
        await met(lambda: len(house.listener.connections) == OF_ONE_ADDRESS_MAX)
        asked = b"GET /v1/openapi.json HTTP/1.1\r\nHost: x\r\n\r\n"
        assert await house.raw(None, asked) == b""
        opened.pop()[1].close()
        await met(lambda: len(house.listener.connections) < OF_ONE_ADDRESS_MAX)
        assert await house.raw(None, asked) != b""
        for _, writer in opened:
            writer.close()


class From:
    """The transport of a connection from an address."""

    def __init__(self, *said: object) -> None:
        self.said = said

    def get_extra_info(self, name: str) -> object:
        assert name == "peername"
        return self.said


def test_an_address_of_ipv6_is_its_network() -> None:
    def of(*said: object) -> bytes:
        return _address_of(cast("asyncio.BaseTransport", From(*said)))

    assert of("2001:db8::1", 1, 0, 0) == of("2001:db8::ffff:2", 2, 0, 0)
    assert of("2001:db8::1", 1, 0, 0) != of("2001:db8:0:1::1", 1, 0, 0)
    assert of("192.0.2.1", 1) != of("192.0.2.2", 1)
    assert of() == b""
