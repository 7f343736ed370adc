"""All the office knows onto the control topics again, and what it does not know off them.

In: an office's database and a broker. Out: how many rows were queued, and how many rows of others
were deleted. Either may run beside the office process: one of them publishes at a time.
"""

import asyncio
from typing import Final, NamedTuple

from bus.failures import BrokerError, SendFailedError
from bus.partitions import partition_for
from bus.ports import Broker
from bus.publisher import Publisher
from office.outbox import Outbox
from office.store.database import Database
from roadfade.clock import wall_ms
from roadfade.processes.office.control_topics import lying_in, publish_through
from telemetry.topics import CONTROL, CONTROL_COLLECTION

TRIES_MAX: Final = 60
TRY_AGAIN_S: Final = 0.5
"""The office process publishes for moments only; a comparison of its own takes longer."""


class Republished(NamedTuple):
    """What was done; ``foreign`` is None if it could not be looked for."""

    queued: int
    foreign: int | None


async def republish(database: Database, broker: Broker) -> Republished:
    """Queue every live row, and delete every row that lies in a topic and is none of them."""
    outbox = Outbox(database)
    queued = await outbox.republish_all()
    if not await asyncio.to_thread(broker.answers):
        return Republished(queued, None)
    try:
        return Republished(queued, await _take_out_strangers(outbox, broker))
    except (BrokerError, SendFailedError, TimeoutError):
        return Republished(queued, None)


async def _take_out_strangers(outbox: Outbox, broker: Broker) -> int | None:
    async with broker.admin() as admin:
        found = await admin.describe([*CONTROL, CONTROL_COLLECTION])
    partitions = {topic: one.partitions for topic, one in found.items() if one is not None}
    if len(partitions) < len(found):
        return None  # the office makes them, and looks at what lies there as it starts
    async with Publisher(broker, clock=wall_ms, client_id="office") as publisher:
        for _ in range(TRIES_MAX):
            taken_out = await outbox.take_out_strangers(
                publish_through(publisher),
                partitions,
                partition_for,
                lambda: lying_in(broker, partitions),
            )
            if taken_out is not None:
                return taken_out
            await asyncio.sleep(TRY_AGAIN_S)
    return None
