"""The whole road for a test: office, sink, sweep and worker as real processes on one broker.

In: a broker, a prefix, a folder. Out: a handle to start, kill and ask. Every method blocks:
call them from plain tests, or in a thread.
"""

import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from bus.client.positions import Positions
from office.outbox import Outbox
from office.registry.consents import NewConsent
from office.registry.links import NewLink
from office.registry.registry import Registry
from office.store.database import Database
from policy.plan.consents import grantable
from policy.plan.plan import Plan
from roadfade.cli import app
from roadfade.clock import wall_ms
from roadfade.demo.process_group import PROCESS_ROLES, child_environment
from roadfade.in_force.broker import connection_of, limits_of
from roadfade.in_force.recorded import policy_here
from roadfade.in_force.source import apply_topics
from roadfade.local.child_process import ManagedProcess
from roadfade.settings import Settings
from sinks.lake.layout import outputs as kept_outputs
from sinks.query.session import run_query
from telemetry.identity import DeviceId, SubjectId
from telemetry.topics import AUDIT_FLOW, LEDGER_GROUP, RAW, SINK_GROUP, WORKER_GROUP
from tests.support.scrape import Page, scrape

READY_S_MAX = 180.0
DRAIN_S_MAX = 180.0
STOP_S_MAX = 60.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What a command printed and how it ended."""

    code: int
    out: str
    err: str

    def json(self) -> dict[str, Any]:
        """The one object on standard output."""
        found = json.loads(self.out)
        assert isinstance(found, dict)
        return found


class Road:
    """Processes by name; the worker of the start is ``worker``."""

    def __init__(self, settings: Settings) -> None:
        # One folder is a whole installation, which goes with its test.
        self.settings = settings.model_copy(update={"kek_beside_keyring": True})
        self._children: dict[str, ManagedProcess] = {}
        self.elsewhere: dict[str, dict[str, str]] = {}
        """Variables that a process of this name has and the others have not."""

    def start(self, *names: str) -> None:
        """Start processes at once and wait until each serves its metrics.

        A name is a role, or a role with a number for one more of it: ``worker-1``.
        """
        before = self._pages()
        for name in names:
            self.spawn(name)
        deadline = time.monotonic() + READY_S_MAX
        while len(set(self._pages().items()) - set(before.items())) < len(names):
            assert self.ended() == [], self._logs()
            assert time.monotonic() < deadline, self._logs()
            time.sleep(0.05)

    def spawn(self, name: str) -> None:
        """Start one process and do not wait for it; the first office is made before."""
        if name == "office" and not self.settings.office_path.exists():
            assert self.cli("office", "init").code == 0
        argv = [sys.executable, "-m", "roadfade", name.partition("-")[0]]
        log = self.settings.state_dir / f"{name}.log"
        environment = child_environment(self.settings) | self.elsewhere.get(name, {})
        self._children[name] = ManagedProcess(argv, log, environment)

    def ended(self) -> list[str]:
        """The processes that ended by themselves."""
        return [name for name, child in list(self._children.items()) if child.exit_code is not None]

    def kill(self, name: str) -> None:
        """End a process as a power cut would."""
        self._children.pop(name).kill()

    def freeze(self, name: str) -> None:
        """Let a process do nothing more, as a machine that is out of memory or paused would."""
        os.killpg(self._children[name].pid, signal.SIGSTOP)

    def thaw(self, name: str) -> None:
        """Let a frozen process go on as if nothing had been."""
        os.killpg(self._children[name].pid, signal.SIGCONT)

    def peak_memory_bytes(self, name: str) -> int:
        """The most memory that a process ever had."""
        status = Path(f"/proc/{self._children[name].pid}/status").read_text()
        return int(status.partition("VmHWM:")[2].split()[0]) * 1024

    def stop(self, name: str) -> int:
        """End a process politely; its exit code."""
        return self._children.pop(name).stop(STOP_S_MAX)

    def stop_all(self) -> None:
        """End what still runs, the source's side first."""
        for name in sorted(self._children, reverse=True):
            self.stop(name)

    def cli(self, *words: str) -> Answer:
        """Run one ``roadfade`` command, in this process: imports would cost more than the work."""
        environment = {**child_environment(self.settings), "COLUMNS": "200"}
        done = CliRunner().invoke(app, words, env=environment)
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        return Answer(done.exit_code, done.stdout, done.stderr)

    def known(
        self, device: str, subject: str, since_ms: int, purposes: Collection[str] | None = None
    ) -> None:
        """Register a dongle with a person who consents, to everything unless given otherwise.

        On return the worker knows it.
        """
        offered = grantable(self._plan())
        given = [
            NewConsent(SubjectId(subject), o.purpose, o.basis, o.recipient, o.notice, since_ms)
            for o in offered
            if purposes is None or o.purpose in purposes
        ]

        async def write() -> None:
            async with Database.opened(self.settings.office_path) as database:
                links = [NewLink(DeviceId(device), SubjectId(subject), since_ms, role="driver")]
                await Registry(database, offered).register_fleet(links, given)
                outbox = Outbox(database)
                assert await outbox.wait_published(await outbox.last_sequence(), READY_S_MAX)

        asyncio.run(write())
        self._told()

    def _told(self) -> None:
        """Wait until every worker has read a heartbeat later than now, and so every row before."""
        since_s = looked_s = time.time()
        deadline = time.monotonic() + READY_S_MAX
        before: dict[str, dict[str, float]] = {}
        waiting = {name for name in self._pages() if name.startswith("worker")}
        while waiting:
            now_s = time.time()
            ages = {p.name: p.values("roadfade_view_age_seconds") for p in self._scraped(waiting)}
            for name, age_s in ages.items():
                # An age is as of the worker's last turn, which is known only if it changed.
                turned = name in before and age_s != before[name]
                if turned and looked_s - max(age_s.values()) > since_s:
                    waiting.discard(name)
            before, looked_s = ages, now_s
            assert time.monotonic() < deadline, self._logs()
            time.sleep(0.02)

    def _scraped(self, names: Collection[str]) -> list[Page]:
        found = scrape(self.settings.ports_dir)
        return [p for p in found if p.name in names and p.samples is not None]

    def drained(self, *, folded: bool = True) -> None:
        """Wait until everything published is processed, in the lake, and in the ledger if told so."""
        topics = [output.topic for output in self._plan().outputs]
        ledger = ((LEDGER_GROUP, [AUDIT_FLOW]),) if folded else ()
        waits = ((WORKER_GROUP, [RAW]), *ledger, (SINK_GROUP, topics))

        async def wait() -> None:
            async with Positions(connection_of(self.settings)) as positions:
                for group, read in waits:
                    partitions = dict.fromkeys(read, self.settings.partitions)
                    deadline = time.monotonic() + DRAIN_S_MAX
                    while left := [
                        lag for lag in (await positions.lag(group, partitions)).values()
                        if lag.records
                    ]:  # fmt: skip
                        assert time.monotonic() < deadline, (group, left, self._logs())
                        await asyncio.sleep(0.1)

        asyncio.run(wait())

    def rows(self, output: str, statement: str = "SELECT * FROM readings") -> list[tuple[Any, ...]]:
        """What an analyst of one output reads now; nothing if it never had rows."""
        if output not in kept_outputs(self.settings.lake_dir):
            return []
        return list(run_query(self.settings.lake_dir, output, statement, wall_ms()).rows)

    def _plan(self) -> Plan:
        return policy_here(self.settings, limits_of(self.settings, 0, 0))

    def _pages(self) -> dict[str, str]:
        folder = self.settings.ports_dir
        return {f.name: f.read_text() for f in folder.iterdir()} if folder.exists() else {}

    def _logs(self) -> str:
        return "\n".join(f.read_text()[-2_000:] for f in self.settings.state_dir.glob("*.log"))


@contextmanager
def running_road(
    bootstrap_servers: str,
    prefix: str,
    state_dir: Path,
    **settings: Any,
) -> Iterator[Road]:
    """Topics applied and every process started; all of it ends with the block.

    ``elsewhere`` of the road may be given too.
    """
    elsewhere = settings.pop("elsewhere", {})
    quick = {"partitions": 2, "sink_batch_s": 0.3, "sweep_every_s": 1.0, "heartbeat_every_s": 0.5}
    quick["erase_reserve_mb"] = 0  # each road would take a quarter of a gigabyte
    road = Road(
        Settings(
            kafka_bootstrap_servers=bootstrap_servers,
            topic_prefix=prefix,
            state_dir=state_dir,
            **{**quick, **settings},
        )
    )
    road.elsewhere = elsewhere
    state_dir.mkdir(parents=True, exist_ok=True)
    asyncio.run(apply_topics(road.settings, connection_of(road.settings)))
    try:
        road.start(*PROCESS_ROLES)
        yield road
    finally:
        road.stop_all()


def no_prefix_twice() -> str:
    """A topic prefix of a road's own."""
    return f"road{os.getpid()}-{time.monotonic_ns()}."
