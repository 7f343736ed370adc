"""``roadfade worker``: views, processor and batch loop, hosted in a Faust worker.

Run it twice to scale: raw partitions are shared between members of the group.
"""

import asyncio
import logging
import socket

from bus.admin import TopicAdmin
from bus.batch_loop import BatchLoop, BatchSettings
from bus.group_reader import ReaderSettings
from bus.partitions import partition_for
from bus.producer import AckedProducer
from bus.slots import Slot
from office.kek import FileKek
from office.keyring import Keyring
from policy.groups import WORKER_GROUP
from policy.plan import Plan
from policy.topics import RAW
from processors.people import People
from processors.processor import Processor
from processors.program import build_program
from roadfade import __version__, metrics
from roadfade.carrying import Carrier
from roadfade.clock import judging_clock, wall_ms
from roadfade.collector import collect_rarely
from roadfade.faust_host import build_app, run_worker
from roadfade.keys import KeyCache
from roadfade.planning import Unready, check_topics, connection_of, plan_for, specs_of
from roadfade.reachable import require_broker
from roadfade.settings import Settings
from roadfade.views import ControlViews


class DataPlane:
    """Views and batch loop together; if either ends by itself, so does the other."""

    def __init__(self, views: ControlViews, loop: BatchLoop, keyring: Keyring) -> None:
        self._views = views
        self._batches = loop
        self._keyring = keyring

    async def run(self) -> None:
        """Work until ``stop``; exceptions end it and are raised."""
        try:
            async with asyncio.TaskGroup() as group:
                reading = group.create_task(self._views.run())
                await self._batches.run()
                await self._views.stop()
                await reading
        finally:
            self._keyring.close()

    async def stop(self) -> None:
        """Finish and commit the batch in hand."""
        await self._batches.stop()


def assemble(settings: Settings, plan: Plan, partitions: dict[str, int], member: str) -> DataPlane:
    """Wire one worker's data plane; connects to nothing yet."""
    connection = connection_of(settings)
    people = People()
    views = ControlViews(connection, people, wall_ms, settings.view_age_s_max * 1000)
    keyring = Keyring.open(settings.keyring_path, FileKek(settings.kek_file))
    keys = KeyCache(keyring)
    program = build_program(plan)
    processor = Processor(
        program, people, keys, lambda topic, key: partition_for(key, partitions[topic])
    )
    clock = judging_clock(settings.fixed_now_ms)
    carrier = Carrier(RAW, program, processor, keys, clock)
    loop = BatchLoop(
        connection,
        RAW,
        WORKER_GROUP,
        carrier.handle,
        AckedProducer(connection, clock=wall_ms, client_id=member),
        member=member,
        pause_reason=views.pause_reason,
        observer=carrier,
        settings=BatchSettings(ReaderSettings(records_max=settings.records_per_fetch_max)),
    )
    return DataPlane(views, loop, keyring)


async def _prepare(settings: Settings) -> tuple[Plan, dict[str, int]]:
    async with TopicAdmin(connection_of(settings)) as admin:
        plan = await plan_for(settings, admin)
        partitions = await check_topics(admin, specs_of(plan, settings))
    if not settings.raw_allow_unsealed:
        msg = (
            "raw.allow_unsealed is off, but envelopes cannot be sealed yet: "
            "nothing could be admitted"
        )
        raise Unready(msg)
    return plan, partitions


def main(settings: Settings) -> None:
    """Run one worker until a signal; raises Unready where it must not start."""
    require_broker(settings)
    plan, partitions = asyncio.run(_prepare(settings))
    slot = Slot.take(settings.slots_dir, "worker")
    member = f"worker-{socket.gethostname()}-{slot.number}"
    metrics.BUILD.labels(__version__, plan.policy_version).set(1)
    metrics.serve(
        settings.metrics_host, settings.metrics_port, settings.ports_dir, f"worker-{slot.number}"
    )
    logging.getLogger("aiokafka").setLevel(logging.ERROR)
    collect_rarely()

    async def open_plane() -> DataPlane:
        return await asyncio.to_thread(assemble, settings, plan, partitions, member)

    app = build_app(
        connection_of(settings),
        settings.ledger_path,
        open_plane,
        f"ledger-{socket.gethostname()}-{slot.number}",
        settings.state_dir / "faust",
    )
    run_worker(app)
