"""``topics apply --acls`` and ``topics show``, on a broker with rights and on one without."""

import asyncio
import json
from pathlib import Path
from typing import Any, Final

import pytest

from bus.access_rights import Right
from bus.client.access_rights import KafkaRights
from bus.client.connection import Connection
from policy.artefacts.acls import ADMIN, SINK, WORKER
from roadfade.commands.topics import apply_topics_command, show
from roadfade.refusal import NotReady
from roadfade.settings import Settings
from tests.integration.guarded_road import Way
from tests.integration.test_broker_doors import settings_of
from tests.support.guarded_broker import SUPER_USER

pytestmark = pytest.mark.broker
PREFIX: Final = "applied."
NEEDED: Final = Right(WORKER, "Read", "topic", "applied.telemetry.raw")
TOO_MUCH: Final = Right(SINK, "Read", "topic", "applied.telemetry.raw")
SOMEBODYS: Final = Right("somebody", "Read", "topic", "applied.telemetry.raw")


def test_rights_are_brought_to_the_policys_and_drift_is_shown(
    way: Way, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    master = settings_of(way(SUPER_USER), tmp_path, topic_prefix=PREFIX, partitions=1)
    admin = settings_of(way(ADMIN), tmp_path, topic_prefix=PREFIX, partitions=1)

    def applied() -> dict[str, Any]:
        apply_topics_command(master, with_acls=True, as_json=True)
        rights: dict[str, Any] = json.loads(capsys.readouterr().out)["rights"]
        return rights

    def shown() -> dict[str, Any]:
        show(admin, as_json=True)
        rights: dict[str, Any] = json.loads(capsys.readouterr().out)["rights"]
        return rights

    async def disturb() -> None:
        async with KafkaRights(way(SUPER_USER)) as rights:
            await rights.take([NEEDED])
            await rights.give([TOO_MUCH, SOMEBODYS])

    first = applied()
    assert NEEDED._asdict() in first["given"]
    assert first["taken"] == first["others"] == []
    assert shown() == {"missing": [], "surplus": [], "others": []}
    asyncio.run(disturb())
    others = [SOMEBODYS._asdict()]
    assert shown() == {
        "missing": [NEEDED._asdict()], "surplus": [TOO_MUCH._asdict()], "others": others,
    }  # fmt: skip
    with pytest.raises(NotReady, match="Alter"):
        apply_topics_command(admin, with_acls=True, as_json=True)
    assert applied() == {
        "given": [NEEDED._asdict()], "taken": [TOO_MUCH._asdict()], "others": others,
    }  # fmt: skip


def test_a_broker_that_enforces_none_is_refused_in_words(
    connection: Connection, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = Settings(
        kafka_bootstrap_servers=connection.bootstrap_servers, topic_prefix=connection.prefix,
        state_dir=tmp_path, partitions=1,
    )  # fmt: skip
    with pytest.raises(NotReady, match=r"authorizer\.class\.name"):
        apply_topics_command(settings, with_acls=True, as_json=True)
    show(settings, as_json=False)
    assert "enforces no rights" in capsys.readouterr().out
