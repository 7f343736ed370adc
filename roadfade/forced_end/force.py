"""Carrying a forced end out: close segments, wait for readers, cut, and see that it is so.

In: topics as they must be again afterwards, a broker, who reads them. Out: for each topic what was
cut, who held it back, and whether a file still has it. Whatever ends a run half way, another one,
or ``topics apply``, brings the settings back; a broker that is killed may take the cut back, so it
is looked at until the bytes are gone, and cut again.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Final, NamedTuple

from bus.failures import BrokerError
from bus.ports import Broker, Offsets
from bus.publisher import Publisher
from bus.records import Outgoing
from bus.topics import TopicSpec
from policy.plan.bounds import deleted_ms
from roadfade.clock import WallClock
from roadfade.forced_end.allowed import SEGMENT_MS
from roadfade.forced_end.cutting import Numbered, Places
from roadfade.forced_end.segments import first_offsets, folders_here
from roadfade.refusal import Refusal

CLOSING_MS: Final = "1"
"""The least that Kafka 4 takes: each record that comes closes the segment before it."""
SLACK_MS: Final = 30_000
"""Beyond the broker's own delays: a pass over all logs, and a broker that starts again."""
LOOK_EVERY_S: Final = 1.0
SETTLED_S: Final = 3.0
"""Brokers of ours write down within a second where partitions begin; before that, a kill takes the
cut back."""


class Step(StrEnum):
    """What a run has done when it is killed here."""

    CLOSING = "closing"
    """The segments close at the next record: the topics are not as the policy says."""
    FILLED = "filled"
    RESTORED = "restored"
    CUT = "cut"


class Files(StrEnum):
    """What files of the broker hold of what lay there when it began."""

    NONE = "none"
    SOME = "some"
    UNSEEN = "not seen from here"
    """The broker's folder is not on this machine, or not for this user."""


@dataclass(frozen=True, slots=True)
class Ended:
    """One topic, when a run is over. Offsets by partition."""

    topic: str
    asked: Numbered
    """Where it ended when the run began: all before was meant."""
    cut: Numbered
    held_back: Mapping[str, int]
    """Records that a registered reader had not got, by reader: they stay, until their bound."""
    lost: Mapping[str, int]
    """Records that others had not read, by group."""
    begins: Numbered
    """Where it begins now."""
    files: Files

    @property
    def done(self) -> bool:
        """Whether all that was meant is unreadable, and no file that can be seen holds it."""
        meant = all(self.begins[number] >= offset for number, offset in self.asked.items())
        return meant and self.files is not Files.SOME


class Told(NamedTuple):
    """What is waited for, and for how much of the longest time it may take."""

    what: str
    waited_s: float
    longest_s: float


@dataclass(frozen=True, slots=True)
class Means:
    """What a run asks and tells."""

    broker: Broker
    clock: WallClock
    look: Callable[[], Awaitable[Mapping[str, Places]]]
    """The places of all its topics, as they are now."""
    full: Callable[[str], str]
    """A topic's name on the cluster."""
    tell: Callable[[Told], None] = lambda _: None
    hook: Callable[[Step], None] = lambda _: None
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep


@dataclass(slots=True)
class ForcedEnd:
    """One run over some topics; ``wait_s``: how long registered readers may take."""

    means: Means
    specs: Sequence[TopicSpec]
    wait_s: float
    _asked: dict[str, Numbered] = field(default_factory=dict)
    _cuts: dict[str, Numbered] = field(default_factory=dict)

    async def run(self) -> list[Ended]:
        """End them; Refusal if the settings could not be brought back, BrokerError before."""
        before = await self.means.look()
        self._asked = {name: dict(one.ends) for name, one in before.items()}
        await self._close_segments()
        found = await self._cuttable()
        async with self.means.broker.admin() as admin:
            await admin.delete_before(self._all_cuts())
        self.means.hook(Step.CUT)
        begins, files = await self._seen()
        return [
            Ended(
                name,
                self._asked[name],
                self._cuts[name],
                one.unread_by_ours(self._asked[name]),
                one.lost_by_others(self._cuts[name]),
                {number: begins[name, number] for number in one.ends},
                files[name],
            )
            for name, one in found.items()
        ]

    async def _close_segments(self) -> None:
        """Close what is written to, with one record on each partition that nobody keeps."""
        means = self.means
        closing = [
            replace(spec, config={**spec.config, SEGMENT_MS: CLOSING_MS}) for spec in self.specs
        ]
        try:
            async with means.broker.admin() as admin:
                await admin.apply(closing)
            means.hook(Step.CLOSING)
            fillers = [
                Outgoing(spec.name, number, None, None)
                for spec in self.specs
                for number in range(spec.partitions)
            ]
            async with Publisher(means.broker, clock=means.clock, compression=None) as publisher:
                await publisher.publish(fillers)
            means.hook(Step.FILLED)
        finally:
            await self._restore()
        means.hook(Step.RESTORED)

    async def _restore(self) -> None:
        try:
            async with self.means.broker.admin() as admin:
                await admin.apply(self.specs)
        except (BrokerError, TimeoutError) as error:
            names = ", ".join(spec.name for spec in self.specs)
            msg = (
                f"the settings of {names} could not be brought back, and their segments close with "
                "every record: `roadfade topics apply` brings them back"
            )
            raise Refusal(msg) from error

    async def _cuttable(self) -> Mapping[str, Places]:
        """Choose the cuts once every registered reader has all, or when it took too long."""
        found = await self.means.look()
        upto = {name: dict(one.ends) for name, one in found.items()}
        waited_s = 0.0
        while waited_s < self.wait_s:
            slow = {who for name, one in found.items() for who in one.unread_by_ours(upto[name])}
            if not slow:
                break
            self.means.tell(Told(f"for {', '.join(sorted(slow))}", waited_s, self.wait_s))
            await self.means.sleep(LOOK_EVERY_S)
            waited_s += LOOK_EVERY_S
            found = await self.means.look()
        self._cuts = {name: one.cut(upto[name]) for name, one in found.items()}
        return found

    def _all_cuts(self) -> Offsets:
        return {
            (name, number): offset
            for name, cut in self._cuts.items()
            for number, offset in cut.items()
        }

    async def _seen(self) -> tuple[Offsets, Mapping[str, Files]]:
        """Where partitions begin, and what files hold, once the broker has had its time.

        Ends before if every file can be seen, and none holds what was cut.
        """
        async with self.means.broker.admin() as admin:
            told, delays = await admin.log_folders(), await admin.broker_settings()
        folders = await asyncio.to_thread(folders_here, told)
        longest_ms = SLACK_MS + deleted_ms(
            0, 0, delays.retention_check_interval_ms, delays.segment_delete_delay_ms
        )
        longest_s, waited_s = longest_ms / 1000, 0.0
        begins: Offsets | None = None
        while True:
            self.means.tell(Told("for the broker to delete the files", waited_s, longest_s))
            begins = await self._cut_again() or begins
            first = await asyncio.to_thread(self._first_offsets, folders)
            gone = begins is not None and all(
                _none_before(first[name], cut) for name, cut in self._cuts.items()
            )
            if (gone and waited_s >= SETTLED_S) or waited_s >= longest_s:
                break
            await self.means.sleep(LOOK_EVERY_S)
            waited_s += LOOK_EVERY_S
        if begins is None:
            msg = "the broker went away: start it, and run this again to see what became of it"
            raise Refusal(msg)
        return begins, {name: _files(first[name], asked) for name, asked in self._asked.items()}

    async def _cut_again(self) -> Offsets | None:
        """Where partitions begin, what was taken back being cut again; None if nobody answers."""
        sizes = {spec.name: spec.partitions for spec in self.specs}
        try:
            async with self.means.broker.positions() as positions:
                begins = await positions.begin(sizes)
            back = {at: cut for at, cut in self._all_cuts().items() if begins[at] < cut}
            if back:
                async with self.means.broker.admin() as admin:
                    begins |= await admin.delete_before(back)
        except (BrokerError, TimeoutError):
            return None
        return begins

    def _first_offsets(self, folders: Sequence[Path] | None) -> dict[str, Numbered | None]:
        """The first offset in files by topic; None if they cannot be seen. Blocks."""
        found: dict[str, Numbered | None] = dict.fromkeys(self._asked)
        for name in found if folders is not None else ():
            with suppress(OSError):
                found[name] = first_offsets(folders or (), self.means.full(name))
        return found


def _none_before(first: Numbered | None, upto: Numbered) -> bool:
    """Whether files are seen, and none holds anything before these offsets."""
    return first is not None and all(first.get(number, -1) >= upto[number] for number in upto)


def _files(first: Numbered | None, asked: Numbered) -> Files:
    if first is None:
        return Files.UNSEEN
    return Files.NONE if _none_before(first, asked) else Files.SOME
