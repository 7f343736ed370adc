"""Kafka's own list of rights, over librdkafka: aiokafka knows no such requests.

The one place that knows confluent_kafka. Its client is opened for one command, and works in
threads of its own; its answers are awaited here.
"""

import asyncio
import logging
from collections.abc import Iterable
from concurrent.futures import Future
from typing import Any, Final, Self

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # it says not that it exports
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
)

from bus.access_rights import Right
from bus.client.address import Address
from bus.failures import BrokerError, NoAuthorizerError

ANSWER_S_MAX: Final = 15.0
_USER: Final = "User:"
_CLUSTER: Final = "cluster"
_RESOURCES: Final = {"topic": ResourceType.TOPIC, "group": ResourceType.GROUP,
                     _CLUSTER: ResourceType.BROKER}  # fmt: skip
"""librdkafka calls the cluster by what it is to Kafka's protocol: number 4."""
_NAMES: Final = {kind: name for name, kind in _RESOURCES.items()}
_OPERATIONS: Final = {
    "".join(part.capitalize() for part in one.name.split("_")): one for one in AclOperation
}
_WORDS: Final = {one: word for word, one in _OPERATIONS.items()}
_ANY_OF: Final[Any] = AclBindingFilter
"""Its types forbid None, which is how it says "any"."""
_NOTHING: Final = Right("roadfade-nobody", "Read", "topic", "roadfade-nothing")
_QUIET: Final = logging.getLogger("librdkafka")


class KafkaRights:
    """Obeys ``access_rights.AccessRights``, with a client of its own."""

    def __init__(self, address: Address) -> None:
        self._address = address
        self._client: Any = None

    async def __aenter__(self) -> Self:
        told = {"bootstrap.servers": self._address.bootstrap_servers, "client.id": "roadfade"}
        options: dict[str, Any] = told | self._address.security.as_librdkafka()
        try:
            self._client = AdminClient(options, logger=_QUIET)
        except KafkaException as error:
            raise _ours(error) from error
        return self

    async def __aexit__(self, *_: object) -> None:
        self._client = None

    async def held(self) -> frozenset[Right]:
        """Every right of everybody."""
        everything = _ANY_OF(
            ResourceType.ANY, None, ResourcePatternType.ANY, None, None,
            AclOperation.ANY, AclPermissionType.ALLOW,
        )  # fmt: skip
        asked = self._client.describe_acls(everything, request_timeout=ANSWER_S_MAX)
        found = frozenset(_right(one) for one in await _answered(asked))
        if not found:
            # A refusal arrives here as an empty list; to take nothing from nobody is refused, too.
            await self.take([_NOTHING])
        return found

    async def give(self, rights: Iterable[Right]) -> None:
        """Add rights."""
        bindings = [_binding(AclBinding, one) for one in rights]
        if bindings:
            asked = self._client.create_acls(bindings, request_timeout=ANSWER_S_MAX)
            await asyncio.gather(*map(_answered, asked.values()))

    async def take(self, rights: Iterable[Right]) -> None:
        """Take away these very rights."""
        filters = [_binding(AclBindingFilter, one) for one in rights]
        if filters:
            asked = self._client.delete_acls(filters, request_timeout=ANSWER_S_MAX)
            await asyncio.gather(*map(_answered, asked.values()))


async def _answered(asked: "Future[Any]") -> Any:
    try:
        return await asyncio.wrap_future(asked)
    except KafkaException as error:
        raise _ours(error) from error


def _ours(error: KafkaException) -> BrokerError:
    cause = error.args[0]
    if cause.code() == KafkaError.SECURITY_DISABLED:
        return NoAuthorizerError()
    return BrokerError(f"{cause.name()}: {cause.str()}")


def _right(binding: AclBinding) -> Right:
    kind: Any = binding.restype
    operation: Any = binding.operation
    pattern: Any = binding.resource_pattern_type
    return Right(
        binding.principal.removeprefix(_USER),
        _WORDS[operation],
        _NAMES.get(kind, kind.name.lower()),
        binding.name,
        pattern.name.lower(),
        binding.host,
    )


def _binding(form: type[AclBinding], right: Right) -> AclBinding:
    return form(
        _RESOURCES[right.resource],
        right.name,
        ResourcePatternType[right.pattern.upper()],
        _USER + right.principal,
        right.host,
        _OPERATIONS[right.operation],
        AclPermissionType.ALLOW,
    )
