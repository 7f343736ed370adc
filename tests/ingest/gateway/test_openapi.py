"""The door keeps to its OpenAPI document, whatever is sent: schemathesis against the live door."""

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import schemathesis
from hypothesis import HealthCheck, settings

from ingest.gateway.http_listener import Bounds
from ingest.gateway.openapi import OPENAPI, document
from ingest.gateway.problems import SAID
from tests.ingest.gateway.test_http import DEVICE
from tests.support.gateway_door import open_house


@schemathesis.serializer("application/x-ndjson")
def lines(_: Any, value: Any) -> bytes:
    """As it is."""
    return value if isinstance(value, bytes) else str(value).encode()


schema = schemathesis.openapi.from_dict(document())


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """A door in a thread of its own; its address, and what a client needs to come in."""
    folder: Path = tmp_path_factory.mktemp("live")
    ready, over = threading.Event(), threading.Event()
    found: dict[str, Any] = {}

    async def stand() -> None:
        async with open_house(folder, bounds=Bounds(100, 60.0, 5.0)) as house:
            await asyncio.to_thread(house.authority.of_device, DEVICE)
            found["url"] = house.url
            found["verify"] = str(house.authority.file)
            found["cert"] = str(folder / f"{DEVICE}.pem")
            ready.set()
            await asyncio.to_thread(over.wait)

    thread = threading.Thread(target=asyncio.run, args=(stand(),))
    thread.start()
    assert ready.wait(30)
    yield found
    over.set()
    thread.join()


@schema.parametrize()
@settings(max_examples=15, suppress_health_check=list(HealthCheck), deadline=None)
def test_the_door_keeps_to_its_document(
    case: "schemathesis.Case[Any]", live: dict[str, Any]
) -> None:
    answer = case.call(base_url=live["url"], verify=live["verify"], cert=live["cert"])
    case.validate_response(
        answer,
        checks=[
            schemathesis.checks.not_a_server_error,
            schemathesis.checks.status_code_conformance,
            schemathesis.checks.content_type_conformance,
            schemathesis.checks.response_schema_conformance,
        ],
    )


def test_every_refusal_is_in_the_document() -> None:
    said = msgspec.json.decode(OPENAPI)
    reasons = said["components"]["schemas"]["Problem"]["properties"]["reason"]["enum"]
    assert set(reasons) == {str(why) for why in SAID}
