"""One run of one peer on one job: fresh topics, a process of its own, figures, outputs.

In: what to run, and the broker with its filled raw topics. Out: figures, and what was seen of
the outputs. AbsentError if the peer cannot be run here; a peer of ours that fails is an error.
"""

import asyncio
import json
import subprocess
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NamedTuple, TypeVar

from bench.job import (
    DEVICES,
    EPOCH,
    PURPOSES,
    RECIPIENT,
    consenting,
    device,
    epoch_key,
    link_secret,
)  # fmt: skip
from bench.jobs import FIXED, JOBS, plan_of
from bench.metering import Figures
from bench.peers.catalogue import PEERS, Peer
from bench.peers.environments import AbsentError, reason_in
from bench.peers.task import Driver, Purpose, Task
from bench.peers.watching import EndedError, end, watch
from bench.reference import BASES, DAYS
from bench.stage import Raw, clear, set_up
from bus.client.connection import Connection
from policy.plan.plan import Plan
from telemetry.topics import RAW

Seen = TypeVar("Seen")
RUN_S_MAX: Final = 900


class Work(NamedTuple):
    """A peer on a job; with ``churn_records``, one consent changes after so many records."""

    peer: str
    job: str = FIXED
    churn_records: int = 0


@dataclass
class Ground:
    """Where runs happen: a broker, raw topics by their readings and times, a folder for files."""

    servers: str
    folder: Path
    raw: dict[tuple[int, int], Raw] = field(default_factory=dict)
    plans: dict[str, Plan] = field(default_factory=dict)
    runs: int = 0

    def plan(self, job: str) -> Plan:
        """The job's compiled plan."""
        if job not in self.plans:
            self.plans[job] = plan_of(JOBS[job])
        return self.plans[job]

    def raw_for(self, work: Work) -> Raw:
        """The raw topic that a piece of work reads."""
        return self.raw[JOBS[work.job].readings, PEERS[work.peer].times]


Look = Callable[[Connection, Raw, Plan], Awaitable[Seen]]
"""Looks at what a run wrote, before it is deleted."""


def run_once(
    ground: Ground, work: Work, look: Look[Seen] | None = None
) -> tuple[Figures, Seen | None]:
    """Run, measure, look at the outputs if asked to, and leave no topic behind."""
    command = PEERS[work.peer].command()
    raw = ground.raw_for(work)
    ground.runs += 1
    task = task_of(ground, work, raw, f"run-{ground.runs}.")
    target = Connection(ground.servers, task.target)
    plan = ground.plan(work.job)
    asyncio.run(set_up(target, plan))
    try:
        figures = start_and_wait(ground, task, command, raw)
        seen = None if look is None else asyncio.run(_looked(look, target, raw, plan))
    finally:
        asyncio.run(clear(target, plan))
    return figures, seen


async def _looked(look: Look[Seen], target: Connection, raw: Raw, plan: Plan) -> Seen:
    return await look(target, raw, plan)


def task_of(ground: Ground, work: Work, raw: Raw, prefix: str) -> Task:
    """The task of a run; everything that it makes on the broker has the prefix."""
    agreed = consenting()
    return Task(
        peer=work.peer,
        job=work.job,
        bootstrap_servers=ground.servers,
        source=raw.source,
        target=prefix,
        raw=raw.source + RAW,
        group=f"{prefix}group",
        records=raw.records,
        churn_records=work.churn_records,
        policy_version=ground.plan(work.job).policy_version,
        state_dir=str(ground.folder / f"{prefix}state"),
        purposes={
            name: Purpose(
                f"{prefix}purpose.{name}", BASES[name].decode(), DAYS[name],
                epoch_key((name, RECIPIENT, EPOCH)).hex(),
            )
            for name in PURPOSES
        },
        drivers={
            name: Driver(link_secret(name).hex(), name in agreed)
            for name in map(device, range(DEVICES))
        },
    )  # fmt: skip


def start_and_wait(ground: Ground, task: Task, command: list[str], raw: Raw) -> Figures:
    """Start a peer's process on a task and return its figures."""
    file = ground.folder / f"{task.target}task.json"
    task.write(file)
    peer = PEERS[task.peer]
    if peer.inside:
        done = subprocess.run(
            [*command, str(file)], stdout=subprocess.PIPE, timeout=RUN_S_MAX, check=True
        )
        return Figures(**json.loads(done.stdout.splitlines()[-1]))
    return _watched(task, [*command, str(file)], peer, raw, file.with_suffix(".log"))


def _watched(task: Task, command: list[str], peer: Peer, raw: Raw, log: Path) -> Figures:
    due: Mapping[str, int] = {
        "purpose.a": raw.records, "purpose.b": raw.records, "purpose.c": raw.of_consenting,
    }  # fmt: skip
    target = Connection(task.bootstrap_servers, task.target)
    with log.open("w") as written:
        process = subprocess.Popen(command, stdout=written, stderr=written, text=True)
        try:
            return asyncio.run(watch(process, target, due, peer.counted_from, RUN_S_MAX))
        except EndedError as ended:
            last = "\n".join(deque(log.open(errors="replace"), maxlen=20))
            raise AbsentError(reason_in(last, str(ended))) from None
        finally:
            end(process)
