"""``roadfade worker``: views, processor and batch loop, hosted in a Faust worker.

Run it twice to scale: raw partitions are shared between members of the group.
"""

import asyncio
import gc
import socket
from collections.abc import Sequence
from typing import Final

from bus.loops.batch_loop import BatchLoop, BatchSettings
from bus.pacing import until
from bus.ports import Broker, ReaderSettings
from bus.slots import Slot
from bus.topic_watch import TopicWatch
from office.errors import OfficeError
from office.keyring.keyring import Keyring
from processors.core_people import people_here
from roadfade.clock import judging_clock, wall_ms
from roadfade.in_force.broker import connection_of, require_broker
from roadfade.in_force.control_rows import Rows
from roadfade.in_force.control_views import ControlViews, PeopleRows
from roadfade.in_force.source import PolicySource
from roadfade.kek_holder import kek_holder, raw_kek_holder, require_kek_apart
from roadfade.logs.process_log import Named
from roadfade.processes.reporting import Reporter, reporter_of, reporting
from roadfade.processes.starting import begin
from roadfade.processes.worker.batch_handler import BatchHandler, Sealing
from roadfade.processes.worker.faust_host import build_app, run_worker
from roadfade.processes.worker.key_cache import KeyCache
from roadfade.processes.worker.key_watch import KeyWatch
from roadfade.processes.worker.opening import Opener
from roadfade.processes.worker.partition_fence import PartitionFence
from roadfade.processes.worker.preparing import VersionPreparer, announce_version
from roadfade.processes.worker.raw_keys import raw_keys
from roadfade.processes.worker.remembered import ReadyVersion, Remembered
from roadfade.processes.worker.series import bear_worker
from roadfade.processes.worker.version_switch import VersionSwitch
from roadfade.raw_partitions import raw_partitions, recorded_partitions
from roadfade.settings import Settings
from roadfade.which_path import tell_which_path
from telemetry.topics import CONTROL_CONSENTS, CONTROL_LINKS, CONTROL_POLICIES, RAW, WORKER_GROUP


def collect_rarely() -> None:
    """Call once, when everything that lives as long as the process is loaded."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS_MAX, YOUNG_ROUNDS_MAX, YOUNG_ROUNDS_MAX)


class DataPlane:
    """Views, versions and batch loop together; if one ends by itself, so do the others."""

    def __init__(
        self,
        views: ControlViews,
        version_switch: VersionSwitch[ReadyVersion],
        loop: BatchLoop,
        keyrings: Sequence[Keyring],
        key_watches: Sequence[KeyWatch],
        reporter: Reporter,
    ) -> None:
        self._reporter = reporter
        self._ended = asyncio.Event()
        self._views = views
        self._version_switch = version_switch
        self._batches = loop
        self._keyrings = keyrings
        self._key_watches = key_watches

    async def run(self) -> None:
        """Work until ``stop``; exceptions end it and are raised."""
        try:
            async with reporting(self._reporter), asyncio.TaskGroup() as group:
                reading = group.create_task(self._views.run())
                preparing = group.create_task(self._version_switch.run())
                watching = [group.create_task(one.run()) for one in self._key_watches]
                await self._batches.run()
                for one in self._key_watches:
                    await one.stop()
                await self._version_switch.stop()
                await self._views.stop()
                await asyncio.gather(reading, preparing, *watching)
        finally:
            for keyring in self._keyrings:
                keyring.close()
            self._ended.set()

    async def stop(self) -> None:
        """Finish and commit the batch in hand, and say that it ended; the host cancels then."""
        await self._batches.stop()
        await until(self._ended, END_S_MAX)


def assemble(
    settings: Settings, broker: Broker, source: PolicySource, member: str, reporter: Reporter
) -> DataPlane:
    """Wire one worker's data plane; connects to nothing yet."""
    people = people_here()
    keyring = Keyring.open(settings.keyring_path, kek_holder(settings))
    keys = KeyCache(keyring)
    raw_keyring = Keyring.open(settings.raw_keys_path, raw_kek_holder(settings))
    period_keys = raw_keys(raw_keyring)
    opener = Opener(
        period_keys,
        settings.content_keys_kept_max,
        allow_unsealed=settings.raw_allow_unsealed,
    )
    clock = judging_clock(settings.fixed_now_ms)
    preparer = VersionPreparer(broker, source.plans, people, keys, settings.device_answers_kept_max)
    version_switch = VersionSwitch(source.published, preparer.make, clock, announce_version)
    rows: dict[str, Rows] = {
        CONTROL_LINKS: PeopleRows(CONTROL_LINKS, people),
        CONTROL_CONSENTS: PeopleRows(CONTROL_CONSENTS, people),
        CONTROL_POLICIES: source.published,
    }
    views = ControlViews(broker, rows, wall_ms, settings.view_age_s_max * 1000)

    def judged_by() -> int:
        return clock() if settings.fixed_now_ms is not None else views.judging_ms(clock())

    watch = TopicWatch(broker, {}, learn=[RAW])
    remembered = Remembered(lambda: version_switch.chosen, judged_by, settings.bins_max, opener)
    fence = PartitionFence(recorded_partitions(settings.raw_partitions_path))
    handler = BatchHandler(
        RAW,
        remembered,
        keys,
        judged_by,
        lambda: watch.known(RAW) or "",
        fence=fence,
        sealing=Sealing(opener, period_keys),
    )

    def waits() -> str | None:
        return fence.pause_reason() or views.pause_reason()

    loop = BatchLoop(
        broker,
        RAW,
        WORKER_GROUP,
        handler.handle,
        broker.producer(clock=wall_ms, client_id=member),
        member=member,
        watch=watch,
        pause_reason=lambda: waits() or version_switch.pause_reason(),
        begin=lambda: waits() or version_switch.begin(),
        basis=handler.basis,
        observer=handler,
        recollection=remembered,
        kept_back=handler,
        settings=batch_settings(settings),
        # A keyring that cannot be used would be so with any record.
        blameless=(OSError, OfficeError),
    )
    watches = [
        KeyWatch(keys, lambda: [one.processor for one in version_switch.held]),
        KeyWatch(period_keys, lambda: [opener], opener.wanted, opener.answered),
    ]
    return DataPlane(views, version_switch, loop, [keyring, raw_keyring], watches, reporter)


def batch_settings(settings: Settings) -> BatchSettings:
    """How a worker reads raw records."""
    return BatchSettings(
        ReaderSettings(
            records_max=settings.records_per_fetch_max,
            fetch_bytes_min=FETCH_BYTES_MIN,
            fetch_wait_ms=settings.fetch_wait_ms,
        )
    )


async def _prepare(settings: Settings) -> PolicySource:
    source = await PolicySource.to_start_from(settings, connection_of(settings))
    await raw_partitions(settings, connection_of(settings))
    return source


def main(settings: Settings, named: Named) -> None:
    """Run one worker until a signal; raises NotReady if it must not start."""
    require_kek_apart(settings)
    require_broker(settings)
    source = asyncio.run(_prepare(settings))
    slot = Slot.take(settings.slots_dir, "worker")
    member = f"worker-{socket.gethostname()}-{slot.number}"
    begin(settings, named, "worker", f"worker-{slot.number}")
    bear_worker()
    tell_which_path()
    collect_rarely()

    async def open_plane() -> DataPlane:
        broker = connection_of(settings)
        reporter = reporter_of(settings, broker, f"worker-{slot.number}")
        return await asyncio.to_thread(assemble, settings, broker, source, member, reporter)

    app = build_app(
        connection_of(settings),
        settings.ledger_path,
        open_plane,
        f"ledger-{socket.gethostname()}-{slot.number}",
        settings.state_dir / "faust",
    )
    run_worker(app)


FETCH_BYTES_MIN: Final = 64 * 1024
"""So many bytes wait for no others."""


END_S_MAX: Final = 5.0
"""For no longer does a stop wait, after the last commit, for the end of what reads and reports."""


YOUNG_OBJECTS_MAX: Final = 100_000
"""Garbage cycles are collected after this many new objects; Python's default: 700."""


YOUNG_ROUNDS_MAX: Final = 50
