"""What is left of erased people on a whole road: office, worker, sink, sweep and a broker, as processes.

The canaries of ``tests.proof.residue`` drive, and others beside them. A query spills and is killed; a
worker is ended by a signal that would leave a core; people are erased by ``roadfade person erase``, and the
sink is killed in the midst of it. Then one clock, which every process and the broker have, is moved until
every request is closed and topics have ended by their bound; all of them are killed and started again, and
the others drive. In every file, in every record of the broker's and in the memory of each process none may
be found.
"""

import asyncio
import os
import resource
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path
from typing import Any, Final

from office.keyring.kek import FileKek
from office.keyring.keyring import Keyring
from office.outbox import Outbox
from office.registry.consents import NewConsent
from office.registry.links import NewLink
from office.registry.registry import Registry
from office.store.database import Database
from policy.plan.consents import grantable
from policy.plan.epochs import epoch_at
from roadfade.clock import wall_ms
from roadfade.demo.process_group import PROCESS_ROLES
from roadfade.local.broker import LocalBroker
from telemetry.identity import DeviceId, EpochKey, SubjectId
from telemetry.instants import DAY_MS, HOUR_MS, MINUTE_MS
from tests.proof.needles import Needles
from tests.proof.places import files_in, in_files, in_memory
from tests.proof.residue import OF, by_kind, marks_of
from tests.proof.residue_world import CANARIES, CONSENTED, READ, envelope, people, spill
from tests.support.broker import HEAP_MAX_MIB, libs_and_java
from tests.support.pace import plan_of, play, raw
from tests.support.road import READY_S_MAX, Road, running_road
from tests.support.watching import until
from tests.support.wrong_clock import WrongClock

TOMBSTONES_MS: Final = DAY_MS
"""A row that was taken back leaves its key on its topic for some hours."""
LOOKS: Final = 20
"""So many into the broker's files, then the clock is moved by that."""
PHASE_S_MAX: Final = 900.0
CORES: Final = "core*"


def residue_road(seed: int) -> dict[str, Any]:
    """How many are found at each stage; AssertionError unless it is 200 before and 0 after."""
    libs, java = libs_and_java()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        clock = WrongClock(folder / "clock")
        shell = clock.around(java, folder / "java")
        with (
            LocalBroker(folder / "broker", libs, java=shell, heap_max_mib=HEAP_MAX_MIB) as broker,
            running_road(
                broker.bootstrap_servers, "residue.", folder / "state",
                lake_compression="uncompressed", clock_dispute_s_max=0,
                elsewhere={role: dict(clock.environment) for role in PROCESS_ROLES},
            ) as road,
        ):  # fmt: skip
            return _Trial(road, broker, clock, folder, seed).run()


class _Trial:
    def __init__(
        self, road: Road, broker: LocalBroker, clock: WrongClock, folder: Path, seed: int
    ) -> None:
        self._road = road
        self._broker = broker
        self._clock = clock
        self._folder = folder
        self._seed = seed
        self._plan = plan_of(road.settings)
        self._everyone = list(people(seed))
        self._ahead_ms = 0
        self._sent = 0

    def run(self) -> dict[str, Any]:
        asyncio.run(self._enrol())
        self._road._told()
        self._drive(self._everyone)
        canaries = Needles(self._marks())
        before = in_files(self._folder, canaries)
        on_topics = in_files(self._folder / "broker", canaries)
        memory_before, _ = self._in_memories(canaries)
        spilled, cores = self._spilled_and_killed(), self._aborted()
        left_at_kill = self._erase(canaries)
        after_kill = in_files(self._folder, canaries)
        self._road.start("sink")
        self._say("erasing")
        self._reaches("gone")
        at_d2 = in_files(self._folder, canaries)
        self._say(f"D2: {by_kind(at_d2)}")
        self._reaches("closed")
        self._ended(canaries)
        self._start_anew()
        self._drive(self._everyone[CANARIES:])
        after = in_files(self._folder, canaries)
        memory_after, searched = self._in_memories(canaries)
        of_broker, _ = in_memory(self._broker.pid, canaries)
        spilled_after = list((self._road.settings.lake_dir / "_tmp").rglob("spill/*"))
        found = {
            "canaries": len(canaries),
            "found_before": len(before),
            "on_topics_before": len(on_topics),
            "in_memory_before": len(memory_before),
            "spilled_files": spilled,
            "cores": cores,
            "values_left_at_kill": left_at_kill,
            "found_after_kill": len(after_kill),
            "found_at_d2": by_kind(at_d2),
            "found_after": len(after),
            "in_memory_after": len(memory_after),
            "in_memory_of_broker_after": len(of_broker),
            "spilled_files_after": len(spilled_after),
            "processes_searched": [*PROCESS_ROLES],
            "clock_moved_days": self._ahead_ms // DAY_MS,
            "bytes_of_files": sum(path.stat().st_size for path in files_in(self._folder)),
            "bytes_of_memory": searched,
        }
        assert len(canaries) == len(before) == 200, (found, by_kind(before))
        assert on_topics, found
        assert spilled, found
        assert not cores, found
        assert not after, (found, by_kind(after), self._where(canaries))
        assert not memory_after, (found, by_kind(memory_after))
        assert not of_broker, (found, by_kind(of_broker))
        assert not spilled_after, found
        assert self._road.ended() == []
        return found

    def _say(self, what: str) -> None:
        sys.stderr.write(f"{time.strftime('%H:%M:%S')} {what}\n")

    async def _enrol(self) -> None:
        """Everybody drives a vehicle of their own, and consents to what needs it."""
        since_ms, offered = wall_ms() - 2 * DAY_MS, grantable(self._plan)
        links = [
            NewLink(DeviceId(one.device), SubjectId(one.subject), since_ms, role="driver")
            for one in self._everyone
        ]
        given = [
            NewConsent(SubjectId(one.subject), o.purpose, o.basis, o.recipient, o.notice, since_ms)
            for one in self._everyone
            for o in sorted(offered, key=str)
            if o.purpose in CONSENTED
        ]
        async with Database.opened(self._road.settings.office_path) as database:
            await Registry(database, offered).register_fleet(links, given)
            outbox = Outbox(database)
            assert await outbox.wait_published(await outbox.last_sequence(), READY_S_MAX)

    def _drive(self, who: list[Any]) -> None:
        """Some envelopes of each, until all of it is in the lake."""
        from_ms = wall_ms() + self._ahead_ms - HOUR_MS
        sent = [
            raw(envelope(self._plan, one, self._sent + nth, from_ms), one.device)
            for nth, one in enumerate(who * READ)
        ]
        self._sent += len(sent)
        play(self._road.settings, sent)
        self._road.drained(folded=False)

    def _marks(self) -> dict[str, Any]:
        settings = self._road.settings
        keyring = Keyring.open(settings.keyring_path, FileKek(settings.kek_file))
        keys: dict[tuple[str, str], EpochKey] = {}
        for output in self._plan.outputs:
            of = output.purpose, output.recipient
            if of in OF:
                key = keyring.get(*of, epoch_at(output.epoch, wall_ms() - HOUR_MS).name)
                assert key is not None, of
                keys[of] = key
        keyring.close()
        return dict(marks_of(settings.office_path, keys, self._seed))

    def _in_memories(self, canaries: Needles) -> tuple[set[str], int]:
        found, searched = set[str](), 0
        for role in PROCESS_ROLES:
            names, size = in_memory(self._road._children[role].pid, canaries)
            found |= names
            searched += size
        return found, searched

    def _spilled_and_killed(self) -> int:
        """Files of a query that was killed while it spilled."""
        lake = self._road.settings.lake_dir
        words = ["-m", "tests.proof.residue_road", str(lake), str(wall_ms())]
        child = subprocess.Popen([sys.executable, *words])
        try:
            until(lambda: any(lake.rglob("_tmp/**/spill/*")), "that a query spills")
        finally:
            child.kill()
            child.wait()
        return len(list(lake.rglob("_tmp/**/spill/*")))

    def _aborted(self) -> int:
        """Cores of a worker that was ended by a signal that would leave one."""
        here = set(Path.cwd().glob(CORES))
        worker = self._road._children["worker"]
        limits = Path(f"/proc/{worker.pid}/limits").read_text()
        assert "Max core file size        0                    0" in limits, limits
        os.kill(worker.pid, signal.SIGABRT)
        until(lambda: worker.exit_code is not None, "the end of the worker")
        self._road.kill("worker")
        self._road.start("worker")
        return len(set(Path.cwd().glob(CORES)) - here) + len(list(self._folder.rglob("core.*")))

    def _erase(self, canaries: Needles) -> int:
        """Ask for all, kill the sink in the midst of it; how many values it left in the lake."""
        for one in self._everyone[:CANARIES]:
            done = self._road.cli("person", "erase", "--subject", one.subject, "--yes")
            assert done.code == 0, done.err
            assert one.subject not in done.out
        lake = self._road.settings.lake_dir
        whole = CANARIES * len(self._everyone[0].values)

        def left() -> int:
            return by_kind(in_files(lake, canaries)).get("value", 0)

        until(lambda: left() < whole, "that the sink obeys", PHASE_S_MAX)
        self._road.kill("sink")
        return left()

    def _reaches(self, state: str) -> None:
        """Move everybody's clock from date to date until every request is so far."""

        def all_are() -> bool:
            assert self._road.ended() == [], self._road._logs()
            time.sleep(1)
            with closing(sqlite3.connect(self._road.settings.office_path, timeout=30)) as office:
                found = office.execute("SELECT state, look_ms FROM erasures").fetchall()
            assert len(found) == CANARIES
            waiting = [look_ms for at, look_ms in found if at != state]
            if waiting and min(waiting) > wall_ms() + self._ahead_ms:
                self._move(min(waiting) - wall_ms() + MINUTE_MS)
            return not waiting

        until(all_are, f"that all are {state}", PHASE_S_MAX)
        self._say(f"{state}, {self._ahead_ms // DAY_MS} days ahead")

    def _move(self, ahead_ms: int) -> None:
        self._ahead_ms = ahead_ms
        self._clock.put(ahead_ms)

    def _ended(self, canaries: Needles) -> None:
        """Until no file of the broker's has one: bounds, compactions, and then the keys of rows."""
        looks = 0

        def none() -> bool:
            nonlocal looks
            looks += 1
            time.sleep(2)
            if looks % LOOKS == 0:
                self._move(self._ahead_ms + TOMBSTONES_MS)
            return not in_files(self._folder / "broker", canaries)

        until(none, "the end of what lay on topics", PHASE_S_MAX)
        self._say("topics have ended")

    def _start_anew(self) -> None:
        for role in PROCESS_ROLES:
            self._road.kill(role)
        self._broker.kill9()
        self._broker.restart()
        self._road.start(*PROCESS_ROLES)
        self._road._told()

    def _where(self, canaries: Needles) -> list[str]:
        """Files with some, for who has to find out why."""
        return [
            f"{path.relative_to(self._folder)}: {by_kind(names)}"
            for path in files_in(self._folder)
            if (names := canaries.names_in(path.read_bytes()))
        ]


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # as every command of ours begins
    spill(Path(sys.argv[1]), int(sys.argv[2]))
