"""Preparing a run: raw topics filled once, and fresh topics for each peer to write to.

All topics have the settings of the job's plan. A raw topic has the prefix of its contents, a peer's
own topics that of its run.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from rich.progress import Progress

from bench.fleet import READINGS, envelopes
from bench.job import PARTITIONS, consenting, device, load_plan, raw_key
from bus.client.admin import TopicAdmin
from bus.client.connection import Connection
from bus.publisher import Publisher
from bus.records import Outgoing
from bus.topics import TopicSpec
from policy.artefacts.topics import topic_configs
from policy.plan.plan import Plan
from roadfade.clock import wall_ms
from telemetry.topics import CONTROL_CONSENTS, CONTROL_LINKS, RAW, partitions_fixed

SAMPLED_DEVICES: Final = 50
PUBLISHED_AT_ONCE: Final = 2_000
NOT_WRITTEN: Final = frozenset({RAW, CONTROL_LINKS, CONTROL_CONSENTS})


@dataclass(slots=True)
class Raw:
    """What a raw topic holds: envelopes of ``readings`` each, the same ones ``times`` over."""

    source: str
    """The topic's prefix."""
    readings: int = READINGS
    times: int = 1
    records: int = 0
    of_consenting: int = 0
    """Records of vehicles whose drivers agreed to purpose c."""
    sent_bytes: int = 0
    """Keys and values."""
    sampled: dict[str, list[bytes]] = field(default_factory=dict)
    """Envelopes of some devices, in the order in which they were published first."""


async def create_raw(source: Connection) -> None:
    """Create an empty raw topic."""
    async with TopicAdmin(source) as admin:
        await admin.create([spec for spec in _specs(load_plan()) if spec.name == RAW])


async def fill(servers: str, raw: Raw, records: int, shown: Progress) -> None:
    """Publish so many envelopes, ``raw.times`` over, and note in ``raw`` what was published."""
    bar = shown.add_task(f"publishing {raw.readings}", total=records * raw.times)
    source, agreed = Connection(servers, raw.source), consenting()
    raw.sampled = {device(number): [] for number in range(SAMPLED_DEVICES)}
    await create_raw(source)
    async with Publisher(source, clock=wall_ms, compression=None) as publisher:
        for again in range(raw.times):
            for batch in _batches(records, raw.readings):
                outgoing = [Outgoing(RAW, None, raw_key(n), value) for n, value in batch]
                await publisher.publish(outgoing)
                raw.records += len(batch)
                raw.sent_bytes += sum(len(o.key or b"") + len(o.value or b"") for o in outgoing)
                raw.of_consenting += sum(name in agreed for name, _ in batch)
                for name, value in batch:
                    if not again and name in raw.sampled:
                        raw.sampled[name].append(value)
                shown.advance(bar, len(batch))


def _batches(records: int, readings: int) -> Iterator[list[tuple[str, bytes]]]:
    batch = []
    for one in envelopes(records, readings=readings):
        batch.append(one)
        if len(batch) == PUBLISHED_AT_ONCE:
            yield batch
            batch = []
    if batch:
        yield batch


async def set_up(target: Connection, plan: Plan) -> None:
    """Create the topics a peer writes to."""
    async with TopicAdmin(target) as admin:
        await admin.create([spec for spec in _specs(plan) if spec.name not in NOT_WRITTEN])


async def create_all(target: Connection, plan: Plan | None = None) -> None:
    """Create every topic of a job, the fixed one's if none is named; the raw topic too."""
    async with TopicAdmin(target) as admin:
        await admin.create(_specs(plan or load_plan()))


async def clear(target: Connection, plan: Plan) -> None:
    """Delete them with all they hold."""
    async with TopicAdmin(target) as admin:
        await admin.delete([spec.name for spec in _specs(plan) if spec.name not in NOT_WRITTEN])


def _specs(plan: Plan) -> list[TopicSpec]:
    configs = topic_configs(plan)
    return [
        TopicSpec(name, partitions_fixed(name) or PARTITIONS, config)
        for name, config in configs.items()
    ]
