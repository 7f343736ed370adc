"""Requests of erasure, and legal holds before them, are carried out while the office runs.

In: the office's database, a broker, the keyring. Out: requests that are a step further; what they
need of the workers and stores goes out through the outbox. No failure here ends the office, which
everybody waits for: it is said once, counted, and tried again.
"""

import asyncio
import logging
from collections.abc import Collection, Sequence
from functools import partial
from typing import Final, Protocol

from bus.pacing import until
from bus.ports import Broker, BrokerSettings
from office.erasure.event_ends import ask_for_ends
from office.erasure.on_record import Figures, figures
from office.erasure.progress import Horizons, Progress, Waiting
from office.erasure.saga import State
from office.erasure.signing import Signer
from office.keyring.keyring import Keyring
from office.store.database import Database
from policy.artefacts.topics import COMPACTION_LAG_MS_MAX, EVENT_LIFE_MS, EVENT_SEGMENT_MS
from policy.plan.bounds import deleted_ms, replaced_ms
from policy.plan.plan import Plan
from roadfade import metrics
from roadfade.backup.kept import keep_ms_of, last_end_ms, places_of
from roadfade.clock import WallClock
from roadfade.kek_holder import kek_holder
from roadfade.processes.office.attempts import Attempts
from roadfade.processes.office.holds import Holds
from roadfade.processes.office.leaving_consents import leaving_consents
from roadfade.processes.say_once import SayOnce
from roadfade.settings import Settings
from telemetry.instants import DAY_MS, SECOND_MS
from telemetry.topics import commanded_output

TURN_EVERY_S: Final = 1.0
TRY_AGAIN_S: Final = 5.0
logger = logging.getLogger(__name__)


class Versions(Protocol):
    """Who knows which versions are on record, and keeps their topics."""

    @property
    def control(self) -> Collection[str]:
        """The topics that the office publishes to."""

    def every_plan(self) -> Sequence[Plan]:
        """Those that hold here, compiled; blocks."""


class Erasures:
    """The office's own turn at requests, every second."""

    def __init__(
        self,
        settings: Settings,
        broker: Broker,
        database: Database,
        versions: Versions,
        clock: WallClock,
    ) -> None:
        self._settings = settings
        self._broker = broker
        self._database = database
        self._versions = versions
        self._clock = clock
        self._progress: Progress | None = None
        self._holds = Holds(settings, database, versions, clock)
        self._attempt = Attempts(logger)
        self._say = SayOnce(logger)
        metrics.bear(metrics.ERASURES_OPEN, [one for one in State if one is not State.CLOSED])

    async def run(self, stopping: asyncio.Event) -> None:
        """Take requests further until ``stopping``."""
        while not stopping.is_set():
            # Requests wait for holds, since what is held is copied before it goes; else none waits.
            done = [
                await self._attempt("events", self._ends),
                await self._attempt("holds", self._holds.extend),
                self._holds.held_up is not None and await self._attempt("requests", self._turn),
                await self._attempt("hold_ends", self._holds.let_go),
            ]
            await until(stopping, TURN_EVERY_S if all(done) else TRY_AGAIN_S)

    async def _ends(self) -> None:
        """What ends with an event becomes a request on its day."""
        await ask_for_ends(self._database, self._versions.every_plan, self._clock())

    async def _turn(self) -> None:
        now_ms = self._clock()
        async with self._database.reading() as connection:
            found = await figures(connection, now_ms)
        _tell(found, now_ms)
        if not sum(found.by_state.values()) and not found.unscrubbed:
            return
        if self._progress is None:
            self._progress = await self._opened()
        found_outputs = map(commanded_output, self._versions.control)
        reachable = {output for output in found_outputs if output is not None}
        waiting = await self._progress.turn(
            self._versions.every_plan, reachable, now_ms, self._holds.held_up or ()
        )
        self._tell_of(waiting)

    async def _opened(self) -> Progress:
        """Keys and the signing key; OfficeError if no keyring is here."""
        async with self._broker.admin() as admin:
            broker = await admin.broker_settings()
        kek = kek_holder(self._settings)
        keyring = await asyncio.to_thread(Keyring.open_made, self._settings.keyring_path, kek)
        signer = await asyncio.to_thread(Signer.opened, self._settings.receipt_key_file)
        horizons = Horizons(
            view_ms=self._settings.view_age_s_max * SECOND_MS,
            replay_ms=self._settings.replay_days * DAY_MS,
            control_ms=control_ms(broker),
            events_ms=events_ms(broker),
            commands_max=self._settings.erase_commands_max,
        )
        return Progress(
            self._database,
            keyring,
            signer.sign,
            horizons,
            backups_end_ms=partial(backups_end_ms, self._settings, self._clock),
            moves=leaving_consents(self._settings, self._database),
        )

    def _tell_of(self, waiting: Sequence[Waiting]) -> None:
        """Say for which outputs somebody has to do something; dates pass by themselves."""
        said: dict[str, set[str]] = {}
        for one in waiting:
            if one.wait.outputs:
                said.setdefault(one.wait.why, set()).update(one.wait.outputs)
        for why, outputs in said.items():
            self._say(f"requests of erasure wait: {why}: {', '.join(sorted(outputs))}", about=why)
        if not said:
            self._say.forget()


def backups_end_ms(settings: Settings, clock: WallClock) -> int | None:
    """When the last backup there is ends; None: the settings name no place of backups. Blocks.

    OSError if that place cannot be read: then a request does not say that it is done.
    """
    places = places_of(settings)
    if places is None:
        return None
    ends_ms = last_end_ms(places, keep_ms_of(settings))
    return clock() if ends_ms is None else ends_ms


def control_ms(broker: BrokerSettings) -> int:
    """How long the bytes of a deleted row may lie in a compacted topic of ours, in milliseconds.

    As long as this process sends its heartbeats there.
    """
    return replaced_ms(
        COMPACTION_LAG_MS_MAX, broker.cleaner_backoff_ms, broker.segment_delete_delay_ms
    )


def events_ms(broker: BrokerSettings) -> int:
    """How long the bytes of a reported event may lie on its topic, in milliseconds."""
    return deleted_ms(
        EVENT_LIFE_MS,
        EVENT_SEGMENT_MS,
        broker.retention_check_interval_ms,
        broker.segment_delete_delay_ms,
    )


def _tell(found: Figures, now_ms: int) -> None:
    for state, count in found.by_state.items():
        metrics.ERASURES_OPEN.labels(state).set(count)
    oldest_ms = now_ms if found.oldest_asked_ms is None else found.oldest_asked_ms
    metrics.ERASURE_AGE.set(max(0, now_ms - oldest_ms) / 1000)
    metrics.ERASURES_OVERDUE.set(found.overdue)
