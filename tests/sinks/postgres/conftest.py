"""One PostgreSQL for all tests of a worker, a schema of its own for each."""

import itertools
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from roadfade.local.postgres import SETTINGS, LocalPostgres, start_postgres

if TYPE_CHECKING:
    from sinks.postgres.connection import Database
    from tests.sinks.postgres.stores import Reading

# No test pulls the plug: what the disk has not yet, the system has.
FAST = {"fsync": "off", "full_page_writes": "off"}
_schemas = itertools.count(1)


@pytest.fixture(scope="session")
def postgres() -> Iterator[LocalPostgres]:
    """The server. Its folder is none of pytest's: those are closed to the user it runs as."""
    pytest.importorskip(
        "psycopg", reason="the driver is not installed: pip install psycopg[binary]"
    )
    folder = Path(tempfile.mkdtemp(prefix="roadfade-postgres-"))
    folder.chmod(0o755)
    server = start_postgres(folder / "server", {**SETTINGS, **FAST})
    if isinstance(server, str):
        shutil.rmtree(folder)
        pytest.skip(server)
    yield server
    server.stop()
    shutil.rmtree(folder)


@pytest.fixture
def database(postgres: LocalPostgres) -> Iterator["Database"]:
    """An empty place for a store; what a test leaves there goes with it."""
    from tests.sinks.postgres.stores import dropped  # noqa: PLC0415  # needs the driver

    with dropped(postgres.dsn, f"t{next(_schemas)}") as place:
        yield place


@pytest.fixture
def reading(database: "Database") -> Iterator["Reading"]:
    """Sessions of somebody who may read an output, in the midst of doing so."""
    from tests.sinks.postgres.stores import readers  # noqa: PLC0415  # needs the driver

    with readers(database) as open_one:
        yield open_one
