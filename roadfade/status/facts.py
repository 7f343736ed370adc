"""What ``roadfade status`` looks at: what processes say, the broker, the lake, the ledger.

Reads and changes nothing. What cannot be read is a fact too, given as a sentence.
"""

import asyncio
import math
import sqlite3
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Final

import msgspec

from bus.client.positions import Positions
from bus.failures import BrokerError
from policy.plan.plan import Plan
from policy.versions.reviews import reviews_due
from roadfade.adoption import AdoptionFiles, places_in, topics_now, why_not
from roadfade.clock import WallClock
from roadfade.in_force.broker import connection_of, require_broker
from roadfade.in_force.source import PolicySource
from roadfade.ledger_file import LedgerFile
from roadfade.refusal import NotReady
from roadfade.settings import Settings
from roadfade.status.doors import Door, doors_of
from roadfade.status.processes import Process, State, highest
from roadfade.status.reports import Heard, hear
from roadfade.stores import places_of, store_of
from sinks.port.results import Overdue, Strange
from telemetry.topics import AUDIT_FLOW, LEDGER_GROUP, RAW, SINK_GROUP, WORKER_GROUP
from telemetry.wire.flow import Ledger

WATCH_S: Final = 6.0
"""A group whose offsets do not move for this long while records wait is stuck."""
LOOK_EVERY_S: Final = 0.5


@dataclass(frozen=True, slots=True)
class Waiting:
    """Records a group has not read yet; ``moved`` False: it read none while we watched."""

    records: int
    moved: bool = True


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything at one instant. ``unready``: why broker or topics are not as they must be."""

    now_ms: int
    processes: tuple[Process, ...]
    unready: str | None
    policy_version: str | None
    lag: Mapping[str, Waiting]
    overdue: tuple[Overdue, ...] | None
    """Lake files past their expiry; None if there is no lake where this was asked."""
    rejected: Mapping[str, int] | None = None
    """Rejections so far by reason; None if there is no ledger where this was asked."""
    ledger_closes: bool = True
    view_age_s_max: float = 30
    sweep_every_s: float = 60
    ledger_unreadable: str | None = None
    """Why the ledger's file cannot be read."""
    stopped: Mapping[str, str] = field(default_factory=dict)
    """Topics that the sink must not keep as they are, and why; by topic."""
    strange: tuple[Strange, ...] = ()
    """What lies in the lake and is not the lake's."""
    reviews: tuple[str, ...] = ()
    """Warnings of days of review that have come, in the version in force."""
    processes_unknown: str | None = None
    """Why the processes are not known."""
    strange_reports: int = 0
    """Records among the processes' reports that are none."""
    doors: tuple[Door, ...] = ()
    """Which ways in are locked, by the settings of whoever asks."""

    @property
    def running(self) -> list[Process]:
        """Those whose figures count."""
        return [one for one in self.processes if one.state is State.RUNNING]

    def overdue_files(self, before_ms: float = math.inf) -> dict[str, int] | None:
        """Files by output that expired before an instant: as the lake here has them.

        Where there is none, as a sweep that runs says, whatever the instant; None without either.
        """
        if self.overdue is not None:
            due = Counter[str]()
            for one in self.overdue:  # a row for each expiry
                if one.expires_ms < before_ms:
                    due[one.output] += one.files
            return dict(due)
        if not any(process.role == "sweep" for process in self.running):
            return None
        said = highest(self.running, "roadfade_overdue_partitions")
        return {output: int(files) for output, files in said.items() if files}


def gather(settings: Settings, clock: WallClock) -> Facts:
    """Look once. Blocks; seconds if something hangs or records wait."""
    unready, plan, lag, stopped = None, None, dict[str, Waiting](), dict[str, str]()
    reviews: tuple[str, ...] = ()
    heard = Heard(unknown="no broker answers")
    try:
        require_broker(settings)
        heard = asyncio.run(hear(connection_of(settings), clock))
        plan, lag, stopped, reviews = asyncio.run(_from_broker(settings, clock))
    except NotReady as reason:
        unready = str(reason)
    except (BrokerError, TimeoutError) as error:
        unready = f"the broker's topics could not be read ({type(error).__name__}): see its log"
    now_ms = clock()
    ledger, ledger_unreadable = _ledger(settings)
    store = store_of(settings)
    return Facts(
        now_ms,
        heard.processes,
        unready,
        None if plan is None else plan.policy_version,
        lag,
        tuple(store.overdue(now_ms)) if store.exists() else None,
        None if ledger is None else ledger.rejected,
        ledger is None or ledger.closes,
        settings.view_age_s_max,
        settings.sweep_every_s,
        ledger_unreadable,
        stopped,
        tuple(store.strange()),
        reviews,
        heard.unknown,
        heard.strange,
        doors_of(settings),
    )


def _ledger(settings: Settings) -> tuple[Ledger | None, str | None]:
    """The ledger, None if there is none, or why it cannot be read."""
    if not settings.ledger_path.exists():
        return None, None
    try:
        return LedgerFile(settings.ledger_path, as_it_is=True).read(), None
    except (OSError, sqlite3.Error, msgspec.DecodeError) as error:
        return None, str(error.strerror if isinstance(error, OSError) else error)


async def _from_broker(
    settings: Settings, clock: WallClock
) -> tuple[Plan, dict[str, Waiting], dict[str, str], tuple[str, ...]]:
    async with PolicySource.open(settings, connection_of(settings)) as source:
        line, partitions = await source.checked()
        reviews = await asyncio.to_thread(_reviews, source, clock())
    plan = line.plan
    read = {
        WORKER_GROUP: [RAW],
        LEDGER_GROUP: [AUDIT_FLOW],
        SINK_GROUP: [output.topic for output in plan.outputs],
    }
    async with Positions(connection_of(settings)) as positions:
        lag = {
            group: await _watch(positions, group, {topic: partitions[topic] for topic in topics})
            for group, topics in read.items()
        }
    return plan, lag, await _stopped(settings, line.kept_topics), reviews


def _reviews(source: PolicySource, now_ms: int) -> tuple[str, ...]:
    current = source.published.in_force(now_ms).current
    if current is None:
        return ()
    document = source.plans.version(current).document
    return tuple(str(warning) for warning in reviews_due(document, now_ms))


async def _stopped(settings: Settings, topics: Collection[str]) -> dict[str, str]:
    """The topics that the store must not go on with as they are, and why."""
    places = places_in(await asyncio.to_thread(places_of, settings), topics)
    now = await topics_now(connection_of(settings), topics)
    rewound = await asyncio.to_thread(AdoptionFiles(settings.state_dir).rewound)
    found = {
        topic: why_not(topic, places[topic], one, rewound=topic in rewound)
        for topic, one in now.items()
    }
    return {topic: why for topic, why in found.items() if why is not None}


async def _watch(positions: Positions, group: str, partitions: Mapping[str, int]) -> Waiting:
    """The group's lag; if records wait, also whether it moves."""
    first = await positions.lag(group, partitions)
    looks = int(WATCH_S / LOOK_EVERY_S)
    now = first
    for _ in range(looks):
        waiting = sum(lag.records for lag in now.values())
        moved = any(now[at].committed != first[at].committed for at in first)
        if not waiting or moved:
            return Waiting(waiting)
        await asyncio.sleep(LOOK_EVERY_S)
        now = await positions.lag(group, partitions)
    return Waiting(sum(lag.records for lag in now.values()), moved=False)
