"""kill -9 at any step leaves a store as before it, or as after: nothing lost, nothing doubled."""

import signal
import subprocess
import sys

import pytest

pytest.importorskip("psycopg", reason="the driver is not installed: pip install psycopg[binary]")

from sinks.postgres.connection import Database
from sinks.postgres.steps import Step
from tests.sinks.postgres.killed_at import FIRST, SECOND, SOONER_MS
from tests.sinks.postgres.stores import asked, sink_in
from tests.sinks.records import EXPIRES_MS, NOW_MS, OUTPUT_A, SPEED, A, whose
from tests.sinks.restating import FixedEnds


def kill_at(database: Database, step: Step) -> None:
    """A process of its own has written the first batch, and dies at this step of what follows."""
    words = [sys.executable, "-m", "tests.sinks.postgres.killed_at", database.schema, step]
    done = subprocess.run(words, input=database.dsn, text=True, check=False)
    assert done.returncode == -signal.SIGKILL


@pytest.fixture(params=[Step.COPIED, Step.DROPPED, Step.SWAPPED, Step.MOVED])
def step(request: pytest.FixtureRequest, database: Database) -> Step:
    found: Step = request.param
    kill_at(database, found)
    return found


def test_what_was_not_committed_never_was(database: Database, step: Step) -> None:
    with sink_in(database) as sink:
        assert sink.position(A, 0) == 2
        assert sink.locate(OUTPUT_A, whose("GONE", "STAYS")).rows == 4
        assert [one.expires_ms for one in sink.overdue(EXPIRES_MS)] == [EXPIRES_MS]
        assert sink.strange() == []


def test_doing_it_again_finishes_it(database: Database, step: Step) -> None:
    with sink_in(database) as sink:
        written = sink.write([*FIRST, *SECOND], NOW_MS)
        assert (written.replayed, written.records) == (2, 2)
        assert sink.erase(OUTPUT_A, whose("GONE"), NOW_MS).located_before == 4
        assert sink.restate(FixedEnds({SPEED: SOONER_MS}), NOW_MS).moved == {OUTPUT_A: 4}
        assert asked(database, "SELECT count(*) FROM _rows_1") == [(4,)]
        assert sink.expire(SOONER_MS).rows == 4
        assert sink.write(SECOND, NOW_MS).replayed == 2
