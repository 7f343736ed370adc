"""A member of a consumer group: reads, commits, steps back, pauses, and leaves in time.

In: topics of one group. Out: the client's records by partition. Offsets are committed only by
an explicit call; while ``busy`` is held, a rebalance waits (up to a deadline) so that the batch
in hand can be finished and committed by the member that read it.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Final, Protocol

from bus.failures import BrokerError, CommitRefusedError
from bus.loops.attempts import Attempts
from bus.loops.gaps import Gaps
from bus.loops.handing_over import HandingOver
from bus.loops.notes import BLAMELESS, Notes
from bus.loops.recall import Places
from bus.observer import LoopObserver
from bus.pacing import monotonic_ms
from bus.ports import (
    Broker,
    Committed,
    ConsumedRecord,
    Fetched,
    ReaderSettings,
    Since,
    TopicPartition,
)

REST_MS_MAX: Final = 60_000
"""For no longer is the client not polled: after five minutes without it leaves its group."""


class TakenUp(Protocol):
    """Told of a partition that was learned: ``ours`` if the group is where we left it."""

    def __call__(self, partition: TopicPartition, *, ours: bool) -> None: ...  # noqa: D102


Skip = Callable[[str, int, int], Awaitable[None]]
"""``skip(topic, partition, offset)``: durable on return; all before that offset is durable."""


class GroupReader:
    """One member of a group. ``member`` is a static member id, unique by a locked slot.

    Static members keep their partitions over a restart within the session timeout. ``skip`` tells
    a store that goes by a position of its own that a record is passed over, before the group
    notes it. ``blameless`` are exceptions that no record causes: a process that one of them ends
    does not count as a death at what it had in hand.
    """

    def __init__(
        self,
        broker: Broker,
        group: str,
        topics: Sequence[str],
        *,
        member: str | None,
        settings: ReaderSettings,
        observer: LoopObserver,
        skip: Skip | None = None,
        blameless: tuple[type[Exception], ...] = BLAMELESS,
        noting_places: bool = False,
    ) -> None:
        self.handing_over = HandingOver(settings.revoke_deadline_ms, observer)
        """What is in hand as a rebalance begins."""
        self.gaps = Gaps(observer)
        """Which offsets are due, and what is reported of those that do not come."""
        self.places = Places()
        """What is known of the records before those in hand; noted only if somebody goes by it."""
        self.taken_up: TakenUp | None = None
        """Told of each partition that was learned, and whether the group is where we left it."""
        self.given_up: Callable[[Iterable[TopicPartition]], None] | None = None
        """Told of partitions that went to others."""
        self._noting_places = noting_places
        self._settings = settings
        self._observer = observer
        self._attempts = Attempts()
        self._learned: set[TopicPartition] = set()
        """Those of which it is known what the group has noted."""
        self._skip = skip
        self._polled_ms = 0
        self._rest: dict[TopicPartition, Sequence[ConsumedRecord]] = {}
        """Fetched and not begun yet, while suspects go part by part: to fetch it again for each of
        them takes the client as long as it waits for news of the other partitions."""
        self._reason: str | None = None
        self._share: frozenset[TopicPartition] | None = None
        self._member = broker.group_member(
            group, topics, member=member, settings=settings, revoked=self._revoked
        )
        self.notes = Notes(
            self._member,
            settings.commit_deadline_ms,
            self._attempts,
            self.places if noting_places else None,
            blameless,
        )
        """What the group is told beside its offsets."""

    @property
    def busy(self) -> asyncio.Lock:
        """Held while a batch is in hand: a rebalance waits for it, up to a deadline."""
        return self.handing_over.busy

    @property
    def generation(self) -> int:
        """Grows with every rebalance: what was fetched before it is not ours any more."""
        return self.handing_over.generation

    @property
    def taken(self) -> int:
        """Grows if a rebalance did not wait for the batch in hand any longer."""
        return self.handing_over.taken

    async def start(self) -> None:
        """Connect and join; BrokerError if the broker or a topic is not there."""
        await self._member.start()

    async def stop(self) -> None:
        """Leave and close within the deadline. Idempotent."""
        await self.handing_over.end(self._settings.stop_deadline_ms)
        await self.notes.give_up_recalls()
        await self._member.stop(self._settings.stop_deadline_ms)

    async def fetch(self) -> Fetched:
        """The next records, empty after ``poll_ms``; keeps the membership also while paused."""
        now_ms = monotonic_ms()
        if self._rest and now_ms - self._polled_ms < REST_MS_MAX:
            kept, self._rest = self._rest, {}
            return kept
        self.step_back(self._rest.copy())
        self._polled_ms = now_ms
        fetched = await self._member.fetch()
        self._tell_share()
        came, aside = fetched, self._member.set_aside()
        if self._noting_places:
            # What is read again was reported when it came first.
            behind = self.places.behind
            came = {at: one for at, one in fetched.items() if not behind(at, one[-1].offset)}
            aside = [one for one in aside if not behind(one.partition, one.last)]
        self.gaps.fetched(came, aside)
        return fetched

    def _tell_share(self) -> None:
        now = frozenset(self._member.assigned())
        before = self._share
        if now != before and (now or before or self._member.generation() >= 0):
            self._share = now
            gone, came = (before or frozenset()) - now, now - (before or frozenset())
            if gone:
                self.places.drop(gone)
                if self.given_up is not None:
                    self.given_up(gone)
                self._observer.revoked(gone)
            if came or before is None:
                self._observer.assigned(came)

    async def pass_aside(self) -> None:
        """Commit past what was set aside if nothing before it is in hand: no record may follow it.

        Nothing is lost if that fails: the next call tries again.
        """
        for partition, end in self.gaps.ends(self.assigned()).items():
            if not await self.move({partition: end}):
                return
            self.gaps.passed(partition)

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
                await self.notes.hand_in(commits)
        except (BrokerError, TimeoutError) as failure:
            self._observer.commit_missed(type(failure.__cause__ or failure).__name__)
            return False
        for partition, commit in commits.items():
            self._attempts.moved(partition, commit)
            self.places.moved(partition, commit.offset)
        return True

    def group_generation(self) -> int:
        """The group's own count of rebalances, as ``GroupMember.generation``."""
        return self._member.generation()

    def assigned(self) -> set[TopicPartition]:
        """The partitions that are ours now."""
        return self._member.assigned()

    def pause(self, reason: str | None) -> None:
        """Hold every assigned partition for a reason, or let them go on for None."""
        if reason is not None:
            self._member.pause(self.assigned() - self._member.paused())
            if self._reason != reason:
                self._observer.paused(reason)
        elif self._reason is not None:
            self._member.resume(self._member.paused())
            self._observer.resumed()
        self._reason = reason

    def seek(self, partition: TopicPartition, offset: int) -> None:
        """Read on from ``offset``; nothing if the partition is not ours any more."""
        self._rest.pop(partition, None)
        if partition in self.assigned():
            self._member.seek(partition, offset)

    async def begin_anew(self) -> None:
        """Read every partition from its beginning: these are others than those read so far.

        The group's offsets go back first: whoever comes after us must not go by those of before.
        """
        self.places.anew(self.assigned())
        await self.notes.hand_in({partition: Committed(0) for partition in self.assigned()})
        self._forget()
        for partition in self.assigned():
            self.seek(partition, 0)

    def step_back(self, fetched: Fetched) -> None:
        """Read these records again with the next fetch."""
        for partition, records in fetched.items():
            self.seek(partition, records[0].offset)

    async def learn_due(self, fetched: Fetched) -> None:
        """Look up the group's position in partitions new to us; a failure may be retried."""
        for partition in fetched:
            if partition not in self._learned:
                async with asyncio.timeout(self._settings.commit_deadline_ms / 1000):
                    committed = await self._member.committed(partition)
                self._learned.add(partition)
                self._attempts.learn(partition, committed)
                ours = self.places.learn(partition, committed)
                if self.taken_up is not None:
                    self.taken_up(partition, ours=ours)
                # A store that goes by a position of its own has said what is due.
                if not self.gaps.knows(partition):
                    self.gaps.expect(partition, None if committed is None else committed.offset)

    async def since(self, partition: TopicPartition, time_ms: int) -> Since:
        """As ``GroupMember.since``, within a deadline."""
        async with asyncio.timeout(self._settings.commit_deadline_ms / 1000):
            return await self._member.since(partition, time_ms)

    async def begin(self, fetched: Fetched) -> Fetched:
        """What of these to handle now; the group notes that it was begun. The rest comes next.

        Only the first batch after a partition was given to us is noted, and what processes died
        at before. A failure may be retried: nothing was begun then.
        """
        portion = self._attempts.portion(fetched)
        for partition, records in fetched.items():
            taken = len(portion.get(partition, ()))
            if taken < len(records):
                self._rest[partition] = records[taken:]
        if self._attempts.culprit(portion):
            await self._pass_over(portion)
            return {}
        notes = self._attempts.to_begin(portion)
        if notes:
            await self.notes.hand_in(self._attempts.commits(notes))
            self._attempts.noted(notes)
        return portion

    def suspects(self, fetched: Fetched) -> bool:
        """Whether some of these go part by part (see ``attempts``)."""
        return self._attempts.suspects(fetched)

    async def _pass_over(self, portion: Fetched) -> None:
        for (topic, number), records in portion.items():
            if self._skip is not None:
                await self._skip(topic, number, records[0].offset)
        self.places.passed_over(portion)
        await self.notes.hand_in(self._attempts.to_finish(portion))
        self._attempts.finished(portion)
        self.gaps.passed_over(portion)
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
            self.places.passed(fetched)
        try:
            await self.notes.hand_in(offsets)
        except CommitRefusedError as error:
            self._observer.commit_missed(type(error.__cause__ or error).__name__)
        except TimeoutError as error:
            self._observer.commit_missed(type(error).__name__)
            return False
        self.gaps.committed(fetched)
        return True

    def lag(self, fetched: Fetched) -> int:
        """Unread records after these, as of the last fetch."""
        ends = {tp: self._member.highwater(tp) for tp in fetched}
        return sum(
            max(0, end - fetched[tp][-1].offset - 1) for tp, end in ends.items() if end is not None
        )

    async def _revoked(self) -> None:
        # The batch in hand may finish before the client gives partitions up.
        if not await self.handing_over.begin():
            await self.notes.take_back()
        await self.notes.give_up_recalls()
        # Another member may read on from here.
        self._forget()

    def _forget(self) -> None:
        """What was learned of partitions: they are another's now, or other ones."""
        self.gaps.forget()
        self._attempts.forget()
        self.places.forget()
        self._learned.clear()
        self._rest.clear()
