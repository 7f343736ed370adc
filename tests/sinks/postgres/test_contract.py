"""A store in PostgreSQL keeps what every store promises."""

from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("psycopg", reason="the driver is not installed: pip install psycopg[binary]")

from sinks.port.allowed import Judge
from sinks.postgres.connection import Database
from sinks.postgres.copying import copy_postgres
from sinks.postgres.restoring import RESTORING, RestoredPostgres
from sinks.postgres.sink import PostgresSink
from tests.sinks.anew import AnewContract
from tests.sinks.contract import Restart, SinkContract
from tests.sinks.erasing import ErasingContract, Judging
from tests.sinks.holding import HoldContract
from tests.sinks.postgres.stores import dropped, open_sink, quiet
from tests.sinks.restating import RestateContract
from tests.sinks.restoring import PutBack, RestoreContract


class TestPostgres(
    SinkContract, RestateContract, AnewContract, ErasingContract, HoldContract, RestoreContract
):
    @pytest.fixture
    def put_back(self, database: Database, tmp_path: Path) -> Iterator[PutBack]:
        """Into another schema, by way of one beside it."""
        opened: list[PostgresSink] = []
        with dropped(database.dsn, f"{database.schema}_copy") as place:

            def copied(now_ms: int) -> PostgresSink:
                copy_postgres(database, tmp_path / "copy", now_ms, quiet)
                restored = RestoredPostgres(place, RESTORING)
                restored.require_room()
                restored.put_back(tmp_path / "copy", "token", quiet)
                restored.take_place("token")
                opened.append(open_sink(place))
                return opened[-1]

            yield copied
            for sink in opened:
                sink.close()

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
