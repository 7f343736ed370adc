"""Settings of devices' certificates and of the gateway's doors.

A part of ``Settings``, which has them all.
"""

from pathlib import Path

from pydantic import BaseModel, Field, SecretStr

from telemetry.instants import HOUR_MS

MIB = 1024 * 1024


class GatewaySettings(BaseModel):
    """Who signs for devices, and what a gateway grants them."""

    device_ca_dir: Path | None = None
    """Where the authority that signs for devices lies; `device-ca` in the state folder if none is
    named."""
    device_ca_password: SecretStr | None = None
    """What its key is encrypted with; never shown."""
    device_ca_command: str | None = None
    """A program that signs instead; `sign` or `revoked` follows. Its certificate is `ca.pem`."""
    device_certificate_days: int = Field(default=90, ge=1, le=397)
    """How long a device's certificate holds."""
    device_certificates_max: int = Field(default=4, ge=1, le=100)
    """Certificates of one device that are good at once; two are needed to rotate."""
    device_crl_file: Path | None = None
    """The list of revoked certificates; `device-crl.pem` in the state folder if none is named."""
    crl_hours: int = Field(default=24, ge=1, le=168)
    """How long a list holds. The office renews it at half of that."""
    crl_reload_s: float = Field(default=10.0, gt=0, le=60)
    """How often a gateway looks whether the list, or a certificate of its own, has changed."""

    gateway_host: str = "127.0.0.1"
    """Address of the gateway's doors."""
    gateway_port: int = Field(default=8443, ge=0, le=65_535)
    """Port of the HTTPS door, for devices with a certificate; 0 picks a free one."""
    gateway_token_port: int = Field(default=8444, ge=0, le=65_535)
    """Port of the HTTPS door for bearer tokens; 0 picks a free one."""
    gateway_jwks_file: Path | None = None
    """Public keys of who signs tokens (a JSON Web Key Set); without it no token is taken."""
    gateway_token_audience: str = Field(default="roadfade", min_length=1)
    """What a token has to be meant for (`aud`)."""
    gateway_certificate_file: Path | None = None
    """The gateway's own certificate and chain, in PEM."""
    gateway_key_file: Path | None = None
    """The key of that certificate, in PEM; if none is named it lies in the certificate's file."""
    gateway_mqtt_port: int | None = Field(default=None, ge=0, le=65_535)
    """Port of the MQTT door, for devices with a certificate; 0 picks a free one; none: no door."""
    gateway_mqtt_receive_maximum: int = Field(default=32, ge=20, le=1_000)
    """Messages of one MQTT connection that wait for their acknowledgement."""
    gateway_mqtt_keep_alive_s_max: int = Field(default=300, ge=1, le=65_535)
    """The longest silence that an MQTT client may ask for, in seconds."""
    gateway_connections_max: int = Field(default=1_000, ge=1)
    """Connections that each door holds; one more is cut off."""
    gateway_idle_s: float = Field(default=15.0, gt=0, le=3_600)
    """So long a connection may take for the headers of its next request."""
    gateway_body_s: float = Field(default=20.0, gt=0, le=3_600)
    """So long a request may take for its body."""
    gateway_answer_s: float = Field(default=10.0, ge=1, le=60)
    """So long the broker may take; then the device is told to try again."""
    gateway_drain_s: float = Field(default=10.0, gt=0, le=300)
    """So long a gateway that ends finishes what is in hand."""
    gateway_in_flight_mib: int = Field(default=64, ge=1, le=4_096)
    """Megabytes that wait for the broker; with more, devices are told to try again."""
    gateway_envelopes_per_minute: int = Field(default=600, ge=100)
    """A device's share of envelopes."""
    gateway_bytes_per_minute: int = Field(default=8 * 1024 * 1024, ge=1024 * 1024)
    """A device's share of bytes, opened."""
    gateway_devices_max: int = Field(default=100_000, ge=1)
    """Devices whose shares, boots and refusals a gateway remembers."""
    gateway_copies_max: int = Field(default=200_000, ge=0)
    """Acknowledged envelopes that a gateway remembers, so as not to write them twice; some 200
    bytes each."""
    gateway_clone_quiet_s: float = Field(default=300.0, ge=1, le=86_400)
    """So long all boots of a device but one have to be silent before it is believed again."""

    @property
    def crl_life_ms(self) -> int:
        """How long a list of revoked certificates holds."""
        return self.crl_hours * HOUR_MS

    @property
    def gateway_in_flight_bytes(self) -> int:
        """What may wait for the broker, and as much at each door."""
        return self.gateway_in_flight_mib * MIB
