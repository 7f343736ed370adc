"""``roadfade gateway`` as a process: it opens its doors, takes, says how it is, drains and ends."""

import asyncio
import json
import ssl
import time
import urllib.error
import urllib.request
from http.client import HTTPSConnection
from pathlib import Path

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet

from bus.client.connection import Connection
from roadfade.in_force.broker import connection_of
from roadfade.in_force.source import apply_topics
from roadfade.local.ports import free_port
from roadfade.settings import Settings
from telemetry.topics import RAW
from tests.ingest.gateway.test_http import one
from tests.integration.bus_road import values
from tests.support.gateway_door import HOST, Authority
from tests.support.road import Road

pytestmark = pytest.mark.broker


def test_a_gateway_takes_by_token_and_ends_when_it_is_told(
    connection: Connection, tmp_path: Path
) -> None:
    authority = Authority(tmp_path)
    key = ECKey.generate_key("P-256", {"kid": "one"}, auto_kid=False)
    (tmp_path / "keys.json").write_text(json.dumps(KeySet([key]).as_dict(private=False)))
    settings = Settings(
        kafka_bootstrap_servers=connection.bootstrap_servers,
        topic_prefix=connection.prefix,
        state_dir=tmp_path / "state",
        partitions=2,
        gateway_jwks_file=tmp_path / "keys.json",
        gateway_certificate_file=authority.of_gateway(),
        gateway_token_port=free_port(),
        gateway_port=0,
    )
    settings.state_dir.mkdir()
    road = Road(settings)
    assert road.cli("office", "init").code == 0
    asyncio.run(apply_topics(road.settings, connection_of(road.settings)))
    try:
        road.start("office", "gateway")  # the office makes the key to seal with
        page = (settings.ports_dir / "gateway").read_text()
        _ready(page)
        claims = {"sub": "dev-000001", "aud": "roadfade", "exp": int(time.time()) + 600}
        token = jwt.encode({"alg": "ES256", "kid": "one"}, claims, key)
        trusted = ssl.create_default_context(cafile=str(authority.file))
        door = HTTPSConnection(HOST, settings.gateway_token_port, context=trusted, timeout=30)
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        door.request("POST", "/v1/envelopes", one(), headers)
        with door.getresponse() as answer:
            assert (answer.status, json.load(answer)) == (202, {"accepted": 1})
        door.close()
        with urllib.request.urlopen(f"http://{page}/metrics", timeout=30) as answer:
            counted = answer.read().decode()
        assert 'roadfade_gateway_envelopes_total{door="token",outcome="accepted"} 1.0' in counted
        assert "dev-000001" not in counted
        assert road.stop("gateway") == 0
        log = (settings.state_dir / "gateway.log").read_text()
        assert "dev-000001" not in log
    finally:
        road.stop_all()
    assert len(asyncio.run(values(connection, RAW))) == 1


def _ready(page: str) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            with urllib.request.urlopen(f"http://{page}/readyz", timeout=30) as answer:
                assert answer.status == 200
                return
        except urllib.error.HTTPError:
            assert time.monotonic() < deadline
            time.sleep(0.05)
