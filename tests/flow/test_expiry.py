"""From a drive to its deletion: unreadable the moment its time has come, gone after one sweep.

Nobody waits for a month: worker and sink judge at an hour ago, when the rows of a drive of
thirty days before were still alive; by the wall clock, which queries and sweeps go by, they
are expired.
"""

import json
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from roadfade.clock import wall_ms
from roadfade.demo.fleet import almost_expired_ms
from roadfade.ledger_file import LedgerFile
from roadfade.local.broker import LocalBroker
from sinks.lake.layout import files, partitions
from sinks.query.session import run_query
from telemetry.instants import DAY_MS, HOUR_MS, MINUTE_MS, Grain, format_instant
from telemetry.wire.record import LATITUDE, LONGITUDE, MESH
from tests.flow.planted import column
from tests.support.pace import plan_of, play, raw
from tests.support.road import Road, no_prefix_twice, running_road

pytestmark = pytest.mark.broker

APP, OPS = "service_provision.app", "service_provision.ops"
DONGLE = "dongle-of-the-expiring"
COUNT = "SELECT signal, count(*) FROM readings GROUP BY signal"


@pytest.fixture(scope="module")
def old_road(broker: LocalBroker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Road]:
    """A road that has just kept a drive whose shortest-lived rows are expired by now."""
    judged_ms = wall_ms() - HOUR_MS
    with running_road(
        broker.bootstrap_servers, no_prefix_twice(), tmp_path_factory.mktemp("old"),
        fixed_now_ms=judged_ms, grain_at_most=Grain.MINUTE, topic_retention_s_at_most=600,
        # Its own sweep comes at the start and then too late to disturb.
        sweep_every_s=3600, lake_compression="uncompressed",
    ) as road:  # fmt: skip
        road.known(DONGLE, "person-of-the-expiring", judged_ms - 60 * DAY_MS)
        driven_ms = almost_expired_ms(plan_of(road.settings), judged_ms)
        play(road.settings, [raw(drive(at_ms)) for at_ms in (driven_ms, judged_ms - MINUTE_MS)])
        road.drained()
        yield road


_numbers = count()


def drive(at_ms: int) -> bytes:
    return json.dumps(
        {
            "v": 1,
            "id": f"envelope-of-the-expiring-{next(_numbers)}",
            "device": DONGLE,
            "clock": {"t0": format_instant(at_ms), "quality": "gnss"},
            "series": {
                LATITUDE: column("degrees", 35.681, 35.682, 35.683),
                LONGITUDE: column("degrees", 139.767, 139.768, 139.769),
            },
        }
    ).encode()


def first_expiry(road: Road) -> tuple[int, list[Path]]:
    """When the earliest partition of the output expires, and its files."""
    place = next(partitions(road.settings.lake_dir, APP))
    return place.expires_ms, files(place)


def test_what_has_expired_is_unreadable_at_once_and_gone_after_one_sweep(old_road: Road) -> None:
    lake = old_road.settings.lake_dir
    expires_ms, expired = first_expiry(old_road)
    assert expires_ms < wall_ms() and expired

    before = dict(run_query(lake, APP, COUNT, expires_ms - 1).rows)
    at_once = dict(run_query(lake, APP, COUNT, expires_ms).rows)
    # Exact position of both drives for 30 days, coarse position for 13 months.
    assert (before[LATITUDE], before[LONGITUDE], before[MESH]) == (6, 6, 6)
    assert (at_once[LATITUDE], at_once[LONGITUDE], at_once[MESH]) == (3, 3, 6)
    asked = old_road.cli("query", "--purpose", "service_provision", "--recipient", "app", COUNT, "--json")  # fmt: skip
    assert dict(asked.json()["rows"]) == at_once
    assert all(file.exists() for file in expired), "unreadable before it is deleted"

    swept = old_road.cli("sweep", "--once", "--json").json()
    # The operations desk may see the cells of a drive for 30 days as well.
    gone = {APP: 6, OPS: 3}
    assert (swept["readings"], swept["by_output"]) == (9, gone)
    assert not any(file.exists() for file in expired)
    assert first_expiry(old_road)[0] > wall_ms()
    assert dict(run_query(lake, APP, COUNT, expires_ms - 1).rows) == at_once
    assert LedgerFile(old_road.settings.ledger_path).expired() == gone
    assert old_road.cli("sweep", "--once", "--json").json()["readings"] == 0
