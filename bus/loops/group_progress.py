"""What of a group's records is begun, done and passed over: learned from it, and committed to it.

In: records that were fetched. Out: those to handle now, and the offsets that are committed once
they are done. What the group has noted is looked up once for each partition that is new to us.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Protocol

from bus.failures import BrokerError, CommitRefusedError
from bus.loops.attempts import Attempts
from bus.loops.gaps import Gaps
from bus.loops.notes import Notes
from bus.loops.recall import Places
from bus.observer import LoopObserver
from bus.ports import ConsumedRecord, Fetched, GroupMember, TopicPartition


class TakenUp(Protocol):
    """Told of a partition that was learned: ``ours`` if the group is where we left it."""

    def __call__(self, partition: TopicPartition, *, ours: bool) -> None: ...  # noqa: D102


Skip = Callable[[str, int, int], Awaitable[None]]
"""``skip(topic, partition, offset)``: durable on return; all before that offset is durable."""


class GroupProgress:
    """How far one member is with what it has; forgotten with every rebalance.

    ``skip`` and ``noting_places`` as in ``GroupReader``.
    """

    def __init__(
        self,
        member: GroupMember,
        notes: Notes,
        attempts: Attempts,
        gaps: Gaps,
        places: Places,
        observer: LoopObserver,
        *,
        deadline_ms: int,
        skip: Skip | None,
        noting_places: bool,
    ) -> None:
        self.rest: dict[TopicPartition, Sequence[ConsumedRecord]] = {}
        """Fetched and not begun yet, while suspects go part by part: to fetch it again for each of
        them takes the client as long as it waits for news of the other partitions."""
        self.taken_up: TakenUp | None = None
        """Told of each partition that was learned, and whether the group is where we left it."""
        self._member = member
        self._notes = notes
        self._attempts = attempts
        self._gaps = gaps
        self._places = places
        self._observer = observer
        self._deadline_s = deadline_ms / 1000
        self._skip = skip
        self._noting_places = noting_places
        self._learned: set[TopicPartition] = set()
        """Those of which it is known what the group has noted."""

    async def learn_due(self, fetched: Fetched) -> None:
        """Look up the group's position in partitions new to us; a failure may be retried."""
        for partition in fetched:
            if partition not in self._learned:
                async with asyncio.timeout(self._deadline_s):
                    committed = await self._member.committed(partition)
                self._learned.add(partition)
                self._attempts.learn(partition, committed)
                ours = self._places.learn(partition, committed)
                if self.taken_up is not None:
                    self.taken_up(partition, ours=ours)
                # A store that goes by a position of its own has said what is due.
                if not self._gaps.knows(partition):
                    self._gaps.expect(partition, None if committed is None else committed.offset)

    async def begin(self, fetched: Fetched) -> Fetched:
        """What of these to handle now; the group notes that it was begun. The rest comes next.

        Only the first batch after a partition was given to us is noted, and what processes died
        at before. A failure may be retried: nothing was begun then.
        """
        portion = self._attempts.portion(fetched)
        for partition, records in fetched.items():
            taken = len(portion.get(partition, ()))
            if taken < len(records):
                self.rest[partition] = records[taken:]
        if self._attempts.culprit(portion):
            await self._pass_over(portion)
            return {}
        notes = self._attempts.to_begin(portion)
        if notes:
            await self._notes.hand_in(self._attempts.commits(notes))
            self._attempts.noted(notes)
        return portion

    def suspects(self, fetched: Fetched) -> bool:
        """Whether some of these go part by part (see ``attempts``)."""
        return self._attempts.suspects(fetched)

    async def _pass_over(self, portion: Fetched) -> None:
        for (topic, number), records in portion.items():
            if self._skip is not None:
                await self._skip(topic, number, records[0].offset)
        self._places.passed_over(portion)
        await self._notes.hand_in(self._attempts.to_finish(portion))
        self._attempts.finished(portion)
        self._gaps.passed_over(portion)
        for (topic, number), records in portion.items():
            self._observer.passed_over(topic, number, records[0].offset)

    async def commit(self, fetched: Fetched) -> bool:
        """Commit past these records; False if the broker did not answer in time.

        A group that has moved on is no failure: its new owner starts at the last commit, and
        what we made durable comes a second time, and the sinks drop it.
        """
        offsets = self._attempts.to_finish(fetched)
        self._attempts.finished(fetched)
        if self._noting_places:
            self._places.passed(fetched)
        try:
            await self._notes.hand_in(offsets)
        except CommitRefusedError as error:
            self._observer.commit_missed(type(error.__cause__ or error).__name__)
        except TimeoutError as error:
            self._observer.commit_missed(type(error).__name__)
            return False
        self._gaps.committed(fetched)
        return True

    async def move(self, positions: Mapping[TopicPartition, int]) -> bool:
        """Commit these positions, if the group's are behind; False if that has to be tried again.

        Everything before them is done, and nothing of it in hand.
        """
        try:
            await self.learn_due(dict.fromkeys(positions, ()))
            commits = {
                partition: self._attempts.move(partition, offset)
                for partition, offset in positions.items()
                if self._attempts.behind(partition, offset)
            }
            if commits:
                await self._notes.hand_in(commits)
        except (BrokerError, TimeoutError) as failure:
            self._observer.commit_missed(type(failure.__cause__ or failure).__name__)
            return False
        for partition, commit in commits.items():
            self._attempts.moved(partition, commit)
            self._places.moved(partition, commit.offset)
        return True

    async def pass_aside(self) -> None:
        """Commit past what was set aside if nothing before it is in hand: no record may follow it.

        Nothing is lost if that fails: the next call tries again.
        """
        for partition, end in self._gaps.ends(self._member.assigned()).items():
            if not await self.move({partition: end}):
                return
            self._gaps.passed(partition)

    def forget(self) -> None:
        """What was learned of partitions: they are another's now, or other ones."""
        self._gaps.forget()
        self._attempts.forget()
        self._places.forget()
        self._learned.clear()
        self.rest.clear()
