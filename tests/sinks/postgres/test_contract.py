"""A store in PostgreSQL keeps what every store promises."""

from collections.abc import Iterator

import pytest

pytest.importorskip("psycopg", reason="the driver is not installed: pip install psycopg[binary]")

from sinks.port.allowed import Judge
from sinks.postgres.connection import Database
from sinks.postgres.sink import PostgresSink
from tests.sinks.anew import AnewContract
from tests.sinks.contract import Restart, SinkContract
from tests.sinks.erasing import ErasingContract, Judging
from tests.sinks.holding import HoldContract
from tests.sinks.postgres.stores import open_sink
from tests.sinks.restating import RestateContract


class TestPostgres(SinkContract, RestateContract, AnewContract, ErasingContract, HoldContract):
    @pytest.fixture
    def opened(self) -> Iterator[list[PostgresSink]]:
        opened: list[PostgresSink] = []
        yield opened
        for sink in opened:
            sink.close()

    @pytest.fixture
    def restart(self, database: Database, opened: list[PostgresSink]) -> Restart:
        def reopen() -> PostgresSink:
            if opened:
                opened.pop().close()
            opened.append(open_sink(database))
            return opened[-1]

        return reopen

    @pytest.fixture
    def judging(self, database: Database, opened: list[PostgresSink]) -> Judging:
        def reopen(judge: Judge) -> PostgresSink:
            if opened:
                opened.pop().close()
            opened.append(open_sink(database, judge=judge))
            return opened[-1]

        return reopen
