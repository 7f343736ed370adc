"""A produce request that is written in one go is the one that aiokafka would have written."""

import gc
import weakref
from typing import Any, cast

import aiokafka
from aiokafka.client import AIOKafkaClient
from aiokafka.protocol.produce import ProduceRequest
from aiokafka.protocol.struct import Struct
from hypothesis import given
from hypothesis import strategies as st

from bus.client.produce_request import HOLDS_FOR, encoded, install

batches = st.lists(st.tuples(st.integers(0, 2**31 - 1), st.none() | st.binary(max_size=50)))
topics = st.lists(st.tuples(st.text(max_size=10), batches))
versions: list[Any] = list(ProduceRequest._CLASSES)
ONE = [("a", [(0, b"batch")])]


def test_what_send_and_build_do_is_known_for_this_version_of_aiokafka() -> None:
    assert aiokafka.__version__ in HOLDS_FOR, "read AIOKafkaClient.send and Request.prepare again"


@given(topics, st.none() | st.text(max_size=5), st.integers(-1, 1))
def test_the_bytes_are_the_same(topics: Any, transaction: str | None, acks: int) -> None:
    for version in versions:
        named = None if version.API_VERSION < 3 else transaction
        request = ProduceRequest(named, acks, 1_000, topics).build(version)
        assert encoded(request) == request.encode()


class Client:
    """Notes what is sent as a connection would write it."""

    def __init__(self) -> None:
        self.sent: list[Struct] = []

    async def send(self, node_id: int, request: Any, *, group: int = 0) -> Any:
        self.sent.append(request.prepare({ProduceRequest.API_KEY: (0, 7)}))
        return node_id, group


async def test_a_client_writes_every_produce_request_in_one_go() -> None:
    client = Client()
    install(cast("AIOKafkaClient", client))
    for _ in range(2):
        assert await client.send(3, ProduceRequest(None, -1, 1_000, ONE), group=1) == (3, 1)
    usual = ProduceRequest(None, -1, 1_000, ONE).build(versions[-1])
    for struct in client.sent:
        assert type(struct).encode is encoded
        assert (struct.encode(), struct.API_VERSION) == (usual.encode(), 7)
        assert struct.RESPONSE_TYPE is usual.RESPONSE_TYPE


async def test_what_a_request_holds_is_freed_with_it() -> None:
    client = Client()
    install(cast("AIOKafkaClient", client))
    await client.send(3, ProduceRequest(None, -1, 1_000, ONE))
    struct = client.sent.pop()
    struct.encode()
    held = weakref.ref(struct)
    gc.disable()
    try:
        del struct
        assert held() is None
    finally:
        gc.enable()


async def test_any_other_request_is_left_alone() -> None:
    class Other:
        def prepare(self, _: object) -> Any:
            return ProduceRequest(None, -1, 1_000, ONE).build(versions[-1])

    client = Client()
    install(cast("AIOKafkaClient", client))
    await client.send(3, Other())
    assert type(client.sent[0]) is versions[-1]
