"""Settings of the way to the broker: where it is, and how its door is passed.

A part of ``Settings``, which has them all.
"""

from pathlib import Path
from typing import Literal, Self

from pydantic import AliasChoices, BaseModel, Field, SecretStr, model_validator


class KafkaSettings(BaseModel):
    """Where the broker is, and who we are to it."""

    kafka_bootstrap_servers: str = Field(
        default="127.0.0.1:9092",
        validation_alias=AliasChoices(
            "KAFKA_BOOTSTRAP_SERVERS", "ROADFADE_KAFKA_BOOTSTRAP_SERVERS"
        ),
    )
    """Where the broker is."""
    kafka_security: Literal["plaintext", "ssl", "sasl_ssl"] = "plaintext"
    """How its door is locked: `ssl` is TLS, and a certificate of ours if one is named; `sasl_ssl`
    is TLS, and a user with a password (SCRAM-SHA-512)."""
    kafka_user: str | None = None
    """The user under `sasl_ssl`: the principal of this process."""
    kafka_password: SecretStr | None = None
    """Its password; never shown."""
    kafka_password_file: Path | None = None
    """Or a file that holds it."""
    kafka_ca_file: Path | None = None
    """Certificates (PEM) of who may sign the broker's; whom this machine trusts if none is named.
    TLS files that are replaced count from the next connection on."""
    kafka_certificate_file: Path | None = None
    """Certificate (PEM, with its chain) that a client shows the broker."""
    kafka_key_file: Path | None = None
    """Its key, without a password."""

    @model_validator(mode="after")
    def _the_brokers_door_is_whole(self) -> Self:
        users = (self.kafka_user, self.kafka_password, self.kafka_password_file)
        pair = (self.kafka_certificate_file, self.kafka_key_file)
        passwords = (self.kafka_password, self.kafka_password_file)
        msg = None
        if self.kafka_security == "sasl_ssl":
            if self.kafka_user is None or passwords.count(None) != 1:
                msg = "kafka_security is sasl_ssl: give kafka_user, and one of kafka_password and "
                msg += "kafka_password_file"
        elif any(one is not None for one in users):
            msg = "kafka_user and a password are for kafka_security sasl_ssl alone: no password "
            msg += "goes over a connection that is not encrypted"
        if self.kafka_security == "plaintext" and {*pair, self.kafka_ca_file} != {None}:
            msg = "TLS files are named, and kafka_security is plaintext: say ssl or sasl_ssl"
        if pair.count(None) == 1:
            msg = "a certificate and its key belong together: give kafka_certificate_file and "
            msg += "kafka_key_file"
        if msg is not None:
            raise ValueError(msg)
        return self
