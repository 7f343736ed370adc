"""The ids that a cluster gives its topics: a topic that is made anew has another one.

In: unprefixed names. Out: ids as Kafka's own tools print them. aiokafka knows no version of
Metadata that carries them, so the request is described here, in aiokafka's own words for the
protocol; why so is said in docs/decisions/011-topic-incarnations.md.
"""

from base64 import urlsafe_b64encode
from collections.abc import Mapping, Sequence
from io import BytesIO
from typing import Any, Final, Self

from aiokafka.client import AIOKafkaClient
from aiokafka.protocol.abstract import AbstractType
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.types import (
    Boolean,
    CompactArray,
    CompactString,
    Int16,
    Int32,
    Schema,
    TaggedFields,
)

from bus.client import metadata_pause
from bus.client.address import Address
from bus.client.admin_answers import GONE, check_codes
from bus.client.translation import translated
from bus.failures import BrokerError

REQUEST_TIMEOUT_MS: Final = 5_000
"""Whoever asks holds records in hand, and may ask again."""
UUID_BYTES: Final = 16
NO_ID: Final = bytes(UUID_BYTES)


class _Uuid(AbstractType):  # type: ignore[misc]  # aiokafka publishes no types
    @classmethod
    def encode(cls, value: bytes) -> bytes:
        return value

    @classmethod
    def decode(cls, data: BytesIO) -> bytes:
        return data.read(UUID_BYTES)


_NUMBERS: Final = CompactArray(Int32)


class _MetadataResponse(Response):  # type: ignore[misc]  # as above
    API_KEY = 3
    API_VERSION = 10
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        (
            "brokers",
            CompactArray(
                ("node_id", Int32), ("host", CompactString()), ("port", Int32),
                ("rack", CompactString()), ("tags", TaggedFields),
            ),
        ),
        ("cluster_id", CompactString()),
        ("controller_id", Int32),
        (
            "topics",
            CompactArray(
                ("error_code", Int16), ("name", CompactString()), ("topic_id", _Uuid),
                ("is_internal", Boolean),
                (
                    "partitions",
                    CompactArray(
                        ("error_code", Int16), ("partition", Int32), ("leader", Int32),
                        ("leader_epoch", Int32), ("replicas", _NUMBERS), ("isr", _NUMBERS),
                        ("offline", _NUMBERS), ("tags", TaggedFields),
                    ),
                ),
                ("authorized_operations", Int32), ("tags", TaggedFields),
            ),
        ),
        ("authorized_operations", Int32),
        ("tags", TaggedFields),
    )  # fmt: skip


class _MetadataRequest(RequestStruct):  # type: ignore[misc]  # as above
    FLEXIBLE_VERSION = True
    API_KEY = 3
    API_VERSION = 10
    RESPONSE_TYPE = _MetadataResponse
    SCHEMA = Schema(
        (
            "topics",
            CompactArray(("topic_id", _Uuid), ("name", CompactString()), ("tags", TaggedFields)),
        ),
        ("allow_auto_topic_creation", Boolean),
        ("include_cluster_authorized_operations", Boolean),
        ("include_topic_authorized_operations", Boolean),
        ("tags", TaggedFields),
    )


class _AskForIds(Request[_MetadataRequest]):  # type: ignore[misc]  # as above
    API_KEY = 3

    def __init__(self, names: Sequence[str]) -> None:
        self._names = names

    def build(self, request_struct_class: type[Any]) -> Any:
        topics: list[Any] = [(NO_ID, name, {}) for name in self._names]
        return request_struct_class(topics, False, False, False, {})  # noqa: FBT003  # Kafka's order


class KafkaTopicIds:
    """Obeys ``ports.TopicIds``, with a client of its own."""

    def __init__(self, address: Address) -> None:
        self._address = address
        self._client: Any = None

    @translated
    async def __aenter__(self) -> Self:
        metadata_pause.install()
        options = self._address.client_options()
        self._client = AIOKafkaClient(**options, request_timeout_ms=REQUEST_TIMEOUT_MS)
        try:
            await self._client.bootstrap()
        except BaseException:
            await self._client.close()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.close()

    @translated
    async def of(self, names: Sequence[str]) -> Mapping[str, str]:
        """The id of each of these topics that is there; asking makes none."""
        wanted = {self._address.topic(name): name for name in names}
        if not wanted:
            return {}
        node = self._client.get_random_node()
        if node is None:
            msg = "the client knows no broker"
            raise BrokerError(msg)
        try:
            answer = await self._client.send(node, _AskForIds(list(wanted)))
        except NotImplementedError as error:
            msg = "the broker tells no topic ids: Kafka 2.8 or later does"
            raise BrokerError(msg) from error
        found = {}
        for topic in answer.to_object()["topics"]:
            if topic["error_code"] == GONE:
                continue
            # A partition without a leader is none of our business here.
            check_codes([(topic["name"], topic["error_code"])], {"LeaderNotAvailableError"})
            found[wanted[topic["name"]]] = _written(topic["topic_id"])
        return found


def _written(topic_id: bytes) -> str:
    """As Kafka's own tools print it; BrokerError for the id of none."""
    if topic_id == NO_ID:
        msg = "the broker gave a topic no id"
        raise BrokerError(msg)
    return urlsafe_b64encode(topic_id).rstrip(b"=").decode()
