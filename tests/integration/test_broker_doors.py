"""A broker whose doors are locked: who gets in, and what we say to who does not."""

import asyncio
import gc
from collections.abc import Mapping
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.errors import TopicAuthorizationFailedError
from pydantic import SecretStr

from bus.access_rights import Right
from bus.client.access_rights import KafkaRights
from bus.client.connection import Connection
from policy.artefacts.acls import ADMIN, GATEWAY
from roadfade.in_force.broker import require_broker
from roadfade.local.certificates import make_certificates
from roadfade.refusal import NotReady
from roadfade.settings import Settings
from telemetry.topics import RAW
from tests.integration.bus_road import DEADLINE_S
from tests.integration.guarded_road import PREFIX, Way
from tests.support.guarded_broker import SUPER_USER

pytestmark = pytest.mark.broker
WRONG: Final[Mapping[str, tuple[dict[str, Any], str]]] = {
    "wrong password": ({"kafka_password": SecretStr("guessed")}, "kafka_user, or its password"),
    "no such user": ({"kafka_user": "nobody"}, "kafka_user, or its password"),
    "no user": (
        {"kafka_security": "ssl", "kafka_user": None, "kafka_password": None},
        "if it asks for a password, kafka_security is sasl_ssl",
    ),
}


def settings_of(connection: Connection, folder: Path, **other: Any) -> Settings:
    security = connection.security
    given = {
        "topic_prefix": PREFIX, "kafka_security": security.protocol, "kafka_user": security.user,
        "kafka_password": SecretStr(security.password or ""), "kafka_ca_file": security.ca_file,
    }  # fmt: skip
    return Settings(
        kafka_bootstrap_servers=connection.bootstrap_servers, state_dir=folder,
        **{**given, **other},
    )  # fmt: skip


def test_who_has_user_password_and_authority_gets_in(way: Way, tmp_path: Path) -> None:
    require_broker(settings_of(way(ADMIN), tmp_path))
    gc.collect()  # as below


@pytest.mark.parametrize("wrong", WRONG)
def test_who_has_not_is_told_which_it_may_be(way: Way, tmp_path: Path, wrong: str) -> None:
    given, remedy = WRONG[wrong]
    with pytest.raises(NotReady, match=remedy) as told:
        require_broker(settings_of(way(ADMIN), tmp_path, **given))
    assert "guessed" not in str(told.value)
    gc.collect()  # a connection that was left open is an error here, not in whatever runs next


def test_a_broker_that_another_authority_signed_for_is_not_spoken_to(
    way: Way, tmp_path: Path
) -> None:
    other = make_certificates(tmp_path, datetime.now(UTC)).authority
    with pytest.raises(NotReady, match=r"no TLS connection .* kafka_ca_file"):
        require_broker(settings_of(way(ADMIN), tmp_path, kafka_ca_file=other))


def test_a_certificate_that_is_shown_is_looked_at(way: Way, tmp_path: Path) -> None:
    authority = way(ADMIN).security.ca_file
    assert authority is not None
    good, strange = (
        authority.with_name("broker.pem"),
        make_certificates(tmp_path, datetime.now(UTC)),
    )
    for shown, lets_in in ((good, True), (strange.broker, False)):
        pair = {"kafka_certificate_file": shown, "kafka_key_file": shown}
        with nullcontext() if lets_in else pytest.raises(NotReady, match="kafka_certificate_file"):
            require_broker(settings_of(way(ADMIN), tmp_path, **pair))


def test_a_password_may_lie_in_a_file(way: Way, tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text(f"{way(ADMIN).security.password}\n")
    in_file = {"kafka_password": None, "kafka_password_file": file}
    require_broker(settings_of(way(ADMIN), tmp_path, **in_file))
    file.write_text("guessed")
    with pytest.raises(NotReady, match="does not let us in"):
        require_broker(settings_of(way(ADMIN), tmp_path, **in_file))


async def test_a_right_that_is_taken_bites_a_connection_that_is_open(way: Way) -> None:
    own = Right(GATEWAY, "Write", "topic", PREFIX + RAW)
    raw = way(GATEWAY).topic(RAW)
    producer = AIOKafkaProducer(**way(GATEWAY).client_options())
    async with producer, KafkaRights(way(SUPER_USER)) as rights:
        await producer.send_and_wait(raw, b"v", b"k", partition=0)
        await rights.take([own])
        try:
            with pytest.raises(TopicAuthorizationFailedError):
                await _sent_for_ever(producer, raw)
        finally:
            await rights.give([own])


async def _sent_for_ever(producer: AIOKafkaProducer, raw: str) -> None:
    """The broker hears of a right that is gone a moment later."""
    async with asyncio.timeout(DEADLINE_S):
        while True:
            await producer.send_and_wait(raw, b"v", b"k", partition=0)
