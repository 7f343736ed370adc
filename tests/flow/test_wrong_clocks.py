"""One process's clock is two days wrong: nothing goes before its time, nothing is lost, all goes on.

Each process has a clock of its own, which a test sets wrong and right again while it runs; the true
time is this machine's. Deletions wait for who contradicts the sweep, an hour at most: a setting here.
"""

import json
import shutil
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import pytest

from policy.plan.plan import Plan
from roadfade.clock import wall_ms
from roadfade.demo.fleet import almost_expired_ms
from roadfade.demo.process_group import PROCESS_ROLES
from roadfade.local.broker import LocalBroker
from sinks.lake.layout import bucket_directory, files, partition_of, partitions
from sinks.lake.part_file import count_rows
from telemetry.instants import DAY_MS, MINUTE_MS, Grain, format_instant
from telemetry.wire.record import LATITUDE, LONGITUDE
from tests.flow.planted import column
from tests.support.broker import HEAP_MAX_MIB, libs_and_java
from tests.support.pace import plan_of, play, raw
from tests.support.road import Road, no_prefix_twice, running_road
from tests.support.since import Since
from tests.support.watching import figure, until
from tests.support.wrong_clock import WrongClock

pytestmark = [pytest.mark.broker, pytest.mark.faults]

APP = "service_provision.app"
DONGLE = "dongle-of-the-wrong-clocks"
AHEAD_MS, BEHIND_MS = 2 * DAY_MS, -2 * DAY_MS
WRONG = pytest.mark.parametrize("off_ms", [AHEAD_MS, BEHIND_MS], ids=["ahead", "behind"])
AHEAD, BEHIND = "roadfade_clock_ahead_seconds", "roadfade_clock_behind_seconds"
DAY_S = DAY_MS / 1000
LATITUDES = f"SELECT epoch_ms(t) // 1000 FROM readings WHERE signal = '{LATITUDE}'"  # noqa: S608  # ours
_numbers = count()


@dataclass(frozen=True, slots=True)
class House:
    """A road whose clocks are right, and those clocks."""

    road: Road
    clocks: dict[str, WrongClock]
    plan: Plan
    spare: Path
    """A folder with a copy of a part."""

    def figure(self, process: str, metric: str) -> float:
        return figure(self.road, process, metric)

    def turns(self, how_many: int = 3) -> None:
        """Let the sweep take some turns that begin after now."""
        for _ in range(how_many + 1):
            last = self.figure("sweep", "roadfade_sweep_last_success_timestamp_seconds")
            until(
                lambda last=last: (
                    self.figure(  # type: ignore[misc]  # bound now
                        "sweep", "roadfade_sweep_last_success_timestamp_seconds"
                    )
                    not in (0, last)
                ),
                "a turn of the sweep",
            )

    def drive(self, *times_ms: int) -> None:
        """One position at each of these times, published, and in the lake on return."""
        self.publish(*times_ms)
        self.road.drained()

    def restart(self, role: str, **environment: str) -> None:
        """Stop a process and start it again, with these variables besides."""
        self.road.stop(role)
        self.road.elsewhere[role] = {**self.clocks[role].environment, **environment}
        self.road.start(role)

    def publish(self, *times_ms: int) -> None:
        """One position at each of these times."""
        play(self.road.settings, [raw(position(at_ms), DONGLE) for at_ms in times_ms])

    def ends_tomorrow_ms(self) -> int:
        """A time whose positions were kept until tomorrow."""
        return almost_expired_ms(self.plan, wall_ms()) + DAY_MS

    def arrives(self) -> None:
        """What is sent now is kept, what ends tomorrow and what is of now, each once."""
        times_ms = [self.ends_tomorrow_ms(), wall_ms()]
        self.drive(*times_ms)
        self.has(*times_ms)

    def has(self, *times_ms: int) -> None:
        """Hold the lake against it that positions of these times are in it, each once."""
        found = Counter(at_s for (at_s,) in self.road.rows(APP, LATITUDES))
        assert [found[at_ms // 1000] for at_ms in times_ms] == [1] * len(times_ms)

    def parts(self, from_ms: int, to_ms: int) -> list[Path]:
        """The parts of the output that end between two instants."""
        found = partitions(self.road.settings.lake_dir, APP)
        return [one for p in found if from_ms <= p.expires_ms < to_ms for one in files(p)]

    def rows(self, from_ms: int, to_ms: int) -> Counter[int]:
        """How many rows of the output end at each instant between two; parts may be merged."""
        found = Counter[int]()
        for one in self.parts(from_ms, to_ms):
            found[partition_of(one).expires_ms] += count_rows(one) or 0
        return found

    def due_part(self) -> Path:
        """A part that was due a minute ago: a copy of one that ended later."""
        due_ms = wall_ms() // MINUTE_MS * MINUTE_MS - MINUTE_MS
        folder = bucket_directory(self.road.settings.lake_dir, APP, due_ms, 0)
        folder.mkdir(parents=True, exist_ok=True)
        return Path(shutil.copy(next(self.spare.iterdir()), folder))


def position(at_ms: int) -> bytes:
    return json.dumps(
        {
            "v": 1,
            "id": f"envelope-of-the-wrong-clocks-{next(_numbers)}",
            "device": DONGLE,
            "clock": {"t0": format_instant(at_ms), "quality": "gnss"},
            "series": {
                LATITUDE: column("degrees", 35.681),
                LONGITUDE: column("degrees", 139.767),
            },
        }
    ).encode()


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("wrong")
    clocks = {name: WrongClock(folder / name) for name in ("broker", *PROCESS_ROLES)}
    libs, java = libs_and_java()
    shell = clocks["broker"].around(java, folder / "java")
    with (
        LocalBroker(folder / "kafka", libs, java=shell, heap_max_mib=HEAP_MAX_MIB) as broker,
        running_road(
            broker.bootstrap_servers, no_prefix_twice(), folder / "state",
            grain_at_most=Grain.MINUTE, topic_retention_s_at_most=600,
            elsewhere={name: dict(clocks[name].environment) for name in PROCESS_ROLES},
        ) as road,
    ):  # fmt: skip
        house = House(road, clocks, plan_of(road.settings), folder / "spare")
        road.known(DONGLE, "person-of-the-wrong-clocks", wall_ms() - 60 * DAY_MS)
        house.drive(house.ends_tomorrow_ms(), wall_ms())
        part = house.parts(0, wall_ms() + 2 * DAY_MS)[0]
        house.spare.mkdir()
        shutil.copy(part, house.spare)
        yield house


@pytest.fixture
def house(running: House) -> Iterator[House]:
    """Every clock is right before, and again afterwards; nothing has ended by itself."""
    yield running
    for clock in running.clocks.values():
        clock.put(0)
    assert running.road.ended() == []
    if running.figure("sweep", AHEAD) or running.figure("sweep", BEHIND):
        # It would remember the jump for an hour.
        running.restart("sweep")
    until(lambda: not running.figure("worker-0", "roadfade_paused"), "the end of the pause")


def test_a_sweep_that_jumps_two_days_ahead_deletes_what_is_due_and_no_more(house: House) -> None:
    now_ms = wall_ms()
    tomorrow = house.rows(now_ms, now_ms + 2 * DAY_MS)
    assert tomorrow
    house.clocks["sweep"].put(AHEAD_MS)
    until(lambda: house.figure("sweep", AHEAD) > DAY_S, "the alarm")
    due = house.due_part()
    until(lambda: not due.exists(), "the end of what was due in truth")
    house.turns()
    until(lambda: house.rows(now_ms, now_ms + 2 * DAY_MS) == tomorrow, "all that is not due")
    # Started again it has only the others' word, and asks for it before it deletes.
    house.restart("sweep")
    house.turns()
    until(lambda: house.rows(now_ms, now_ms + 2 * DAY_MS) == tomorrow, "all that is not due")
    assert house.figure("sweep", AHEAD) > DAY_S


def test_after_the_delay_the_own_clock_deletes_and_the_alarm_goes_on(house: House) -> None:
    now_ms = wall_ms()
    house.drive(house.ends_tomorrow_ms(), now_ms)
    later = house.rows(now_ms + 3 * DAY_MS, now_ms + 1_000 * DAY_MS)
    house.clocks["sweep"].put(AHEAD_MS)
    house.restart("sweep", ROADFADE_CLOCK_DISPUTE_S_MAX="3")
    until(lambda: not house.parts(0, now_ms + 2 * DAY_MS), "what is due by the own clock")
    until(lambda: house.figure("sweep", AHEAD) > DAY_S, "the alarm")
    until(
        lambda: house.rows(now_ms + 3 * DAY_MS, now_ms + 1_000 * DAY_MS) == later,
        "all that is not due",
    )
    house.clocks["sweep"].put(0)
    house.restart("sweep")


def test_a_sweep_two_days_behind_is_told_and_deletes_when_it_starts_right(house: House) -> None:
    house.clocks["sweep"].put(BEHIND_MS)
    until(lambda: house.figure("sweep", BEHIND) > DAY_S, "the alarm")
    due = house.due_part()
    house.turns()
    assert due.exists(), "its own clock decides"
    until(lambda: house.figure("sweep", "roadfade_overdue_partitions"), "that it is overdue")
    house.clocks["sweep"].put(0)
    # To a process that runs, being put right is a jump like any other, and takes an hour.
    until(lambda: house.figure("sweep", AHEAD) > DAY_S, "the jump")
    house.turns()
    assert due.exists()
    house.restart("sweep")
    until(lambda: not due.exists(), "the end of what was due")
    until(lambda: not house.figure("sweep", BEHIND), "the end of the alarm")


def test_a_sweep_that_starts_behind_with_nobody_to_ask_knows_by_the_files(house: House) -> None:
    house.clocks["sweep"].put(BEHIND_MS)
    house.restart("sweep", KAFKA_BOOTSTRAP_SERVERS="127.0.0.1:1")  # no broker is there
    until(lambda: house.figure("sweep", BEHIND) > DAY_S, "the alarm")
    house.clocks["sweep"].put(0)
    house.restart("sweep")


@WRONG
def test_a_sink_with_a_wrong_clock_keeps_what_is_to_be_kept(house: House, off_ms: int) -> None:
    house.clocks["sink"].put(off_ms)
    house.arrives()
    assert house.figure("sink", AHEAD if off_ms > 0 else BEHIND) > DAY_S
    house.restart("sink")
    house.arrives()
    assert house.figure("sink", AHEAD if off_ms > 0 else BEHIND) > DAY_S
    assert not house.figure("sink", "roadfade_expired_readings_total")
    house.clocks["sink"].put(0)
    house.restart("sink")
    house.arrives()


@pytest.mark.parametrize(
    ("role", "off_ms"), [("worker", AHEAD_MS), ("worker", BEHIND_MS), ("office", BEHIND_MS)]
)
def test_between_a_worker_and_an_office_that_disagree_readings_wait(
    house: House, role: str, off_ms: int
) -> None:
    house.clocks[role].put(off_ms)
    until(lambda: house.figure("worker-0", "roadfade_paused"), "the pause")
    age_s = house.figure("worker-0", "roadfade_view_age_seconds")
    assert abs(age_s) > DAY_S, "what the alert looks at"
    before = house.figure("worker-0", "roadfade_records_in_total")
    times_ms = [house.ends_tomorrow_ms(), wall_ms()]
    house.publish(*times_ms)
    until(lambda: house.figure("worker-0", "roadfade_view_age_seconds") != age_s, "a turn of it")
    assert house.figure("worker-0", "roadfade_records_in_total") == before
    house.clocks[role].put(0)
    house.road.drained()
    house.has(*times_ms)
    house.arrives()


def test_a_broker_two_days_ahead_is_told_and_shortens_no_life(house: House) -> None:
    now_ms = wall_ms()
    tomorrow = house.rows(now_ms, now_ms + 2 * DAY_MS)
    house.clocks["broker"].put(AHEAD_MS)
    until(lambda: house.figure("sweep", BEHIND) > DAY_S, "the alarm")
    house.arrives()
    house.turns()
    until(lambda: tomorrow <= house.rows(now_ms, now_ms + 2 * DAY_MS), "all that there was")


def test_a_broker_two_days_behind_is_told_and_no_reading_goes_unaccounted(house: House) -> None:
    house.clocks["broker"].put(BEHIND_MS)
    until(lambda: house.figure("sweep", AHEAD) > DAY_S, "the alarm")
    since = Since(house.road)
    house.drive(wall_ms())
    assert since.ledger().rejected == {"from_the_future": 2}
    due = house.due_part()
    house.turns()
    assert due.exists(), "the broker's word delays it, for an hour at most"
    house.clocks["broker"].put(0)
    until(lambda: not due.exists(), "the end of what was due")
    house.arrives()
