"""A version of the policy takes over while records flow, and old rows get the end it gives them."""

import asyncio
import json
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from bus.client.positions import Positions
from roadfade.clock import wall_ms
from roadfade.in_force.broker import connection_of
from roadfade.local.broker import LocalBroker
from roadfade.settings import Settings
from telemetry.instants import DAY_MS, HOUR_MS, format_instant, parse_instant
from telemetry.wire.record import LATITUDE, LONGITUDE
from tests.flow.planted import column
from tests.support.pace import play, raw
from tests.support.road import Road, no_prefix_twice, running_road
from tests.support.scrape import scrape
from tests.support.versions import RENAMED, Bends, document
from tests.support.watching import until

pytestmark = pytest.mark.broker

DONGLE, PERSON = "dongle-of-the-versions", "person-of-the-versions"
APP = "service_provision.app"
POSITIONS = "SELECT 1 FROM readings WHERE signal = 'Vehicle.CurrentLocation.Latitude'"
IMPROVE, ENGINEERING, LAB = "service_improve", "device_engineering", "service_provision.lab"
KEPT = "SELECT policy_version[1], datediff('day', min(t), max(expires_at)), count(*) FROM readings GROUP BY ALL ORDER BY ALL"  # fmt: skip
_numbers = count()

SECOND: Bends = {
    # Who was told of twelve months is told of six by a notice of the next number.
    "notices/service_improve@1.yaml": ((RENAMED, "notices/service_improve@2.yaml"),),
    "purposes/service_improve.yaml": (
        ("at_most: 12 months", "at_most: 6 months"),
        ("service_improve@1", "service_improve@2"),
    ),
    "purposes/service_provision.yaml": (
        (
            "countries: [JP]}\n\ncells",
            "countries: [JP]}\n  - {id: lab, class: internal, who: {ja: 試験室, en: the lab}, countries: [JP]}\n\ncells",
        ),  # one line of the document
        (
            "to: [ops]\n      only: [Vehicle.OBD.DTCList",
            "to: [ops, lab]\n      only: [Vehicle.OBD.DTCList",
        ),
        (
            "\nforbids:",
            "\napprovals:\n  - {change: new recipient lab, decision: applies_to_new_data, by: privacy officer, on: 2026-11-20}\n\nforbids:",
        ),  # one line of the document
    ),
    "purposes/device_engineering.yaml": (
        (
            "\nforbids:\n",
            "\nforbids:\n  - {to: [engineering], because: the device is sold, cites: [C2-10]}\n",
        ),  # one line of the document
    ),
}

THIRD: Bends = dict(SECOND) | {
    "notices/service_improve@1.yaml": ((RENAMED, "notices/service_improve@3.yaml"),),
    "purposes/service_improve.yaml": (
        ("at_most: 12 months", "at_most: 5 months"),
        ("service_improve@1", "service_improve@3"),
    ),
}

APPROVED = """approvals:
  - {change: new recipient engineering, decision: applies_to_new_data, by: officer, on: 2026-11-22}
  - {change: no longer forbids to engineering, decision: approved, by: officer, on: 2026-11-22}

forbids:
"""
AGAIN: Bends = dict(THIRD) | {
    "purposes/device_engineering.yaml": (("\nforbids:\n", f"\n{APPROVED}"),)
}


@pytest.fixture(scope="module")
def versioned(broker: LocalBroker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Road]:
    """Two workers under version 1, with something kept."""
    state = tmp_path_factory.mktemp("versions")
    with running_road(broker.bootstrap_servers, no_prefix_twice(), state, view_age_s_max=3) as one:
        one.start("worker-1")
        one.known(DONGLE, PERSON, wall_ms() - 60 * DAY_MS)
        drive(one)
        yield one


def drive(road: Road, ago_ms: int = 5_000) -> None:
    """Two codes, two speeds and a position, all the way into the lake."""
    body = {
        "v": 1,
        "id": f"envelope-of-the-versions-{next(_numbers):04d}",
        "device": DONGLE,
        "clock": {"t0": format_instant(wall_ms() - ago_ms), "quality": "gnss"},
        "series": {
            "Vehicle.Speed": column("km/h", 43.5, 44.5),
            LATITUDE: column("degrees", 35.681),
            LONGITUDE: column("degrees", 139.767),
        },
        "dtc": ["P0301", "P0420"],
    }
    play(road.settings, [raw(json.dumps(body).encode(), DONGLE)])
    road.drained()


def publish(road: Road, folder: Path) -> dict[str, Any]:
    answer = road.cli("policy", "publish", "--policy", str(folder), "--wait", "20", "--json")
    assert answer.code == 0, answer.err + answer.out
    return answer.json()


def works_by(road: Road, version: int, *names: str) -> bool:
    """Whether each of these processes says that it works by this version."""
    told = {p.name: p.versions[1] for p in scrape(road.settings.ports_dir) if p.samples is not None}
    return all(told.get(name, "").startswith(f"{version}-") for name in names)


def days(road: Road, output: str) -> int:
    """The longest life of any row of an output."""
    return max(int(row[1]) for row in road.rows(output, KEPT))


def readable(settings: Settings, output: str) -> int:
    """How many records of an output's topic can be read."""

    async def ask() -> int:
        async with Positions(connection_of(settings)) as positions:
            sizes = {f"purpose.{output}": settings.partitions}
            begin, end = await positions.begin(sizes), await positions.end(sizes)
            return sum(end.values()) - sum(begin.values())

    return asyncio.run(ask())


def test_a_version_takes_over_on_every_process_and_old_rows_end_as_it_says(
    versioned: Road, tmp_path: Path
) -> None:
    before = {output: versioned.rows(output, KEPT) for output in (IMPROVE, ENGINEERING)}
    assert {rows[0][0] for rows in before.values()} == {"1"}
    assert readable(versioned.settings, ENGINEERING) > 0

    told = publish(versioned, document(tmp_path / "second", 2, SECOND))
    assert (told["version"], told["told"]) == (2, True)
    everyone = ("office", "sink", "sweep", "worker-0", "worker-1")
    until(lambda: works_by(versioned, 2, *everyone), "every process works by version 2")
    drive(versioned)

    # What is new is kept under the new version, for the new recipient as well.
    assert [row[0] for row in versioned.rows(LAB, KEPT)] == ["2"]
    # What was kept for twelve months ends after six, whichever version made it.
    until(lambda: days(versioned, IMPROVE) <= 184, "old rows end as the new version says")
    assert days(versioned, IMPROVE) > 150
    kept = {row[0]: row[2] for row in versioned.rows(IMPROVE, KEPT)}
    assert kept["1"] == before[IMPROVE][0][2] and kept["2"] > 0
    # What nobody may keep any more is gone, from the lake and from its topic.
    until(lambda: not versioned.rows(ENGINEERING), "rows nobody may keep are gone")
    until(lambda: readable(versioned.settings, ENGINEERING) == 0, "their topic is empty")
    assert readable(versioned.settings, IMPROVE) > 0
    assert versioned.ended() == []
    assert versioned.cli("topics", "show", "--json").code == 0
    status = versioned.cli("status", "--json").json()
    assert status["wrong"] == [], status["wrong"]


def test_a_version_to_come_changes_nothing_and_is_prepared(versioned: Road, tmp_path: Path) -> None:
    day = format_instant(wall_ms() + 2 * DAY_MS)[:10]
    kept = {output: versioned.rows(output, KEPT) for output in (IMPROVE, LAB)}
    # As the first one again, the engineers would receive what the second took from them.
    back = document(tmp_path / "back", 3, {}, effective=day)
    refused = versioned.cli("policy", "publish", "--json", "--policy", str(back))
    assert refused.code == 1 and refused.json()["undecided"] > 0
    told = publish(versioned, document(tmp_path / "third", 3, THIRD, effective=day))
    # The document's days begin in its zone, nine hours before those of UTC.
    begins_ms = parse_instant(f"{day}T00:00:00Z") - 9 * HOUR_MS
    assert told["starts"] == format_instant(begins_ms)
    drive(versioned)
    assert works_by(versioned, 2, "office", "sink", "sweep", "worker-0", "worker-1")
    assert {row[0] for row in versioned.rows(IMPROVE, KEPT)} == {"1", "2"}
    assert days(versioned, IMPROVE) > 150
    assert versioned.rows(LAB, KEPT)[0][2] == kept[LAB][0][2] * 2
    assert versioned.cli("status", "--json").json()["wrong"] == []


def longer(of: Bends, *, told: bool) -> Bends:
    """Exact positions for 60 days in place of 30, announced in a notice of its own or not at all."""
    kept = ("at_most: 30 days, from: trip_end, because: {ja: 走行を見返し",
            "at_most: 60 days, from: trip_end, because: {ja: 走行を見返し")  # fmt: skip
    page = "purposes/service_provision.yaml"
    if not told:
        return dict(of) | {page: (*of[page], kept)}
    approval = ("\napprovals:\n", "\napprovals:\n  - {change: 'C07 to app 60 days (was 30)', decision: applies_to_new_data, by: officer, on: 2026-11-22}\n")  # fmt: skip
    asked = ("service_provision_location@1", "service_provision_location@2")
    notice = "notices/service_provision_location@{}.yaml"
    return dict(of) | {
        page: (*of[page], kept, approval, asked),
        notice.format(1): ((RENAMED, notice.format(2)),),
    }


def test_an_output_that_comes_back_is_kept_from_where_its_topic_went_on(
    versioned: Road, tmp_path: Path
) -> None:
    publish(versioned, document(tmp_path / "fourth", 4, AGAIN))
    until(
        lambda: works_by(versioned, 4, "office", "sink", "sweep", "worker-0", "worker-1"),
        "version 4",
    )
    drive(versioned)
    assert [row[0] for row in versioned.rows(ENGINEERING, KEPT)] == ["4"]
    assert versioned.ended() == []
    assert versioned.cli("status", "--json").json()["wrong"] == []


def test_whoever_agreed_to_thirty_days_is_asked_anew_before_sixty_hold(
    versioned: Road, tmp_path: Path
) -> None:
    before = len(versioned.rows(APP, POSITIONS))
    assert before > 0, "consents under the first notice open the cell"
    silent = document(tmp_path / "silent", 5, longer(AGAIN, told=False))
    refused = versioned.cli("policy", "publish", "--policy", str(silent))
    assert refused.code == 1
    said = " ".join((refused.out + refused.err).split())
    assert "60 days (was 30): LENGTHENS, NEEDS_NEW_NOTICE" in said
    assert "write service_provision_location@2 in place of service_provision_location@1" in said
    publish(versioned, document(tmp_path / "fifth", 5, longer(AGAIN, told=True)))
    until(
        lambda: works_by(versioned, 5, "office", "sink", "sweep", "worker-0", "worker-1"),
        "version 5",
    )
    drive(versioned)
    assert len(versioned.rows(APP, POSITIONS)) == before, "nobody has agreed to sixty days"

    granted = versioned.cli(
        "consent", "grant", "--subject", PERSON, "--purpose", "service_provision",
        "--basis", "location", "--notice", "service_provision_location@2", "--wait", "20",
    )  # fmt: skip
    assert granted.code == 0, granted.err

    def kept() -> bool:
        drive(versioned, ago_ms=0)
        return len(versioned.rows(APP, POSITIONS)) > before

    until(kept, "positions under the second notice")
    assert versioned.cli("status", "--json").json()["wrong"] == []
