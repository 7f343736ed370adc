"""What a process says of itself on ``audit.processes``, as long as it works, and as it ends.

In: its own figures. Out: a word every ``heartbeat_every_s`` seconds, sent from the loop that does
the work: a loop that hangs is silent. Nothing waits for it, and no failure to speak ends a process.
"""

import asyncio
import logging
import math
import socket
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from bus.failures import BrokerError, OversizedError, SendFailedError, TopicError
from bus.pacing import until
from bus.ports import Broker
from bus.publisher import Publisher
from roadfade import __version__, metrics
from roadfade.clock import WallClock, wall_ms
from roadfade.processes.say_once import SayOnce
from roadfade.settings import Settings
from telemetry.instants import SECOND_MS
from telemetry.topics import AUDIT_PROCESSES
from telemetry.wire.process_report import ProcessReport, ProcessState, encode_report

REPORTED: Final = frozenset(
    {
        "roadfade_core",
        "roadfade_expired_unread_total",
        "roadfade_heartbeat_timestamp_seconds",
        "roadfade_lake_strange_files",
        "roadfade_ledger_unbalanced_total",
        "roadfade_longest_life_seconds",
        "roadfade_oldest_record_age_seconds",
        "roadfade_outbox_pending",
        "roadfade_overdue_partitions",
        "roadfade_paused",
        "roadfade_sink_rejected_total",
        "roadfade_sweep_last_success_timestamp_seconds",
        "roadfade_unaccounted_readings",
        "roadfade_unready",
        "roadfade_view_age_seconds",
    }
)
"""The figures that ``roadfade status`` judges by; none has more than one label."""
TRY_S_MAX: Final = 10.0
"""A word that does not arrive within this is given up for the next one."""
LAST_WORD_S_MAX: Final = 2.0
"""For no longer does a process that ends wait for its last word, and again to hang up."""
LOOK_EVERY_S: Final = 0.25
FAILURES: Final = (SendFailedError, OversizedError, BrokerError, TopicError, TimeoutError, OSError)
logger = logging.getLogger(__name__)


def own_figures() -> dict[str, dict[str, float]]:
    """What this process has of these metrics, by the value of their label."""
    found: dict[str, dict[str, float]] = {}
    for family in metrics.REGISTRY.collect():
        for sample in family.samples:
            if sample.name in REPORTED and math.isfinite(sample.value):
                label = next(iter(sample.labels.values()), "")
                found.setdefault(sample.name, {})[label] = sample.value
    return found


def own_policy_version() -> str:
    """The version of the policy that this process applies; empty before it applies one."""
    for family in metrics.BUILD.collect():
        for sample in family.samples:
            return sample.labels["policy_version"]
    return ""


class Reporter:
    """One process's voice. ``process``: its role, and its number if several may run."""

    def __init__(
        self,
        settings: Settings,
        broker: Broker,
        process: str,
        page: str,
        *,
        host: str,
        clock: WallClock = wall_ms,
    ) -> None:
        self._every_ms = int(settings.heartbeat_every_s * SECOND_MS)
        self._broker = broker
        self._process = process
        self._page = page
        self._host = host
        self._clock = clock
        self._started_ms = clock()
        self._say = SayOnce(logger)

    async def run(self, stopping: asyncio.Event) -> None:
        """Speak again and again; after ``stopping``, once more: it ended, and was asked to."""
        while not stopping.is_set():
            try:
                await self._speak_while_it_lasts(stopping)
            except FAILURES as failure:
                why = type(failure).__name__
                self._say(f"`roadfade status` does not hear this process for now: {why}")
                await until(stopping, self._every_ms / SECOND_MS)

    async def _speak_while_it_lasts(self, stopping: asyncio.Event) -> None:
        client = f"{self._process}-status"
        async with Publisher(self._broker, clock=self._clock, client_id=client) as publisher:
            while not stopping.is_set():
                await self._speak(publisher, "running")
                self._say.forget()
                await until(stopping, self._every_ms / SECOND_MS)
            await self._speak(publisher, "ended")

    async def _speak(self, publisher: Publisher, state: ProcessState) -> None:
        # Off the loop: what the process is like as a whole, the system is asked by reading files.
        figures = await asyncio.to_thread(own_figures)
        word = ProcessReport(
            1, self._process, self._host, state, self._started_ms, self._clock(), self._every_ms,
            self._page, __version__, own_policy_version(), figures,
        )  # fmt: skip
        async with asyncio.timeout(TRY_S_MAX):
            await publisher.publish_to(AUDIT_PROCESSES, [(word.key, encode_report(word))])


def reporter_of(settings: Settings, broker: Broker, process: str) -> Reporter:
    """The voice of this process, after it has written where its /metrics are."""
    try:
        page = (settings.ports_dir / process).read_text(encoding="utf-8")
    except OSError:
        page = ""
    return Reporter(settings, broker, process, page, host=socket.gethostname())


@asynccontextmanager
async def reporting(reporter: Reporter) -> AsyncIterator[None]:
    """Speak as long as the block runs. If the block fails, the last word is not that it ended."""
    stopping = asyncio.Event()
    speaking = asyncio.create_task(reporter.run(stopping))
    try:
        yield
    except BaseException:
        speaking.cancel()
        await asyncio.wait((speaking,), timeout=LAST_WORD_S_MAX)
        raise
    stopping.set()
    done, _ = await asyncio.wait((speaking,), timeout=LAST_WORD_S_MAX)
    if not done:
        speaking.cancel()
        await asyncio.wait((speaking,), timeout=LAST_WORD_S_MAX)
    elif not speaking.cancelled():
        speaking.result()


def report_beside(reporter: Reporter, stopping: threading.Event) -> threading.Thread:
    """Speak in a thread beside work that must not wait for Kafka; it ends after ``stopping``."""

    async def beside() -> None:
        async with reporting(reporter):
            # A thread that waited without an end would keep a process that fails from ending.
            while not await asyncio.to_thread(stopping.wait, LOOK_EVERY_S):
                continue

    thread = threading.Thread(target=asyncio.run, args=(beside(),), name="reporter", daemon=True)
    thread.start()
    return thread
