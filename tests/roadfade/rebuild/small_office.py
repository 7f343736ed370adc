"""An office on a broker in memory, with two people, which dies as its machine does.

Its topics hold what it published, and heartbeats that tell of it.
"""

import asyncio
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, Final, TypeVar

from sqlalchemy import text

from bus.memory.broker import FakeBroker
from bus.partitions import partition_for
from bus.publisher import Publisher
from bus.records import Outgoing
from office.outbox import Outbox
from office.registry.consents import NewConsent
from office.registry.links import NewLink
from office.registry.registry import Registry
from office.store.database import Database
from policy.plan.consents import Grantable
from roadfade.in_force.publishing import record_first
from roadfade.processes.office.control_topics import lying_in, publish_through
from roadfade.rebuild.rebuilding import Rebuilt, rebuild
from roadfade.rebuild.steps import Hook, Step, go_on
from roadfade.rebuild.topics import Tell
from telemetry.identity import DeviceId, SubjectId
from telemetry.instants import DAY_MS, HOUR_MS, SECOND_MS
from telemetry.topics import HEARTBEAT_KEY, erase_topic, is_control
from telemetry.wire.control import Heartbeat, decode_row
from tests.support.small_house import FIRST, NOW_MS, make_topics, settings_in

SHARING: Final = Grantable("sharing", "third_party", "insurer", "sharing@1")
ANA: Final = SubjectId("ana-the-subject")
BEN: Final = SubjectId("ben-the-subject")
SINCE_MS: Final = NOW_MS - 200 * DAY_MS
OUTPUT: Final = "study"
ERASE: Final = erase_topic(OUTPUT)
T = TypeVar("T")


class Killed(BaseException):
    """Stands for kill -9: nothing of ours may catch it and tidy up."""


class KillAt:
    """A hook that kills at a step."""

    def __init__(self, step: Step) -> None:
        self.step = step

    def __call__(self, step: Step) -> None:
        if step is self.step:
            raise Killed


def quiet(_done: int, _total: int) -> None:
    """Show no bar."""


class SmallOffice:
    """The office's side of its topics; ``now_ms`` is its clock."""

    def __init__(self, folder: Path) -> None:
        self.settings = settings_in(folder, heartbeat_every_s=0.001)
        self.now_ms = NOW_MS
        self.broker = FakeBroker(lambda: self.now_ms)
        self.partitions: dict[str, int] = {}
        self.database: Database
        self._runner = asyncio.Runner()

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        """What the office's loop comes to."""
        return self._runner.run(work)

    def furnish(self) -> None:
        """Two people who agreed; all of it is published, and a heartbeat tells of it."""
        self.do(make_topics(self.broker, self.settings, FIRST))
        self.do(self._sized())
        self.do(self._made())
        self.do(self._furnished())
        self.beat()

    async def _sized(self) -> None:
        async with self.broker.admin() as admin:
            names = [name for name in await admin.names() if is_control(name)]
            found = await admin.describe(names)
        self.partitions = {name: one.partitions for name, one in found.items() if one is not None}

    async def _made(self) -> None:
        self.database = await Database.create(self.settings.office_path)
        await record_first(self.database, self.settings)

    async def _furnished(self) -> None:
        people = (ANA, BEN)
        await self.registry.register_fleet(
            [NewLink(self.device(who), who, SINCE_MS) for who in people],
            [NewConsent(who, *SHARING, SINCE_MS) for who in people],
        )
        await self.registry.register_device(self.device(ANA), SINCE_MS, "linkdrive")

    def device(self, who: SubjectId) -> DeviceId:
        """A person's only one."""
        return DeviceId(f"dongle-of-{who[:3]}")

    @property
    def registry(self) -> Registry:
        return Registry(self.database, {SHARING: {}})

    @property
    def outbox(self) -> Outbox:
        return Outbox(self.database, lambda: self.now_ms)

    def drain(self) -> None:
        """What waits goes out, and no heartbeat."""
        self.do(self.published(self.outbox.drain))

    def remember(self) -> None:
        """What waits is remembered, and the office dies before it goes out."""

        async def only_remembered() -> None:
            outbox = self.outbox
            await outbox._remember((await outbox._waiting()).values())

        self.do(only_remembered())

    def beat(self) -> None:
        """What waits goes out, and a heartbeat to each partition."""
        self.now_ms += SECOND_MS
        self.do(
            self.published(
                lambda publish: self.outbox.beat(
                    publish, self.partitions, self.now_ms, partition_for
                )
            )
        )

    def mend(self) -> int | None:
        """So many rows of the topics differ from the registry."""
        return self.do(
            self.published(
                lambda publish: self.outbox.mend(
                    publish, self.partitions, partition_for,
                    lambda: lying_in(self.broker, self.partitions),
                )
            )
        )  # fmt: skip

    async def published(self, work: Any) -> int | None:
        """What comes of work that publishes through the broker."""
        async with Publisher(self.broker, clock=lambda: self.now_ms) as publisher:
            found: int | None = await work(publish_through(publisher))
            return found

    def lose(self) -> None:
        """The database is gone."""
        self.close()
        for one in self.settings.state_dir.glob("office.sqlite*"):
            one.unlink()

    def close(self) -> None:
        self.do(self.database.close())

    def open(self) -> None:
        """As the office's process opens what there is."""
        self.database = self.do(Database.open(self.settings.office_path))

    def end(self) -> None:
        self.close()
        self._runner.close()

    def rebuild(
        self,
        at: Hook = go_on,
        *,
        incomplete: bool = False,
        move_aside: bool = False,
        tell: Tell = quiet,
    ) -> Rebuilt:
        """Rebuild, an hour later, and open what was made."""
        self.now_ms += HOUR_MS
        done = rebuild(
            self.settings, self.broker, lambda: self.now_ms, tell,
            incomplete=incomplete, move_aside=move_aside, at=at,
        )  # fmt: skip
        self.open()
        return done

    def rows(self, query: str) -> list[Any]:
        """What a query of the office's tables finds."""

        async def ask() -> list[Any]:
            async with self.database.reading() as connection:
                return [tuple(row) for row in await connection.execute(text(query))]

        return self.do(ask())

    def high_water(self) -> int:
        """The highest that any heartbeat on the topics says."""
        values = [
            record.value
            for topic in self.partitions
            for record in self.broker.records(topic)
            if record.key == HEARTBEAT_KEY and record.value is not None
        ]
        beats = [decode_row(value) for value in values]
        return max(one.high_water for one in beats if isinstance(one, Heartbeat))

    def write(self, topic: str, key: bytes, value: bytes | None) -> None:
        """Somebody else writes there."""
        self.broker.put(topic, key, value)

    def cut(self, topic: str, *keys: bytes) -> None:
        """Records of these keys are lost, as if the topic's end was; what is left lies as it was."""
        kept = [record for record in self.broker.records(topic) if record.key not in keys]
        self.broker.remake(topic)
        for one in kept:
            again = Outgoing(topic, one.partition, one.key, one.value)
            self.broker.feed(topic, one.partition, again)
