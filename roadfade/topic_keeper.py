"""Topics follow the version in force: made before it starts, set when it does, deleted after it.

In: the office's published versions. Out: the cluster's topics, as the versions want them now.
One process does it: the office, which is also the one that everybody waits for.
"""

import asyncio
import logging
from collections.abc import Mapping, Sequence

from bus.admin import TopicAdmin
from bus.failures import BrokerError, TopicError
from bus.topics import TopicSpec
from office.database import Database
from office.policies import newest, published
from policy.plan import Plan
from policy.publication import Publication
from roadfade import __version__, metrics
from roadfade.clock import judging_clock
from roadfade.planning import bring_about, check_topics, connection_of, specs_of
from roadfade.plans import Line, Plans, Unready, line_at
from roadfade.settings import Settings
from telemetry.instants import SECOND_MS

LOOK_EVERY_S = 1.0
logger = logging.getLogger(__name__)


class TopicKeeper:
    """What the topics are, and how they become what they must be."""

    def __init__(self, settings: Settings, database: Database, plans: Plans) -> None:
        self._settings = settings
        self._database = database
        self._plans = plans
        self._clock = judging_clock(settings.fixed_now_ms)
        self._versions: Sequence[Publication] = ()
        self._line: Line | None = None
        self._applied: list[TopicSpec] = []
        self._deleted: tuple[str, ...] = ()
        self._said = ""
        self._partitions: dict[str, int] = {}

    @property
    def plan(self) -> Plan:
        """The plan in force; only after ``start``."""
        return self._known_line().plan

    @property
    def partitions(self) -> Mapping[str, int]:
        """Partitions by topic, those of the next version included; only after ``start``."""
        return self._partitions

    async def start(self, admin: TopicAdmin) -> None:
        """Find the topics as they must be; Unready where they are not.

        Where several versions are published one may have taken over while nobody kept the
        topics: they are brought to it first.
        """
        specs = await self._wanted()
        if len(self._versions) > 1:
            await bring_about(admin, specs)
        self._partitions = await check_topics(admin, specs)
        self._take_over(specs)

    async def run(self, stopping: asyncio.Event) -> None:
        """Keep them so until ``stopping``; a broker that is away is asked again."""
        while not stopping.is_set():
            try:
                await self._turn()
                self._said = ""
            except (BrokerError, TopicError, TimeoutError, OSError, Unready) as failure:
                # People's withdrawals must go on being published: this is told, and tried again.
                self._say_once(f"topics are not kept: {type(failure).__name__}: {failure}")
            try:
                await asyncio.wait_for(stopping.wait(), LOOK_EVERY_S)
            except TimeoutError:
                continue

    async def _turn(self) -> None:
        specs = await self._wanted()
        if specs != self._applied:
            async with TopicAdmin(connection_of(self._settings)) as admin:
                await bring_about(admin, specs)
                found = await admin.describe([spec.name for spec in specs])
            sizes = {name: one.partitions for name, one in found.items() if one is not None}
            self._partitions |= sizes
            self._take_over(specs)
        await self._delete_left_behind()

    async def _wanted(self) -> list[TopicSpec]:
        if not self._versions or await newest(self._database) != self._versions[-1].version:
            self._versions = await published(self._database)
        now_ms = self._clock()
        self._line = await asyncio.to_thread(line_at, self._versions, self._plans, now_ms)
        return specs_of(self._line.topic_configs(now_ms), self._settings)

    def _take_over(self, specs: list[TopicSpec]) -> None:
        self._applied = specs
        metrics.tell_build(__version__, self.plan.policy_version)

    async def _delete_left_behind(self) -> None:
        """Delete what no version needs, once every worker has switched or waits.

        A worker that hears nothing pauses when its view is as old as the setting allows.
        """
        line = self._known_line()
        grace_ms = self._settings.view_age_s_max * SECOND_MS
        if line.left_behind == self._deleted or self._clock() < line.since_ms + grace_ms:
            return
        async with TopicAdmin(connection_of(self._settings)) as admin:
            await admin.delete(line.left_behind)
        self._deleted = line.left_behind
        logger.warning("deleted topics that no version needs: %s", ", ".join(line.left_behind))

    def _known_line(self) -> Line:
        if self._line is None:
            msg = "the keeper was not started"
            raise LookupError(msg)
        return self._line

    def _say_once(self, what: str) -> None:
        if what != self._said:
            self._said = what
            logger.error("%s", what)
