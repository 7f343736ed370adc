"""The locks of a local broker: who may come in, and how it knows them. Text, and files beside it.

One listener, with TLS, for users with a password (SCRAM-SHA-512); a certificate of a client is
looked at if it shows one. Whoever is in may do what a right allows, and nothing else.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from roadfade.local.certificates import BrokerCertificates, write_secret

MASTER: Final = "admin"
"""The broker itself, and whoever gives rights: no right is asked of it."""
_MECHANISM: Final = "SCRAM-SHA-512"
_SCRAM: Final = "org.apache.kafka.common.security.scram.ScramLoginModule"
_PLAIN: Final = "org.apache.kafka.common.security.plain.PlainLoginModule"


@dataclass(frozen=True, slots=True)
class Doors:
    """Certificates, and every user's password; the users are those that it is formatted with."""

    certificates: BrokerCertificates
    passwords: Mapping[str, str] = field(repr=False)
    """Letters and digits alone; ``MASTER`` is among them."""

    def properties(self, port: int, controller_port: int) -> str:
        """What takes the place of a plain broker's lines; Kafka takes the later of two."""
        own = f'username="{MASTER}" password="{self.passwords[MASTER]}"'
        told = f'user_{MASTER}="{self.passwords[MASTER]}"'
        return f"""\
listeners=SASL_SSL://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}
advertised.listeners=SASL_SSL://127.0.0.1:{port}
listener.security.protocol.map=SASL_SSL:SASL_SSL,CONTROLLER:SASL_PLAINTEXT
inter.broker.listener.name=SASL_SSL
sasl.enabled.mechanisms={_MECHANISM}
sasl.mechanism.inter.broker.protocol={_MECHANISM}
listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config={_SCRAM} required {own};
# The controller's port is for the broker itself, on the loopback address.
listener.name.controller.sasl.enabled.mechanisms=PLAIN
sasl.mechanism.controller.protocol=PLAIN
listener.name.controller.plain.sasl.jaas.config={_PLAIN} required {own} {told};
ssl.keystore.type=PEM
ssl.keystore.location={self.certificates.broker}
ssl.truststore.type=PEM
ssl.truststore.location={self.certificates.authority}
listener.name.sasl_ssl.ssl.client.auth=requested
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
allow.everyone.if.no.acl.found=false
super.users=User:{MASTER}
"""

    def write_users(self, file: Path) -> str:
        """Write the users for the tool that formats, and the word that names the file to it.

        Not as words of its own: everybody on this machine can read those.
        """
        words = [
            word
            for user, password in self.passwords.items()
            for word in ("--add-scram", f"{_MECHANISM}=[name={user},password={password}]")
        ]
        write_secret(file, "".join(f"{word}\n" for word in words).encode())
        return f"@{file}"
