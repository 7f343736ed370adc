"""Strimzi's users say what the printed rights say, and carry names that Kubernetes allows."""

import re
from typing import Final

import pytest

from policy.artefacts.acls import CLUSTER, Acl, acls
from policy.artefacts.kafka_users import kafka_users
from tests.support.plans import PLAN

NAME: Final = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?")


def test_every_right_is_in_one_users_list_and_no_other_is() -> None:
    users = kafka_users(acls(PLAN, "north."), "main")
    told = {
        (user["metadata"]["name"], operation, acl["resource"]["type"], acl["resource"].get("name"))
        for user in users
        for acl in user["spec"]["authorization"]["acls"]
        for operation in acl["operations"]
    }
    assert told == {
        (
            a.principal.replace("_", "-"),
            a.operation,
            a.resource,
            None if a.name == CLUSTER else a.name,
        )
        for a in acls(PLAN, "north.")
    }


def test_every_user_is_one_that_strimzi_takes() -> None:
    for user in kafka_users(acls(PLAN), "main"):
        assert (user["apiVersion"], user["kind"]) == ("kafka.strimzi.io/v1", "KafkaUser")
        assert user["metadata"]["labels"] == {"strimzi.io/cluster": "main"}
        assert NAME.fullmatch(user["metadata"]["name"])
        assert user["spec"]["authentication"] == {"type": "scram-sha-512"}
        assert user["spec"]["authorization"]["type"] == "simple"


def test_two_principals_are_never_one_user() -> None:
    alike = [
        Acl(name, "Read", "topic", "t") for name in ("roadfade-reader.a_b", "roadfade-reader.a-b")
    ]
    with pytest.raises(ValueError, match="same name"):
        kafka_users(alike, "main")
