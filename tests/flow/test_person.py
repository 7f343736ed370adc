"""One person among others who drove the same cars: found whole, shown, forgotten, and nobody else."""

import csv
import json
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

import pytest

from bus.records import Outgoing
from roadfade.clock import wall_ms
from telemetry.instants import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS, format_instant, parse_instant
from telemetry.wire.record import LATITUDE, LONGITUDE
from tests.flow.planted import COOLANT, column
from tests.support.pace import play, raw
from tests.support.road import Road
from tests.support.watching import until

pytestmark = pytest.mark.broker

APP = "service_provision.app"
SELLER, BUYER, SHARER = "person-who-sells", "person-who-buys", "person-who-shares"
SOLD_CAR, SHARED_CAR = "dongle-of-the-sold-car", "dongle-of-the-shared-car"
PEOPLE = (SELLER, BUYER, SHARER)
POSITIONS = 10


class Drive(NamedTuple):
    """Some seconds in one car; the place is the person's own."""

    device: str
    subject: str
    from_ms: int

    def sent(self) -> Outgoing:
        place = PEOPLE.index(self.subject)
        body = {
            "v": 1,
            "id": sha256(f"{self.device}{self.from_ms}".encode()).hexdigest()[:26],
            "device": self.device,
            "clock": {"t0": format_instant(self.from_ms), "quality": "gnss"},
            "series": {
                LATITUDE: column("degrees", *[35.1 + place] * POSITIONS),
                LONGITUDE: column("degrees", *[139.1 + place] * POSITIONS),
            },
        }
        return raw(json.dumps(body).encode(), self.device)

    def times_ms(self) -> set[int]:
        return {self.from_ms + n * SECOND_MS for n in range(POSITIONS)}


class World:
    """Two cars, three people: one car is sold, the other is driven in turns."""

    def __init__(self, road: Road) -> None:
        self.road = road
        now_ms = wall_ms() // MINUTE_MS * MINUTE_MS
        self.sold_ms, self.turn_ms = now_ms - 6 * HOUR_MS, now_ms - 3 * HOUR_MS
        for subject in PEOPLE:
            self._agrees(subject, now_ms - 24 * HOUR_MS)
        self._drives(SOLD_CAR, SELLER, now_ms - 12 * HOUR_MS)
        self._ends(SOLD_CAR, self.sold_ms)
        self._drives(SOLD_CAR, BUYER, self.sold_ms)
        self._drives(SHARED_CAR, SHARER, now_ms - 12 * HOUR_MS)
        self._ends(SHARED_CAR, self.turn_ms)
        self._drives(SHARED_CAR, SELLER, self.turn_ms)
        self.drives = [
            Drive(SOLD_CAR, SELLER, self.sold_ms - 2 * MINUTE_MS),
            Drive(SOLD_CAR, BUYER, self.sold_ms + 2 * MINUTE_MS),
            Drive(SHARED_CAR, SHARER, self.turn_ms - 2 * MINUTE_MS),
            Drive(SHARED_CAR, SELLER, self.turn_ms + 2 * MINUTE_MS),
        ]

    def _agrees(self, subject: str, from_ms: int) -> None:
        for basis in ("location", "opt_in"):
            asked = ("--subject", subject, "--purpose", "service_provision", "--basis", basis)
            done = self.road.cli("consent", "grant", *asked, "--from", format_instant(from_ms))
            assert done.code == 0, done.err

    def _drives(self, device: str, subject: str, from_ms: int) -> None:
        who = ("--device", device, "--subject", subject, "--role", "driver")
        done = self.road.cli("register", *who, "--from", format_instant(from_ms), "--wait", "60")
        assert done.code == 0, done.err

    def _ends(self, device: str, at_ms: int) -> None:
        done = self.road.cli("unregister", "--device", device, "--at", format_instant(at_ms))
        assert done.code == 0, done.err

    def times_ms(self, subject: str) -> set[int]:
        mine = [drive.times_ms() for drive in self.drives if drive.subject == subject]
        return set().union(*mine)

    def kept_ms(self) -> list[int]:
        statement = f"SELECT epoch_ms(t) FROM readings WHERE signal = '{LATITUDE}'"  # noqa: S608  # a constant
        return sorted(row[0] for row in self.road.rows(APP, statement))

    def exported(self, subject: str, into: Path) -> tuple[list[int], Mapping[str, object]]:
        """Times of the positions that a person is given, and what the export says of itself."""
        done = self.road.cli("person", "export", "--subject", subject, "--into", str(into))
        assert done.code == 0, done.err
        assert subject not in done.out
        with (into / "readings" / f"{APP}.csv").open(newline="") as stream:
            rows = [row for row in csv.DictReader(stream) if row["signal"] == LATITUDE]
        place = 35.1 + PEOPLE.index(subject)
        assert all(float(row["value"]) == pytest.approx(place) for row in rows)
        about = json.loads((into / "person.json").read_text())
        return sorted(parse_instant(row["time"]) for row in rows), about


@pytest.fixture(scope="module")
def world(road: Road) -> World:
    made = World(road)
    road._told()
    play(road.settings, [drive.sent() for drive in made.drives])
    road.drained()
    return made


def test_each_person_is_given_all_that_is_theirs_and_nothing_else(
    world: World, tmp_path: Path
) -> None:
    for subject in PEOPLE:
        found, about = world.exported(subject, tmp_path / subject)
        assert found == sorted(world.times_ms(subject)), subject
        again, same = world.exported(subject, tmp_path / f"{subject}-again")
        assert (again, same["digest"]) == (found, about["digest"])
        page = (tmp_path / subject / "person.ja.html").read_text()
        assert "<svg" in page
        assert subject not in page
        assert "dongle" not in page


def test_what_is_counted_is_what_is_written(world: World, tmp_path: Path) -> None:
    shown = world.road.cli("person", "show", "--subject", SELLER, "--json").json()
    everything = sum(one["readings"] for one in shown["outputs"])
    into = tmp_path / "written"
    asked = ("person", "export", "--subject", SELLER, "--into", str(into))
    assert world.road.cli(*asked, "--json").json()["readings"] == everything > 0
    one_car = ("--subject", SELLER, "--device", SOLD_CAR)
    part = world.road.cli("person", "show", *one_car, "--json").json()
    # One of the seller's two drives was in the car that was sold.
    assert 2 * sum(one["readings"] for one in part["outputs"]) == everything


@pytest.fixture(scope="module")
def held(world: World) -> str:
    """A legal hold on what the seller drove, copied before anything is erased."""
    review = format_instant(wall_ms() // MINUTE_MS * MINUTE_MS + 30 * DAY_MS)
    placed = world.road.cli(
        "hold", "place", "--subject", SELLER, "--purpose", "service_provision",
        "--basis", "litigation", "--reference", "case 7", "--owner", "an officer",
        "--review", review, "--wait", "120", "--json",
    )  # fmt: skip
    assert placed.code == 0, placed.err
    assert placed.json()["copied"]
    return str(placed.json()["hold"])


def opened_ms(world: World, hold: str, into: Path) -> list[int]:
    """Times of the positions that a hold has, each of them the seller's."""
    done = world.road.cli("hold", "open", hold, "--to", str(into), "--by", "an officer")
    assert done.code == 0, done.err
    assert SELLER not in done.out
    lines = (into / f"{APP}.jsonl").read_text().splitlines()
    rows = [row for row in map(json.loads, lines) if row["signal"] == LATITUDE]
    assert all(row["number"] == pytest.approx(35.1 + PEOPLE.index(SELLER)) for row in rows)
    return sorted(row["t_ms"] for row in rows)


@pytest.mark.usefixtures("held")
def test_the_sellers_erasure_touches_nothing_of_the_buyer(world: World) -> None:
    mine, before = world.times_ms(SELLER), world.kept_ms()
    assert set(before) >= mine
    asked = world.road.cli(
        "person", "erase", "--subject", SELLER, "--yes", "--wait", "60", "--json"
    )
    assert asked.code == 0, asked.err
    until(lambda: not mine & set(world.kept_ms()), "that nothing of the seller is left")
    assert world.kept_ms() == sorted(set(before) - mine)
    late = Drive(SOLD_CAR, SELLER, world.sold_ms - 20 * MINUTE_MS)
    theirs = Drive(SOLD_CAR, BUYER, world.sold_ms + 20 * MINUTE_MS)
    play(world.road.settings, [late.sent(), theirs.sent()])
    world.road.drained()
    kept = set(world.kept_ms())
    assert not late.times_ms() & kept
    assert theirs.times_ms() <= kept
    # Neither what was removed nor what was refused seems to be lost.
    accounts = world.road.cli("audit", "reconcile", "--json")
    assert accounts.json()["findings"] == []


def test_what_was_held_of_the_seller_outlives_the_erasure_until_it_is_released(
    world: World, held: str, tmp_path: Path
) -> None:
    mine = sorted(world.times_ms(SELLER))
    assert opened_ms(world, held, tmp_path / "case") == mine
    assert not set(mine) & set(world.kept_ms()), "use is not reopened"
    folder = world.road.settings.hold_dir
    assert any(folder.rglob("*.held"))
    assert world.road.cli("hold", "release", held, "--by", "an officer").code == 0
    until(lambda: not any(folder.rglob("*.held")), "that the copies are deleted")
    again = ("hold", "open", held, "--to", str(tmp_path / "again"), "--by", "an officer")
    assert world.road.cli(*again).code == 1
    until(
        lambda: world.road.cli("hold", "show", held, "--json").json()["state"] == "closed",
        "that every store says so",
    )


def test_a_withdrawal_reaches_what_is_kept_and_all_of_it_if_that_is_asked(world: World) -> None:
    (drive,) = [one for one in world.drives if one.subject == SHARER]
    half_ms = drive.from_ms + POSITIONS // 2 * SECOND_MS
    asked = ("consent", "withdraw", "--subject", SHARER, "--purpose", "service_provision")
    assert world.road.cli(*asked, "--at", format_instant(half_ms), "--wait", "60").code == 0
    before = {at_ms for at_ms in drive.times_ms() if at_ms < half_ms}
    until(lambda: drive.times_ms() & set(world.kept_ms()) == before, "that the later half is gone")
    assert world.road.cli(*asked, "--at", format_instant(half_ms), "--erase").code == 0
    until(lambda: not before & set(world.kept_ms()), "that all that rested on it is gone")


def test_whoever_objects_is_withheld_until_they_take_it_back(world: World) -> None:
    stop = ("person", "stop", "--subject", BUYER, "--purpose", "service_provision")
    row = world.road.cli(*stop, "--wait", "60", "--json").json()["rows"][0]
    world.road._told()
    drives = [Drive(SOLD_CAR, BUYER, world.sold_ms + n * MINUTE_MS) for n in (30, 40)]
    play(world.road.settings, [drives[0].sent()])
    world.road.drained()
    assert world.road.cli("person", "resume", row, "--wait", "60").code == 0
    world.road._told()
    play(world.road.settings, [drives[1].sent()])
    world.road.drained()
    kept = set(world.kept_ms())
    assert not drives[0].times_ms() & kept
    assert drives[1].times_ms() <= kept


def test_what_a_contracts_end_shortens_goes_once_it_is_recorded(world: World) -> None:
    """The shipped policy keeps health data for 90 days after a contract's end, 400 at most."""
    road, holder, car = world.road, "person-whose-contract-ends", "dongle-of-the-ended-contract"
    now_ms = wall_ms() // MINUTE_MS * MINUTE_MS
    ended_ms = now_ms - 95 * DAY_MS
    long_ago = ("--from", format_instant(now_ms - 200 * DAY_MS))
    who = ("--device", car, "--subject", holder, "--role", "driver")
    assert road.cli("register", *who, *long_ago, "--wait", "60").code == 0
    road._told()
    before_ms, after_ms = ended_ms - HOUR_MS, ended_ms + HOUR_MS
    play(road.settings, [coolant(car, before_ms), coolant(car, after_ms)])
    road.drained()

    def kept() -> set[tuple[int, str]]:
        mine = f"t in (epoch_ms({before_ms}), epoch_ms({after_ms}))"
        statement = f"SELECT epoch_ms(t) FROM readings WHERE signal = '{COOLANT}' AND {mine}"  # noqa: S608  # constants
        outputs = (APP, "service_improve")
        return {(row[0], output) for output in outputs for row in road.rows(output, statement)}

    assert {(before_ms, APP), (after_ms, APP)} <= kept()
    elsewhere = {one for one in kept() if one[1] != APP}
    event = ("event", "record", "contract_end", "--subject", holder)
    assert road.cli(*event, "--at", format_instant(ended_ms)).code == 0
    until(lambda: (before_ms, APP) not in kept(), "that what was kept for the contract is gone")
    # What was recorded later, and what does not wait for that event, has its own end.
    assert kept() == {(after_ms, APP), *elsewhere}


def coolant(device: str, at_ms: int) -> Outgoing:
    body = {
        "v": 1,
        "id": sha256(f"{device}{at_ms}".encode()).hexdigest()[:26],
        "device": device,
        "clock": {"t0": format_instant(at_ms), "quality": "gnss"},
        "series": {COOLANT: column("celsius", 81)},
    }
    return raw(json.dumps(body).encode(), device)
