"""Onto the raw topic from this machine: gated by the policy in force, sealed, refused in words."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from bus.failures import SendFailedError
from bus.publisher import Publisher
from ingest.raw_topic import RawPublisher, SealsOfNow, TopicPublisher
from ingest.routing import Routing
from ingest.sealing import NoSealingKeyError, Sealer
from policy.plan.limits import Limits
from policy.plan.plan import Plan
from roadfade.clock import wall_ms
from roadfade.in_force.broker import connection_of, require_broker
from roadfade.in_force.offered_keys import offered_keys
from roadfade.in_force.recorded import policy_here
from roadfade.raw_routing import routing_of
from roadfade.refusal import NotReady, Refusal
from roadfade.settings import Settings

NO_KEY: Final = (
    "no key is offered to seal with, and nothing is sent in the clear: start `roadfade office`, "
    "which makes one for each period, and see that this clock is right"
)


class RawTopic(RawPublisher):
    """Publishes what ``plan`` collects."""

    def __init__(
        self, publisher: TopicPublisher, plan: Plan, routing: Routing, sealer: SealsOfNow
    ) -> None:
        super().__init__(publisher, plan.collected, routing, sealer)
        self.plan = plan


@asynccontextmanager
async def raw_topic(
    settings: Settings, client_id: str, plan: Plan | None = None
) -> AsyncIterator[RawTopic]:
    """The raw topic under a plan, or under the one that this folder's office has in force.

    NotReady if no broker answers, no policy is in force, it is not known where a device goes, or no
    key is offered to seal with; Refusal if the broker does not take what is published within it.
    """
    if plan is None:
        await asyncio.to_thread(require_broker, settings)
        plan = await asyncio.to_thread(policy_here, settings, Limits())
    connection = connection_of(settings)
    routing = await routing_of(settings, connection)
    try:
        # What is sealed cannot be compressed any more.
        async with (
            offered_keys(connection) as keys,
            Publisher(
                connection, clock=wall_ms, client_id=client_id, compression=None
            ) as publisher,
        ):
            sealer = Sealer(keys.key_at, wall_ms)
            await sealer.now()
            yield RawTopic(publisher, plan, routing, sealer)
    except NoSealingKeyError as error:
        raise NotReady(NO_KEY) from error
    except SendFailedError as error:
        msg = "the broker did not take the readings in time: check that it runs, then try again"
        raise Refusal(msg) from error
