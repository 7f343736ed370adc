"""The one guarded broker of the tests of rights: started when the first of them asks."""

import asyncio
from collections.abc import Iterator

import pytest

from policy.artefacts.acls import acls
from tests.integration.guarded_road import PREFIX, SMALL, STRANGER, Way, furnish
from tests.support.guarded_broker import SUPER_USER, GuardedBroker, grant


@pytest.fixture(scope="package")
def way(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Way]:
    """The way to a guarded broker, by principal; its rights are exactly those printed."""
    rights = acls(SMALL, PREFIX)
    principals = {STRANGER, *(right.principal for right in rights)}
    with GuardedBroker(tmp_path_factory.mktemp("guarded"), principals) as broker:
        master = broker.connection(SUPER_USER, PREFIX)
        asyncio.run(grant(master, rights))
        asyncio.run(furnish(master))
        yield lambda principal: broker.connection(principal, PREFIX)
