"""The shipped policy, compiled once and read once more by itself; PostgreSQL's fixtures."""

import pytest

from policy.plan.plan import Plan
from roadfade.commands.policy.choice import policy_or_exit
from roadfade.in_force.documents import shipped_policy_path
from tests.sinks.postgres.conftest import database, postgres
from tests.walk.words import Policy, read_policy

__all__ = ["database", "postgres"]


@pytest.fixture(scope="session")
def plan() -> Plan:
    return policy_or_exit(None).plan


@pytest.fixture(scope="session")
def words() -> Policy:
    return read_policy(shipped_policy_path())
