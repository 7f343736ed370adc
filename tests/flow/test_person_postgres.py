"""The same for rows in PostgreSQL: each person is shown, corrected and forgotten, and nobody else."""

import json
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from roadfade.local.broker import LocalBroker
from roadfade.local.postgres import start_postgres
from telemetry.instants import HOUR_MS, format_instant
from tests.flow.test_person import APP, BUYER, PEOPLE, SELLER, SHARED_CAR, SHARER, World
from tests.support.pace import play
from tests.support.road import no_prefix_twice, running_road
from tests.support.watching import until

pytestmark = pytest.mark.broker


@pytest.fixture
def dsn() -> Iterator[str]:
    pytest.importorskip(
        "psycopg", reason="the driver is not installed: pip install psycopg[binary]"
    )
    # Folders of pytest's are closed to the user that the server runs as.
    folder = Path(tempfile.mkdtemp(prefix="roadfade-postgres-"))
    folder.chmod(0o755)
    server = start_postgres(folder / "server")
    if isinstance(server, str):
        shutil.rmtree(folder)
        pytest.skip(server)
    yield server.dsn
    server.stop()
    shutil.rmtree(folder)


def test_a_person_is_shown_corrected_and_forgotten_in_postgresql(
    broker: LocalBroker, dsn: str, tmp_path: Path
) -> None:
    stored = {"store": "postgres", "postgres_dsn": SecretStr(dsn)}
    with running_road(
        broker.bootstrap_servers, no_prefix_twice(), tmp_path / "state", **stored
    ) as road:
        world = World(road)
        road._told()
        play(road.settings, [drive.sent() for drive in world.drives])
        road.drained()
        before = {who: world.exported(who, tmp_path / who) for who in PEOPLE}
        assert {who: found for who, (found, _) in before.items()} == {
            who: sorted(world.times_ms(who)) for who in PEOPLE
        }

        assert shown(world, SHARER)
        assert shown(world, SELLER)

        # Ten hours of the shared car were somebody's whom nobody knows.
        interval = ("--from", format_instant(world.turn_ms - 10 * HOUR_MS))
        wrong = ("--subject", SHARER, "--device", SHARED_CAR, "--nobody", "--reason", "lent_out")
        corrected = road.cli("person", "correct", *wrong, *interval, "--yes", "--json")
        assert corrected.code == 0, corrected.err
        until(lambda: shown(world, SHARER) == 0, "that what was corrected is gone")

        erased = road.cli("person", "erase", "--subject", SELLER, "--yes", "--wait", "60")
        assert erased.code == 0, erased.err
        until(lambda: shown(world, SELLER) == 0, "that nothing of the seller is left")

        found, about = world.exported(BUYER, tmp_path / "again")
        assert (found, about["digest"]) == (before[BUYER][0], before[BUYER][1]["digest"])


def shown(world: World, subject: str) -> int:
    """How many readings of the person are kept for the app, as they are told."""
    told = world.road.cli("person", "show", "--subject", subject, "--json")
    assert told.code == 0, told.err
    return sum(one["readings"] for one in json.loads(told.out)["outputs"] if one["output"] == APP)
