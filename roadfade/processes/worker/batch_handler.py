"""What a worker does with a slice of raw records: process, count, and say so on audit.flow.

What its rules over time remember is a draft until the batch is durable (see ``remembered``). While
the keyring cannot make a key that is needed, as on a full disk, records wait.
"""

import logging
from collections import deque
from collections.abc import Callable, Collection, Sequence
from typing import NamedTuple

from bus.failures import HandlerWaitsError
from bus.observer import BatchDone
from bus.records import Outgoing, ReadyBatch, Sendable
from office.errors import NotNowError
from processors.core_path import CorePath
from processors.processor import Processor
from processors.pseudonyms import KeyName, KeysNeeded
from processors.state.port import TimeState
from processors.tally import Tally
from roadfade import metrics
from roadfade.clock import WallClock, wall_ms
from roadfade.loop_observer import Observed
from roadfade.metrics import Way, observe_ages
from roadfade.processes.say_once import SayOnce
from roadfade.processes.worker.key_cache import Answers, KeyCache
from roadfade.processes.worker.opening import Opener
from roadfade.processes.worker.partition_fence import PartitionFence
from roadfade.processes.worker.remembered import ReadyVersion, Remembered, received_at
from telemetry.arrived import Arrived
from telemetry.topics import AUDIT_FLOW
from telemetry.wire.flow import FlowRecord, encode_flow

logger = logging.getLogger(__name__)


class Sealing(NamedTuple):
    """What opens sealed records."""

    opener: Opener
    keys: KeyCache
    """The private keys that it looks into."""


class BatchHandler(Observed):
    """The batch loop's handler and observer: counters grow only when a batch is through.

    ``remembered`` has the version that is chosen, the same for the whole of a batch, and what it
    remembers of each partition. ``clock`` is the instant by which records are judged, ``wall`` says
    how long they were on their way; ``topic_id`` says of which topic their offsets are, empty if
    not known. ``sealing`` opens records; without it they are taken as they are.
    It obeys ``KeptBack``: what the core makes waits here until it is sent.
    """

    def __init__(
        self,
        topic: str,
        remembered: Remembered,
        keys: KeyCache,
        clock: WallClock,
        topic_id: Callable[[], str] = lambda: "",
        wall: WallClock = wall_ms,
        fence: PartitionFence | None = None,
        sealing: Sealing | None = None,
    ) -> None:
        super().__init__()
        self._sealing = sealing
        self._fence = fence or PartitionFence(None)
        self._topic = topic
        self._remembered = remembered
        self._keys = keys
        self._clock = clock
        self._topic_id = topic_id
        self._wall = wall
        self._say = SayOnce(logger)
        self._generation = -1
        self._processor: Processor | None = None
        self._core: CorePath | None = None
        self._in_hand: deque[tuple[FlowRecord, Tally, list[tuple[int, bool]]]] = deque()
        self._sent = 0
        """How many of those are durable."""

    async def handle(self, partition: int, records: Sequence[Arrived]) -> list[Sendable]:
        """What leaves for these records, but for what waits in ``take``; the flow record last.

        HandlerWaitsError if keys that are needed cannot be had for now.
        """
        values = await self._opened(records)
        version = self._remembered.version
        self._processor, self._core = version.processor, version.core
        state = self._remembered.draft(partition)
        before = state.mark()
        while True:
            tally = Tally(version.program)
            try:
                outgoing = self._process(version, values, records, tally, state)
            except KeysNeeded as needed:
                state.roll_back(before)
                await self._fetch(self._keys, needed.names)
            else:
                break
        ledger, rejected = tally.settle()
        first, last = records[0].offset, records[-1].offset
        generation = self._generation
        topic_id = self._topic_id()
        record = FlowRecord(
            self._topic, partition, first, last, ledger, rejected, generation, topic_id
        )
        dated = [(one.timestamp_ms, one.broker_dated) for one in records]
        self._in_hand.append((record, tally, dated))
        outgoing.append(Outgoing(AUDIT_FLOW, partition, record.key, encode_flow(record), []))
        return outgoing

    async def _opened(self, records: Sequence[Arrived]) -> Sequence[bytes | None]:
        """The envelopes, or why there is none; the records as they are if nothing opens them."""
        values = [record.value for record in records]
        answers: Answers = {}
        while self._sealing is not None:
            try:
                return self._sealing.opener.open_all(values, answers)
            except KeysNeeded as needed:
                said = await self._fetch(self._sealing.keys, needed.names)
                answers = {**answers, **said}
        return values

    async def _fetch(self, keys: KeyCache, names: Collection[KeyName]) -> Answers:
        try:
            answers = await keys.fetch(names)
        except NotNowError as failure:
            self._say(f"records wait: {failure}")
            raise HandlerWaitsError from failure
        self._say.forget()
        return answers

    def _process(
        self,
        version: ReadyVersion,
        values: Sequence[bytes | None],
        records: Sequence[Arrived],
        tally: Tally,
        state: TimeState,
    ) -> list[Sendable]:
        now_ms = self._clock()
        instants = [received_at(record, now_ms) for record in records]
        received = list(zip(values, instants, strict=True))
        if version.core is not None:
            version.core.gather(received, now_ms, tally, state)
            return []
        process = version.processor.process
        outgoing: list[Sendable] = []
        for value, received_ms in received:
            outgoing += process(value, received_ms, now_ms, tally, state)  # type: ignore[arg-type]  # Minimised is an Outgoing in all but name
        return outgoing

    @property
    def held_bytes(self) -> int:
        """What the core made and was not taken."""
        return 0 if self._core is None else self._core.held_bytes

    def take(self) -> list[Sendable]:
        """What the core made of all slices since."""
        return [] if self._core is None else [ReadyBatch(*one) for one in self._core.take()]

    def basis(self) -> int:
        """Equal as long as what is in hand would be decided the same: as ``BatchLoop.basis``."""
        return self._remembered.version.processor.basis()

    def acknowledged(self) -> None:
        """What was handled since the last time rests on nothing any more."""
        self._sent = len(self._in_hand)
        self._remembered.mark()
        if self._processor is not None:
            self._processor.settle()

    def decided_anew(self, records: int) -> None:
        """Let go of what was handled since then: it comes at once."""
        while len(self._in_hand) > self._sent:
            self._in_hand.pop()
        self._remembered.take_back()
        self._nothing_unsent()
        super().decided_anew(records)

    def _nothing_in_hand(self) -> None:
        self._in_hand.clear()
        self._sent = 0
        self._nothing_unsent()

    def _nothing_unsent(self) -> None:
        if self._core is not None:
            self._core.drop()
        if self._processor is not None:
            self._processor.settle()

    def fetched(self, generation: int) -> None:
        """What is handled from now on was fetched in this generation of the group."""
        self._generation = generation

    def assigned(self, partitions: Collection[tuple[str, int]]) -> None:
        """It joined the group, or more came to it."""
        self._fence.came(partitions)
        super().assigned(partitions)

    def revoked(self, partitions: Collection[tuple[str, int]]) -> None:
        """Others have these now."""
        self._fence.went(partitions)
        super().revoked(partitions)

    def batch_done(self, done: BatchDone) -> None:
        """Count what the batch held, now that it is durable, and let it be remembered."""
        self._remembered.adopt()
        now_ms = self._wall()
        for record, tally, dated in self._in_hand:
            observe_ages(metrics.RAW_TO_TOPIC, Way.RAW_TO_TOPIC, dated, now_ms)
            metrics.count_flow(record.ledger, record.rejected)
            metrics.SLOW_PATH.inc(tally.exact_path)
            metrics.REUSED_IDS.inc(tally.reused_ids)
            metrics.LEDGER_UNBALANCED.inc(sum(not row.closes for row in record.ledger.values()))
        self._nothing_in_hand()
        metrics.RECORDS_IN.inc(done.records)
        metrics.BATCH_SECONDS.observe(done.took_ms / 1000)
        self.through()

    def retrying(self, reason: str, wait_ms: int) -> None:
        """The batch will be processed again, and counted then."""
        self._remembered.discard()
        self._nothing_in_hand()
        super().retrying(reason, wait_ms)
