"""Which ways into the pipeline are locked, in words. As the settings of whoever asks have them.

One function a door; a new door is one line of ``doors_of``.
"""

from typing import NamedTuple

from roadfade.settings import Settings


class Door(NamedTuple):
    """One way in."""

    door: str
    locked: bool
    said: str


def doors_of(settings: Settings) -> tuple[Door, ...]:
    """Every door."""
    return (_broker(settings), _raw(settings), *_gateway(settings))


def _broker(settings: Settings) -> Door:
    match settings.kafka_security:
        case "plaintext":
            said = "open: no TLS, and whoever reaches the broker is let in"
            return Door("broker", locked=False, said=said)
        case "sasl_ssl":
            return Door("broker", locked=True, said="TLS, and a user with a password")
        case "ssl" if settings.kafka_certificate_file is not None:
            return Door("broker", locked=True, said="TLS, and a certificate of ours")
        case "ssl":
            said = "TLS, and nobody is asked who they are"
            return Door("broker", locked=False, said=said)


def _raw(settings: Settings) -> Door:
    if settings.raw_allow_unsealed:
        said = "unsealed envelopes are accepted: who reads the raw topic reads everybody"
        return Door("raw data", locked=False, said=said)
    return Door("raw data", locked=True, said="sealed envelopes alone are accepted")


def _gateway(settings: Settings) -> tuple[Door, ...]:
    """None, if these settings are of no gateway."""
    if settings.gateway_certificate_file is None:
        return ()
    ways = "HTTPS" if settings.gateway_mqtt_port is None else "HTTPS and MQTT"
    said = f"{ways}, with TLS: who has a device's certificate is let in"
    if settings.gateway_jwks_file is not None:
        said += "; HTTPS on a port of its own: who has a token"
    return (Door("gateway", locked=True, said=said),)
