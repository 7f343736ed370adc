"""Tokens: only of a key in the file, only for this gateway, only until they end, only over TLS."""

import asyncio
import json
import ssl
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, OctKey, OKPKey

from ingest.gateway.identities import ByToken
from ingest.gateway.tokens import JwksTokens
from tests.ingest.gateway.test_http import JSON, one
from tests.support.gateway_door import TestDoorkeeper, open_house

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


async def test_the_door_of_tokens_asks_each_request_for_its_own(tmp_path: Path) -> None:
    file = await asyncio.to_thread(written, tmp_path, EC)
    known = await asyncio.to_thread(tokens, file)

    def by_token(_: TestDoorkeeper) -> ByToken:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(tmp_path / "gateway.pem")
        return ByToken(context, known)

    async with open_house(tmp_path, identity=by_token) as house:
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
