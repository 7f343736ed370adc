"""Topics follow the version in force: made before it starts, set when it does, emptied after it.

In: the office's published versions. Out: the cluster's topics, as the versions want them now.
One process does it: the office, which is also the one that everybody waits for.
"""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from typing import Final

from bus.failures import BrokerError, TopicError
from bus.pacing import until
from bus.ports import Admin, Broker
from bus.topics import TopicSpec
from office.erasure.on_record import any_open
from office.policy_versions import newest, published
from office.store.database import Database
from policy.artefacts.topics import commanding_configs
from policy.plan.plan import Plan
from policy.versions.in_force import in_force
from roadfade.clock import WallClock
from roadfade.in_force.broker import bring_about, check_topics, specs_of
from roadfade.in_force.plans import Plans, VersionTimeline, line_at
from roadfade.processes.say_once import SayOnce
from roadfade.processes.starting import tell_in_force
from roadfade.readiness import Need, readiness
from roadfade.refusal import NotReady
from roadfade.settings import Settings
from telemetry.instants import SECOND_MS
from telemetry.topics import erase_topics, is_control
from telemetry.wire.publication import Publication

LOOK_EVERY_S: Final = 1.0
LATER: Final = (BrokerError, TopicError, TimeoutError, OSError)
"""The errors after which it is tried again."""
logger = logging.getLogger(__name__)


class TopicKeeper:
    """What the topics are, and how they become what they must be."""

    def __init__(
        self, settings: Settings, broker: Broker, database: Database, plans: Plans, clock: WallClock
    ) -> None:
        self._settings = settings
        self._broker = broker
        self._database = database
        self._plans = plans
        self._clock = clock
        self._versions: Sequence[Publication] = ()
        self._line: VersionTimeline | None = None
        self._applied: list[TopicSpec] = []
        self._emptied: tuple[int, tuple[str, ...]] = (0, ())
        self._say = SayOnce(logger, logging.ERROR)
        self._partitions: dict[str, int] = {}

    @property
    def plan(self) -> Plan:
        """The plan whose topics are there; only after ``start``."""
        if self._line is None:
            msg = "the keeper was not started"
            raise LookupError(msg)
        return self._line.plan

    @property
    def partitions(self) -> Mapping[str, int]:
        """Partitions by topic, those of the next version included; only after ``start``."""
        return self._partitions

    @property
    def control(self) -> Mapping[str, int]:
        """Partitions by topic of those that the office publishes to; only after ``start``."""
        return {name: count for name, count in self._partitions.items() if is_control(name)}

    def every_plan(self) -> list[Plan]:
        """Every version on record that holds here, compiled; blocks. Only after ``start``."""
        found = [self._plans.plan_if_it_holds(one) for one in self._versions]
        return [plan for plan in found if plan is not None]

    def versions_without_plan(self) -> list[int]:
        """Versions on record that do not hold here; blocks. Only after ``start``."""
        found = self._versions
        return [one.version for one in found if self._plans.plan_if_it_holds(one) is None]

    def periods(self, from_ms: int, until_ms: int) -> list[tuple[int, int, Plan]]:
        """Which versions decide from one instant until another, and since when; blocks.

        NotReady if one of them does not hold here. Only after ``start``.
        """
        found = []
        at_ms: int | None = from_ms
        while at_ms is not None and at_ms < until_ms:
            then = in_force(self._versions, at_ms)
            end_ms = until_ms if then.until_ms is None else min(then.until_ms, until_ms)
            if then.current is not None:
                found.append((at_ms, end_ms, self._plans.plan(then.current)))
            at_ms = then.until_ms
        return found

    async def start(self, admin: Admin) -> None:
        """Find the topics as they must be; NotReady if they are not.

        If several versions are published, one may have come into force while no office ran:
        the topics are updated to it. If that fails, the control topics alone must exist:
        withdrawals have to be published, and the rest is tried again.
        """
        line, specs = await self._wanted()
        if len(self._versions) == 1:
            self._take_over(line, specs, await check_topics(admin, specs))
            return
        try:
            await bring_about(admin, specs)
            self._take_over(line, specs, await check_topics(admin, specs))
        except (*LATER, NotReady) as failure:
            self._say(f"the topics could not be updated: {type(failure).__name__}: {failure}")
            control = [spec for spec in specs if is_control(spec.name)]
            self._take_over(line, [], await check_topics(admin, control))
        await self._find_earlier(admin)

    async def _find_earlier(self, admin: Admin) -> None:
        """Topics of commands that only earlier versions have: stores may still have their rows.

        While this process runs it keeps those that it knew.
        """
        plans = await asyncio.to_thread(self.every_plan)
        topics = {output.topic for plan in plans for output in plan.outputs}
        missing = set(erase_topics(topics)) - self._partitions.keys()
        found = await admin.describe(sorted(missing)) if missing else {}
        self._partitions |= {
            name: topic.partitions for name, topic in found.items() if topic is not None
        }

    async def run(self, stopping: asyncio.Event) -> None:
        """Keep them so until ``stopping``; a broker that is away is asked again."""
        while not stopping.is_set():
            try:
                await self._turn()
                self._say.forget()
                readiness.met(Need.TOPICS)
            except (*LATER, NotReady) as failure:
                kind = type(failure).__name__
                readiness.lacks(Need.TOPICS, f"they could not be updated ({kind})")
                # People's withdrawals must go on being published: this is logged, and tried again.
                self._say(f"the topics could not be updated: {type(failure).__name__}: {failure}")
            await until(stopping, LOOK_EVERY_S)

    async def _turn(self) -> None:
        line, specs = await self._wanted()
        if specs != self._applied or self._line is None or line.plan is not self._line.plan:
            async with self._broker.admin() as admin:
                await bring_about(admin, specs)
                self._take_over(line, specs, await check_topics(admin, specs))
        await self._empty_closed(line)

    async def _wanted(self) -> tuple[VersionTimeline, list[TopicSpec]]:
        if not self._versions or await newest(self._database) != self._versions[-1].version:
            self._versions = await published(self._database)
        now_ms = self._clock()
        line = await asyncio.to_thread(line_at, self._versions, self._plans, now_ms)
        configs = {**await self._commanding(), **line.topic_configs(now_ms)}
        return line, specs_of(configs, self._settings)

    async def _commanding(self) -> Mapping[str, Mapping[str, str]]:
        """The topics of commands to every output that any version had, while a request is open."""
        async with self._database.reading() as connection:
            if not await any_open(connection):
                return {}
        plans = await asyncio.to_thread(self.every_plan)
        return commanding_configs(output.id for plan in plans for output in plan.outputs)

    def _take_over(
        self, line: VersionTimeline, specs: list[TopicSpec], partitions: Mapping[str, int]
    ) -> None:
        self._line, self._applied = line, specs
        self._partitions |= partitions
        tell_in_force(line.plan.policy_version)

    async def _empty_closed(self, line: VersionTimeline) -> None:
        """Empty topics without a recipient, once every worker has switched or waits.

        A worker that hears nothing pauses when its view is as old as the setting allows. The
        topic itself stays: if it were recreated, its offsets would restart, and whoever kept
        their place by them would take what is new for old.
        """
        grace_ms = self._settings.view_age_s_max * SECOND_MS
        due = (line.plan.version, line.closed)
        if not line.closed or due == self._emptied or self._clock() < line.since_ms + grace_ms:
            return
        async with self._broker.admin() as admin:
            emptied = await admin.empty(line.closed)
        self._emptied = due
        logger.warning("emptied topics that have no recipient any more: %s", ", ".join(emptied))
