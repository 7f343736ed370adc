"""Which doors are locked, as status says it."""

from typing import Any

import pytest
from pydantic import SecretStr

from roadfade.settings import Settings
from roadfade.status.doors import doors_of

USER = {"kafka_user": "somebody", "kafka_password": SecretStr("hidden")}
PAIR = {"kafka_certificate_file": "own.pem", "kafka_key_file": "own.key"}


@pytest.mark.parametrize(
    ("given", "locked"),
    [
        ({}, False),
        ({"kafka_security": "ssl"}, False),
        ({"kafka_security": "ssl", **PAIR}, True),
        ({"kafka_security": "sasl_ssl", **USER}, True),
    ],
)
def test_a_broker_is_locked_if_it_asks_who_comes(*, given: dict[str, Any], locked: bool) -> None:
    (broker,) = (one for one in doors_of(Settings(**given)) if one.door == "broker")
    assert broker.locked is locked
    assert "hidden" not in broker.said


def test_raw_data_is_locked_if_it_must_be_sealed() -> None:
    told = {
        allowed: {one.door: one.locked for one in doors_of(Settings(raw_allow_unsealed=allowed))}
        for allowed in (True, False)
    }
    assert (told[True]["raw data"], told[False]["raw data"]) == (False, True)


def test_a_gateway_is_told_with_who_is_let_in() -> None:
    assert [one.door for one in doors_of(Settings())] == ["broker", "raw data"]
    given = {"gateway_certificate_file": "gateway.pem", "gateway_mqtt_port": 0}
    gateway = doors_of(Settings.model_validate(given))[-1]
    assert gateway.locked
    assert gateway.said == "HTTPS and MQTT, with TLS: who has a device's certificate is let in"
    more = doors_of(Settings.model_validate({**given, "gateway_jwks_file": "keys.json"}))[-1]
    assert more.said.endswith("on a port of its own: who has a token")
