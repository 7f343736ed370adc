"""What a process or command starts from: the versions that are published, and the one in force.

As the broker has them; ``recorded`` has them for those that ask no broker.
"""

import asyncio

from bus.admin import TopicAdmin
from bus.failures import BrokerError
from bus.topics import TopicSpec
from policy.plan import Plan
from roadfade.clock import judging_clock
from roadfade.planning import connection_of, limits_on, own_publication, specs_of
from roadfade.plans import Line, Plans, line_at
from roadfade.published import Published, told_now
from roadfade.refusal import Unready
from roadfade.settings import Settings


class Footing:
    """What a process starts from: what is published, compiled as this broker allows."""

    def __init__(self, settings: Settings, published: Published, plans: Plans) -> None:
        self.published = published
        self.plans = plans
        self._settings = settings
        self._clock = judging_clock(settings.fixed_now_ms)

    def line(self) -> Line:
        """The versions now; Unready where none is in force. Blocks while it compiles."""
        return line_at(self.published.versions, self.plans, self._clock())

    def specs(self, line: Line) -> list[TopicSpec]:
        """Every topic as it must be now."""
        return specs_of(line.topic_configs(self._clock()), self._settings)


async def footing(settings: Settings, admin: TopicAdmin) -> Footing:
    """Ask the broker for what it promises and for what is published; Unready where it is unfit."""
    limits = await limits_on(settings, admin)
    own = await asyncio.to_thread(own_publication, settings)
    try:
        published = await told_now(connection_of(settings), own)
    except (BrokerError, TimeoutError) as error:
        msg = "the broker does not tell which versions of the policy are published: see its log"
        raise Unready(msg) from error
    return Footing(settings, published, Plans(limits))


async def plan_for(settings: Settings, admin: TopicAdmin) -> Plan:
    """The plan in force, as this broker can keep it."""
    return (await footing(settings, admin)).line().plan
