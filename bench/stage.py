"""Preparing a run: the raw topic filled once, and fresh topics for each peer to write to.

All topics have the settings of the plan. A peer's own topics have the prefix of its run.
"""

from collections.abc import Iterator
from typing import Final

from rich.progress import Progress

from bench.fleet import envelopes
from bench.job import PARTITIONS, device, load_plan, raw_key
from bus.client.admin import TopicAdmin
from bus.client.connection import Connection
from bus.publisher import Publisher
from bus.records import Outgoing
from bus.topics import TopicSpec
from policy.artefacts.topics import topic_configs
from roadfade.clock import wall_ms
from telemetry.topics import CONTROL_CONSENTS, CONTROL_LINKS, RAW

SAMPLED_DEVICES: Final = 50
PUBLISHED_AT_ONCE: Final = 2_000
NOT_WRITTEN: Final = frozenset({RAW, CONTROL_LINKS, CONTROL_CONSENTS})

Raw = dict[str, list[bytes]]
"""Envelopes of the sampled devices, in the order in which they were published."""


async def fill(source: Connection, records: int, shown: Progress) -> Raw:
    """Publish the job's envelopes."""
    bar = shown.add_task("publishing", total=records)
    kept: Raw = {device(number): [] for number in range(SAMPLED_DEVICES)}
    async with TopicAdmin(source) as admin:
        await admin.create([spec for spec in _specs() if spec.name == RAW])
    async with Publisher(source, clock=wall_ms, compression=None) as publisher:
        for batch in _batches(records):
            await publisher.publish([Outgoing(RAW, None, raw_key(n), value) for n, value in batch])
            for name, value in batch:
                if name in kept:
                    kept[name].append(value)
            shown.advance(bar, len(batch))
    return kept


def _batches(records: int) -> Iterator[list[tuple[str, bytes]]]:
    batch = []
    for one in envelopes(records):
        batch.append(one)
        if len(batch) == PUBLISHED_AT_ONCE:
            yield batch
            batch = []
    if batch:
        yield batch


async def set_up(target: Connection) -> None:
    """Create the topics a peer writes to."""
    async with TopicAdmin(target) as admin:
        await admin.create([spec for spec in _specs() if spec.name not in NOT_WRITTEN])


async def create_all(target: Connection) -> None:
    """Create every topic under the prefix of ``target``, the raw topic too."""
    async with TopicAdmin(target) as admin:
        await admin.create(_specs())


async def clear(target: Connection) -> None:
    """Delete them with all they hold."""
    async with TopicAdmin(target) as admin:
        await admin.delete([spec.name for spec in _specs() if spec.name not in NOT_WRITTEN])


def _specs() -> list[TopicSpec]:
    configs = topic_configs(load_plan())
    return [TopicSpec(name, PARTITIONS, config) for name, config in configs.items()]
