"""A member of a consumer group: reads, commits, steps back, pauses, and leaves in time.

In: topics of one group. Out: the client's records by partition. Offsets are committed only by
an explicit call; while ``busy`` is held, a rebalance waits (up to a deadline) so that the batch
in hand can be finished and committed by the member that read it.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from bus.loops.attempts import Attempts
from bus.loops.gaps import Gaps
from bus.loops.group_progress import GroupProgress, Skip
from bus.loops.handing_over import HandingOver
from bus.loops.notes import BLAMELESS, Notes
from bus.loops.recall import Places
from bus.observer import LoopObserver
from bus.pacing import monotonic_ms
from bus.ports import (
    Broker,
    Committed,
    Fetched,
    ReaderSettings,
    Since,
    TopicPartition,
)

REST_MS_MAX: Final = 60_000
"""For no longer is the client not polled: after five minutes without it leaves its group."""


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
        self.given_up: Callable[[Iterable[TopicPartition]], None] | None = None
        """Told of partitions that went to others."""
        self._noting_places = noting_places
        self._settings = settings
        self._observer = observer
        attempts = Attempts()
        self._polled_ms = 0
        self._reason: str | None = None
        self._share: frozenset[TopicPartition] | None = None
        self._member = broker.group_member(
            group, topics, member=member, settings=settings, revoked=self._revoked
        )
        self.notes = Notes(
            self._member,
            settings.commit_deadline_ms,
            attempts,
            self.places if noting_places else None,
            blameless,
        )
        """What the group is told beside its offsets."""
        self.progress = GroupProgress(
            self._member,
            self.notes,
            attempts,
            self.gaps,
            self.places,
            observer,
            deadline_ms=settings.commit_deadline_ms,
            skip=skip,
            noting_places=noting_places,
        )
        """What of the records is begun, done and passed over."""

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
        rest = self.progress.rest.copy()
        if rest and now_ms - self._polled_ms < REST_MS_MAX:
            self.progress.rest.clear()
            return rest
        self.step_back(rest)
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
        self.progress.rest.pop(partition, None)
        if partition in self.assigned():
            self._member.seek(partition, offset)

    async def begin_anew(self) -> None:
        """Read every partition from its beginning: these are others than those read so far.

        The group's offsets go back first: whoever comes after us must not go by those of before.
        """
        self.places.anew(self.assigned())
        await self.notes.hand_in({partition: Committed(0) for partition in self.assigned()})
        self.progress.forget()
        for partition in self.assigned():
            self.seek(partition, 0)

    def step_back(self, fetched: Fetched) -> None:
        """Read these records again with the next fetch."""
        for partition, records in fetched.items():
            self.seek(partition, records[0].offset)

    async def since(self, partition: TopicPartition, time_ms: int) -> Since:
        """As ``GroupMember.since``, within a deadline."""
        async with asyncio.timeout(self._settings.commit_deadline_ms / 1000):
            return await self._member.since(partition, time_ms)

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
        self.progress.forget()
