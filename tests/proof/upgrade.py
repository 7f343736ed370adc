"""What the version before left, opened by this one, and handed back: on a real broker.

In: the commit of the version before. Out: figures of what was seen; an AssertionError at the first
thing that is not as it has to be. Its road is made and driven by its own program; ours goes on over the
same state and topics; then the old program starts over what ours left, and ours once more.
"""

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC
from pathlib import Path
from typing import Any, Final

from roadfade.clock import wall_ms
from roadfade.demo.process_group import PROCESS_ROLES
from roadfade.local.broker import LocalBroker
from roadfade.local.java import kafka_libs
from roadfade.settings import Settings
from sinks.lake.stored import StoredLake
from telemetry.instants import DAY_MS, HOUR_MS, to_ms
from tests.support.pace import play
from tests.support.watching import until
from tests.upgrade.on_record import asked, on_record
from tests.upgrade.programs import HERE, RoadOf, tree_of
from tests.upgrade.world import (
    ANA,
    BEN,
    CEM,
    SETTINGS,
    drive,
    furnish,
    minutes_ago,
    places_of,
    rows_in,
    times_of,
)

_START_S_MAX: Final = 90.0
_GOES_ON_S: Final = 45.0
_WIRE: Final = """
import sys
from pathlib import Path
from telemetry.wire import control, envelope, flow, process_report, record
READ = {
    "envelope.v1": envelope.decode_envelope, "purpose-record.v1": record.decode_record,
    "control-row.v1": control.decode_row, "flow-record.v1": flow.decode_flow,
    "process-report.v1": process_report.take_report,
}
for file in sorted(Path(sys.argv[1]).glob("*.json")):
    read = READ.get(file.stem.split("--")[0])
    if read is None:
        print(file.stem, "unknown")
        continue
    try:
        print(file.stem, "unread" if read(file.read_bytes()) is None else "read")
    except Exception as error:
        print(file.stem, "unread")
"""


def upgrade(revision: str) -> Mapping[str, Any]:
    """Try it once; ``revision`` as git knows it."""
    with _trial(revision) as trial:
        trial.left()
        trial.taken_over()
        trial.forgotten()
        trial.handed_back()
        trial.taken_over_again()
        trial.ended()
        return trial.figures


@contextmanager
def _trial(revision: str) -> Iterator["_Trial"]:
    with tempfile.TemporaryDirectory(prefix="roadfade-upgrade-") as named:
        folder = Path(named)
        tree = tree_of(revision, folder / "before")
        with LocalBroker(folder / "kafka", kafka_libs(), heap_max_mib=256) as broker:
            settings = Settings(
                kafka_bootstrap_servers=broker.bootstrap_servers,
                topic_prefix="upgrade.",
                state_dir=folder / "state",
                **SETTINGS,
            )
            settings.state_dir.mkdir()
            trial = _Trial(settings, tree, revision)
            try:
                yield trial
            except BaseException:
                sys.stderr.write(f"{trial.figures}\n")
                raise
            finally:
                trial.before.stop_all()
                trial.now.stop_all()


class _Trial:
    """One installation, and the two programs that take turns on it."""

    def __init__(self, settings: Settings, tree: Path, revision: str) -> None:
        self.settings = settings
        # The version before removes nothing that is due: ours has to.
        self.before = RoadOf(settings.model_copy(update={"sweep_every_s": 3600.0}), tree)
        self.now = RoadOf(settings.model_copy(update={"sweep_every_s": 1.0}), HERE)
        self.figures: dict[str, Any] = {
            "from": revision,
            "before": self.before.did("--version").out.strip(),
            "wire": _wire(self.before),
        }
        self.driven: dict[str, list[int]] = {}

    @property
    def lake(self) -> Path:
        return self.settings.lake_dir

    def left(self) -> None:
        """The version before makes all of it, and ends."""
        furnish(self.before)
        self.before.stop_all()
        self.asked_ms = wall_ms()
        self.rows = rows_in(self.lake, self.asked_ms)
        self.on_record = on_record(self.settings.office_path)
        self.driven = {who: places_of(self.lake, who, self.asked_ms) for who in (ANA, BEN, CEM)}
        self.figures["left"] = {
            "rows": self.rows.total(),
            "positions": {who: len(times) for who, times in self.driven.items()},
            "on_record": {name: len(rows) for name, rows in self.on_record.items()},
        }
        assert [len(times) for times in self.driven.values()] == [20, 30, 10], self.driven

    def taken_over(self) -> None:
        """Ours starts over it: the same is there, and what comes is added, once."""
        began = time.monotonic()
        self.now.did("topics", "apply")
        self.now.start(*PROCESS_ROLES)
        self.figures["taken_over"] = {"ready_s": round(time.monotonic() - began, 1)}
        assert on_record(self.settings.office_path) == self.on_record
        self.now._told()
        self._drives(self.now, 5, ANA, BEN, CEM)
        self.now.drained()
        self._expect(ANA, BEN)
        now_ms = wall_ms()
        # Rows of before, but for those that have ended meanwhile, are there as they were.
        gone = self.rows - rows_in(self.lake, now_ms)
        assert all(_is_over(row, now_ms) for row in gone), len(gone)
        self._accounts("taken_over")

    def forgotten(self) -> None:
        """Somebody whose rows both versions wrote is forgotten, and nobody else is touched."""
        shown = self.now.did("person", "show", "--subject", ANA, "--json").json()
        hers = sum(one["readings"] for one in shown["outputs"])
        before = rows_in(self.lake, wall_ms())
        self.now.did("person", "erase", "--subject", ANA, "--yes", "--wait", "60")
        until(lambda: not places_of(self.lake, ANA, self.asked_ms), "that nothing of hers is left")
        self.now.drained()
        after = rows_in(self.lake, wall_ms())
        removed = before - after
        assert not after - before, "an erasure adds nothing"
        taken = sum(n for row, n in removed.items() if not _is_over(row, wall_ms()))
        assert taken == hers, (taken, hers)
        assert not {_who(row) for row in removed} & {_who(row) for row in after}
        self.figures["forgotten"] = {"rows": taken, "left": 0}
        del self.driven[ANA]
        self._expect(BEN)

    def ended(self) -> None:
        """What the version before kept is deleted when it is due; all processes have ended."""
        self.now.stop_all()
        at_ms = self.asked_ms + 2 * HOUR_MS
        due = sum(n for row, n in self.rows.items() if _is_over(row, at_ms))
        assert due
        before = rows_in(self.lake, self.asked_ms)
        swept = StoredLake(self.lake).expire(at_ms)
        after = rows_in(self.lake, self.asked_ms)
        assert swept.rows == (before - after).total() == due, (swept.rows, due)
        assert not after - before
        self.figures["ended"] = {"rows": swept.rows}

    def handed_back(self) -> None:
        """The old program over what ours left: what it does is said, and not wished for."""
        self.now.stop_all()
        self.marks = _restrictions(self.settings.office_path)
        assert self.marks
        found: dict[str, Any] = {"topics apply": self.before.cli("topics", "apply").code}
        for role in PROCESS_ROLES:
            found[role] = _starts(self.before, role)
        if all(found[role] == "runs" for role in PROCESS_ROLES):
            self._drives(self.before, 4, ANA, BEN, CEM)
            time.sleep(_GOES_ON_S)
            now_ms = wall_ms()
            found["delivered"] = {
                who: len(set(places_of(self.lake, who, now_ms)) & set(times_of(self.last_ms)))
                for who in (ANA, BEN, CEM)
            }
            # Who is being forgotten, or withdrew, is withheld whatever the old program does.
            assert not found["delivered"][ANA] + found["delivered"][CEM], found
        found["ended"] = sorted(self.before.ended())
        log = (self.settings.state_dir / "office.log").read_text()
        found["office_was_refused"] = "office" in self.before.ended() and "OperationalError" in log
        self.before.stop_all()
        found["restrictions_kept_in_office"] = (
            _restrictions(self.settings.office_path) == self.marks
        )
        self.figures["handed_back"] = found

    def taken_over_again(self) -> None:
        """Ours once more: who is forgotten stays so, and the rest goes on."""
        self.now.did("topics", "apply")
        self.now.start(*PROCESS_ROLES)
        until(
            lambda: (
                not places_of(self.lake, ANA, self.asked_ms)
                and not places_of(self.lake, ANA, wall_ms())
            ),
            "that nothing of who is forgotten is left",
        )
        self.now._told()
        self._drives(self.now, 3, ANA, BEN, CEM)
        self.now.drained()
        self.driven[BEN] = sorted({*self.driven[BEN], *times_of(self.handed_ms)})
        self._expect(BEN)
        self._accounts("taken_over_again")

    def _drives(self, road: RoadOf, minutes: int, *people: str) -> None:
        self.handed_ms = getattr(self, "last_ms", 0)
        self.last_ms = minutes_ago(minutes)
        play(road.settings, [drive(one, self.last_ms) for one in people])

    def _expect(self, *driving: str) -> None:
        """The exact positions of all are those of before and of the last drive, each once."""
        now_ms = wall_ms()
        for who in self.driven:
            if who in driving:
                self.driven[who] = sorted({*self.driven[who], *times_of(self.last_ms)})
        found = {who: places_of(self.lake, who, now_ms) for who in (ANA, BEN, CEM)}
        wanted = {who: self.driven.get(who, []) for who in (ANA, BEN, CEM)}
        alive = now_ms - 29 * DAY_MS
        assert found == {
            who: [at for at in times if at > alive or at in found[who]]
            for who, times in wanted.items()
        }, {who: (len(found[who]), len(wanted[who])) for who in found}

    def _accounts(self, what: str) -> None:
        told = self.now.cli("audit", "reconcile", "--json")
        assert told.code == 0, (told.out[-2_000:], told.err[-2_000:])
        self.figures.setdefault(what, {})["findings"] = len(told.json()["findings"])


def _starts(road: RoadOf, role: str) -> str:
    """What becomes of a process: it runs, or its last words."""
    page = road.settings.ports_dir / (f"{role}-0" if role == "worker" else role)
    page.unlink(missing_ok=True)
    road.spawn(role)
    deadline = time.monotonic() + _START_S_MAX
    while time.monotonic() < deadline:
        if role in road.ended():
            return f"ended: {road.last_words(role)}"
        if page.exists():
            return "runs"
        time.sleep(0.2)
    return "is not ready"


def _wire(road: RoadOf) -> dict[str, list[str]]:
    """Which of today's messages the version before reads."""
    golden = HERE / "tests" / "telemetry" / "wire" / "golden"
    done = subprocess.run(  # a constant script
        [sys.executable, "-c", _WIRE, str(golden)], env=dict(road.environment),
        stdout=subprocess.PIPE, text=True, check=True,
    )  # fmt: skip
    found: dict[str, list[str]] = {}
    for line in done.stdout.splitlines():
        name, _, what = line.partition(" ")
        found.setdefault(what, []).append(name)
    return found


def _restrictions(file: Path) -> list[list[Any]]:
    return asked(file, "SELECT restriction, reason, from_ms, to_ms FROM restrictions ORDER BY 1")


def _who(row: tuple[Any, ...]) -> str:
    return str(row[2])


def _expires_ms(row: tuple[Any, ...]) -> int:
    return to_ms(row[8].replace(tzinfo=UTC))


def _is_over(row: tuple[Any, ...], now_ms: int) -> bool:
    return _expires_ms(row) <= now_ms
