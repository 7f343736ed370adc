"""Settings of the broker's door: what belongs together is given together, and nothing is shown."""

from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from roadfade.in_force.broker import connection_of
from roadfade.settings import Settings

SECRET = SecretStr("hidden")
TLS = {"kafka_ca_file": "ca.pem"}
PAIR = {"kafka_certificate_file": "own.pem", "kafka_key_file": "own.key"}
USER: dict[str, Any] = {"kafka_user": "somebody", "kafka_password": SECRET}


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"kafka_security": "ssl"},
        {"kafka_security": "ssl", **TLS, **PAIR},
        {"kafka_security": "sasl_ssl", **USER},
        {"kafka_security": "sasl_ssl", "kafka_user": "somebody", "kafka_password_file": "file"},
        {"kafka_security": "sasl_ssl", **USER, **TLS, **PAIR},
    ],
)
def test_what_belongs_together_is_taken(given: dict[str, Any]) -> None:
    Settings(**given)


@pytest.mark.parametrize(
    ("given", "why"),
    [
        (USER, "not encrypted"),
        ({"kafka_security": "ssl", **USER}, "not encrypted"),
        ({"kafka_password_file": "file"}, "not encrypted"),
        ({"kafka_security": "sasl_ssl"}, "give kafka_user"),
        ({"kafka_security": "sasl_ssl", "kafka_user": "somebody"}, "give kafka_user"),
        ({"kafka_security": "sasl_ssl", "kafka_password": SECRET}, "give kafka_user"),
        ({"kafka_security": "sasl_ssl", **USER, "kafka_password_file": "f"}, "one of"),
        (TLS, "plaintext"),
        (PAIR, "plaintext"),
        ({"kafka_security": "ssl", "kafka_key_file": "own.key"}, "belong together"),
        ({"kafka_security": "sasl_plaintext", **USER}, "plaintext"),
    ],
)
def test_what_does_not_is_refused(given: dict[str, Any], why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        Settings(**given)


def test_a_password_is_in_no_text_of_settings_or_connection() -> None:
    settings = Settings(kafka_security="sasl_ssl", **USER)
    assert connection_of(settings).security.password == "hidden"
    shown = f"{settings!r} {settings.model_dump(mode='json')} {connection_of(settings)!r}"
    assert "hidden" not in shown
