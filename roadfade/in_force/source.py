"""What a process or command starts from: the versions that are published, and the one in force.

As the broker has them; ``recorded`` has them for those that ask no broker.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Final

from bus.failures import BrokerError
from bus.ports import Admin, Broker
from bus.topics import TopicSpec
from roadfade.clock import judging_clock
from roadfade.in_force.broker import bring_about, check_topics, limits_on, specs_of
from roadfade.in_force.documents import own_publication
from roadfade.in_force.plans import Plans, VersionTimeline, line_at
from roadfade.in_force.published import PublishedVersions, read_published
from roadfade.raw_partitions import raw_partitions
from roadfade.refusal import NotReady
from roadfade.settings import Settings
from telemetry.topics import RAW

UNREADABLE: Final = (
    "a published policy version cannot be read from control.policies, and it might be the one "
    "in force: `roadfade office republish` sends what is on record again"
)
AGAIN_AFTER_S: Final = 1.0
logger = logging.getLogger(__name__)


class PolicySource:
    """What a process starts from: what is published, compiled as this broker allows.

    What asks the broker works only within ``open``; the rest also after it.
    """

    def __init__(
        self, settings: Settings, admin: Admin, published: PublishedVersions, plans: Plans
    ) -> None:
        self.admin = admin
        self.published = published
        self.plans = plans
        self._settings = settings
        self._clock = judging_clock(settings.fixed_now_ms)

    @classmethod
    @asynccontextmanager
    async def open(cls, settings: Settings, broker: Broker) -> AsyncIterator["PolicySource"]:
        """Ask the broker what it promises and what is published; NotReady if it is unfit."""
        async with broker.admin() as admin:
            limits = await limits_on(settings, admin)
            own = await asyncio.to_thread(own_publication, settings)
            try:
                published = await read_published(broker, own)
            except (BrokerError, TimeoutError) as error:
                msg = "the published policy versions could not be read from the broker: see its log"
                raise NotReady(msg) from error
            yield cls(
                settings,
                admin,
                published,
                await asyncio.to_thread(Plans, limits, settings.state_dir),
            )

    @classmethod
    async def to_start_from(cls, settings: Settings, broker: Broker) -> "PolicySource":
        """A checked one; NotReady as ``open`` and ``checked``.

        Waits, and says so, while a published version cannot be read: whoever stopped for that
        would be started again and again.
        """
        said = False
        while True:
            async with cls.open(settings, broker) as source:
                if not source.published.unreadable:
                    await source.checked()
                    return source
            if not said:
                logger.error("waiting: %s", UNREADABLE)
                said = True
            await asyncio.sleep(AGAIN_AFTER_S)

    def line(self) -> VersionTimeline:
        """The versions now; NotReady if none is in force, or if one cannot be read.

        Blocks while it compiles.
        """
        if self.published.unreadable:
            raise NotReady(UNREADABLE)
        return line_at(self.published.versions, self.plans, self._clock())

    def specs(self, line: VersionTimeline) -> list[TopicSpec]:
        """Every topic as it must be now."""
        return specs_of(line.topic_configs(self._clock()), self._settings)

    async def checked(self) -> tuple[VersionTimeline, Mapping[str, int]]:
        """The versions now, and partitions by topic; NotReady unless topics are as they must be."""
        line = await asyncio.to_thread(self.line)
        return line, await check_topics(self.admin, self.specs(line))


async def apply_topics(settings: Settings, broker: Broker) -> tuple[list[str], list[str]]:
    """Create missing topics and bring drifted ones back; the names of each.

    NotReady, and nothing is done, if the raw topic has other partitions than before.
    """
    async with PolicySource.open(settings, broker) as source:
        line = await asyncio.to_thread(source.line)
        specs = source.specs(line)
        if (await source.admin.describe([RAW]))[RAW] is not None:
            await raw_partitions(settings, broker)
        done = await bring_about(source.admin, specs)
        await raw_partitions(settings, broker)
        return done
