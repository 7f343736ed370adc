"""A real broker behind locked doors: a client shows a password over TLS, and may do what is listed.

In: a folder, and rights as ``policy.artefacts.acls`` gives them. Out: ways to the broker as any
principal.
"""

import argparse
import secrets
from collections.abc import Collection, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.protocol.admin import CreateAclsRequest

from bus.client.connection import Connection
from bus.client.security import Security
from policy.artefacts.acls import CLUSTER, Acl
from roadfade.local.broker import LocalBroker
from roadfade.local.broker_doors import MASTER, Doors
from roadfade.local.certificates import make_certificates
from tests.support.broker import HEAP_MAX_MIB, libs_and_java

SUPER_USER: Final = MASTER
# Kafka's own numbers for these words, and for a literal name and for "allow".
RESOURCES: Final = {"topic": 2, "group": 3, "cluster": 4}
OPERATIONS: Final = {
    "Read": 3, "Write": 4, "Create": 5, "Delete": 6, "Alter": 7, "Describe": 8,
    "ClusterAction": 9, "DescribeConfigs": 10, "AlterConfigs": 11, "IdempotentWrite": 12,
}  # fmt: skip
LITERAL: Final = 3
ALLOW: Final = 3
ANY_HOST: Final = "*"


class GuardedBroker(LocalBroker):
    """A local broker that knows these principals, and denies what no right allows."""

    def __init__(self, data_dir: Path, principals: Collection[str]) -> None:
        libs, java = libs_and_java()
        self.passwords = {name: secrets.token_hex(16) for name in (SUPER_USER, *principals)}
        self.certificates = make_certificates(data_dir, datetime.now(UTC))
        doors = Doors(self.certificates, self.passwords)
        super().__init__(data_dir, libs, java=java, heap_max_mib=HEAP_MAX_MIB, doors=doors)

    def connection(self, principal: str, prefix: str) -> Connection:
        """The connection of a principal."""
        password, trusted = self.passwords[principal], self.certificates.authority
        security = Security("sasl_ssl", principal, password, trusted)
        return Connection(self.bootstrap_servers, prefix, security=security)


async def grant(connection: Connection, rights: Iterable[Acl]) -> None:
    """Add the rights, read off their printed arguments as ``kafka-acls`` reads them."""
    printed = [right.arguments for right in rights]
    admin = AIOKafkaAdminClient(**connection.client_options())
    await admin.start()
    try:
        answer = await admin._send_to_controller(_Creations([_creation(one) for one in printed]))
    finally:
        await admin.close()
    refused = [
        (line, message)
        for line, (code, message) in zip(printed, answer.creation_responses, strict=True)
        if code
    ]
    assert refused == []


class _Creations(CreateAclsRequest):  # type: ignore[misc]  # aiokafka publishes no types
    """Many rights at once: aiokafka's own request takes one, and each waits for the log."""

    def __init__(self, rows: list[tuple[object, ...]]) -> None:
        self._rows = rows

    def build(self, request_struct_class: Any) -> Any:
        return request_struct_class(self._rows)


def _creation(arguments: str) -> tuple[object, ...]:
    """The right that Kafka's own tool would make of its arguments."""
    words = argparse.ArgumentParser(allow_abbrev=False)
    words.add_argument("--add", action="store_true", required=True)
    words.add_argument("--allow-principal", required=True)
    words.add_argument("--operation", required=True, choices=OPERATIONS)
    resource = words.add_mutually_exclusive_group(required=True)
    resource.add_argument("--cluster", action="store_const", const=CLUSTER)
    resource.add_argument("--topic")
    resource.add_argument("--group")
    read = vars(words.parse_args(arguments.split()))
    ((kind, name),) = ((kind, read[kind]) for kind in RESOURCES if read[kind] is not None)
    operation = OPERATIONS[read["operation"]]
    return RESOURCES[kind], name, LITERAL, read["allow_principal"], ANY_HOST, operation, ALLOW
