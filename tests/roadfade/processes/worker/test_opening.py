"""A worker opens what was sealed, counts what it cannot open, and waits for a key that is away."""

import pytest

from bus.failures import HandlerWaitsError
from ingest.sealing import Seal
from office.errors import NotNowError
from office.keyring.keyring import KeyState
from office.keyring.memory import MemoryKeyring
from office.keyring.period_keys import name_of, public_key
from processors.admission.unopened import Unopened
from processors.core_path import core_path
from processors.processor import Processor
from processors.program import build_program
from processors.pseudonyms import KeyName, KeysNeeded
from processors.state.bins import PartitionState, Room
from roadfade.processes.worker.batch_handler import BatchHandler, Sealing
from roadfade.processes.worker.key_cache import KeyCache
from roadfade.processes.worker.key_watch import KeyWatch
from roadfade.processes.worker.opening import Opener
from roadfade.processes.worker.raw_keys import raw_keys
from roadfade.processes.worker.remembered import ReadyVersion, Remembered
from telemetry.identity import EpochKey
from telemetry.outcome import Rejected
from telemetry.periods import Period, period_at
from telemetry.sealing import MAGIC
from telemetry.wire.sealing_key import SealingKey
from tests.roadfade.processes.worker.test_batch_handler import GOOD, all_of, arrived, flow_of, good
from tests.support.plans import PLAN
from tests.support.ready_batches import needs_core
from tests.support.sealing import LENGTH_S, PeriodKeys
from tests.support.worlds import NOW_MS, known_world

PERIOD = period_at(NOW_MS, LENGTH_S)
NAME = name_of(PERIOD)


async def sealed_by(keys: PeriodKeys, *envelopes: bytes) -> list[bytes]:
    seal = await keys.sealer(lambda: NOW_MS).now()
    return [seal.seal(one) for one in envelopes]


class Worker:
    """A handler with what opens records for it, and its watch."""

    def __init__(
        self, keys: PeriodKeys, *, allow_unsealed: bool = False, in_core: bool = False
    ) -> None:
        epoch_keys = KeyCache(MemoryKeyring())
        processor = Processor(
            build_program(PLAN), known_world(PLAN).people, epoch_keys, lambda _, key: key[0] % 4
        )
        core = core_path(processor, None) if in_core else None
        ready = ReadyVersion(processor.program, processor, core)
        self.now_ms = NOW_MS
        self.cache = raw_keys(keys.keyring, lambda: self.now_ms)
        self.opener = Opener(self.cache, 3, allow_unsealed=allow_unsealed)
        self.watch = KeyWatch(
            self.cache, lambda: [self.opener], self.opener.wanted, self.opener.answered
        )
        self.remembered = Remembered(lambda: ready, lambda: NOW_MS, 10_000, self.opener)
        self.remembered.begin(2)
        self.handler = BatchHandler(
            "telemetry.raw",
            self.remembered,
            epoch_keys,
            lambda: NOW_MS,
            sealing=Sealing(self.opener, self.cache),
        )

    async def flow(self, *values: bytes) -> tuple[int, dict[str, int]]:
        """Readings that were delivered of these records, and what was rejected."""
        slices = [arrived(offset, value) for offset, value in enumerate(values)]
        flow = flow_of(await all_of(self.handler, slices))
        return flow.ledger["service"].delivered, dict(flow.rejected)


IN_CORE = pytest.mark.parametrize("in_core", [False, pytest.param(True, marks=needs_core)])


@IN_CORE
async def test_what_was_sealed_is_decided_as_if_it_had_come_in_the_clear(*, in_core: bool) -> None:
    keys = PeriodKeys()
    values = await sealed_by(keys, good(1), good(2))
    sealed = await Worker(keys, in_core=in_core).flow(*values)
    plain = await Worker(keys, in_core=in_core, allow_unsealed=True).flow(good(1), good(2))
    assert sealed == plain == (4, {})


@IN_CORE
async def test_each_way_not_to_open_is_counted_as_one_envelope_and_the_rest_goes_on(
    *, in_core: bool
) -> None:
    keys, others = PeriodKeys(), PeriodKeys()
    (first, last), (strange,) = (
        await sealed_by(keys, good(1), good(2)),
        await sealed_by(others, GOOD),
    )
    changed = last[:-1] + bytes([last[-1] ^ 1])
    worker = Worker(keys, in_core=in_core)
    delivered, rejected = await worker.flow(
        first, GOOD, strange, changed, MAGIC + b"short", b"{", last
    )
    assert delivered == 4
    assert rejected == {"unsealed": 2, "unopenable": 3}


async def test_plain_envelopes_are_taken_only_if_that_is_said() -> None:
    keys = PeriodKeys()
    assert await Worker(keys).flow(GOOD) == (0, {"unsealed": 1})
    assert await Worker(keys, allow_unsealed=True).flow(GOOD, b"{") == (2, {"malformed": 1})


@IN_CORE
async def test_under_a_destroyed_key_nothing_opens_and_the_worker_goes_on(*, in_core: bool) -> None:
    keys = PeriodKeys()
    before, after = await sealed_by(keys, good(1), good(2))
    worker = Worker(keys, in_core=in_core)
    assert (await worker.flow(before))[0] == 2
    worker.handler.acknowledged()
    keys.destroy(NOW_MS)
    await worker.watch.look()
    assert await worker.flow(after) == (0, {"key_destroyed": 1})
    assert worker.cache == {NAME: None}
    assert not worker.opener._ciphers, "no content key stays either"
    assert await Worker(keys).flow(after) == (0, {"key_destroyed": 1})


async def test_a_key_that_was_made_since_the_worker_began_is_asked_for() -> None:
    keys = PeriodKeys()
    worker = Worker(keys)
    assert await worker.flow(*await sealed_by(keys, GOOD)) == (2, {})


class Locked(MemoryKeyring):
    """A keyring that cannot be read for now."""

    locked = False

    def states(self) -> dict[tuple[str, str, str], str]:  # type: ignore[override]
        if self.locked:
            msg = "its disk is full: free space there"
            raise NotNowError(msg)
        return dict(super().states())


class Counting(MemoryKeyring):
    """Knows how often it was looked at."""

    looks = 0

    def states(self) -> dict[KeyName, KeyState]:
        self.looks += 1
        return super().states()


async def test_while_a_key_cannot_be_read_records_wait_and_none_is_lost() -> None:
    keys = PeriodKeys()
    keys.keyring = keyring = Locked()
    worker = Worker(keys)
    values = await sealed_by(keys, GOOD)
    keyring.locked = True
    for _ in range(2):
        with pytest.raises(HandlerWaitsError):
            await worker.flow(*values)
    with pytest.raises(HandlerWaitsError):
        worker.remembered.remember(2, [arrived(0, values[0])])
    await worker.watch.look()
    assert worker.opener.wanted == {NAME}
    keyring.locked = False
    await worker.watch.look()
    worker.remembered.remember(2, [arrived(0, values[0])])
    assert (await worker.flow(*values))[1] == {}


class Losing(PartitionState):
    """Knows up to when it lost something."""

    lost_to_ms = 0

    def lose(self, until_ms: int) -> None:
        self.lost_to_ms = until_ms
        super().lose(until_ms)


async def test_what_was_remembered_of_a_destroyed_key_is_lost_and_the_rest_is_not() -> None:
    keys = PeriodKeys()
    (sealed,) = await sealed_by(keys, GOOD)
    worker = Worker(keys)
    await worker.flow(sealed)
    state = Losing([1_000], 1_000, Room(100))
    worker.remembered._states[2] = worker.remembered.version.program, state
    worker.remembered.remember(2, [arrived(1, sealed), arrived(2, b"RFS1")])
    assert state.lost_to_ms == 0
    keys.destroy(NOW_MS)
    await worker.watch.look()
    worker.remembered.remember(2, [arrived(3, sealed)])
    assert state.lost_to_ms == NOW_MS


async def test_so_many_content_keys_are_kept_and_the_one_used_longest_ago_goes() -> None:
    keys = PeriodKeys()
    worker = Worker(keys)
    values = [(await sealed_by(keys, GOOD))[0] for _ in range(5)]
    for value in [*values, values[2]]:
        worker.opener._keys = worker.cache
        try:
            worker.opener.open_all([value])
        except KeysNeeded as needed:
            await worker.cache.fetch(needed.names)
            worker.opener.open_all([value])
    kept = list(worker.opener._ciphers)
    assert [values[at][:100] for at in (3, 4, 2)] == kept


def test_an_unopened_record_says_why_and_is_no_envelope() -> None:
    one = Unopened.because(Rejected.KEY_DESTROYED)
    assert (one, one.reason) == (b"", Rejected.KEY_DESTROYED)


async def forged(period: Period) -> bytes:
    """Sealed for a key that nobody has."""
    stranger = PeriodKeys(period.length_s)
    return (await stranger.sealer(lambda: period.from_ms).now()).seal(GOOD)


async def test_a_key_that_is_made_after_it_was_asked_for_is_found() -> None:
    keys = PeriodKeys()
    worker = Worker(keys)
    assert await worker.flow(await forged(PERIOD)) == (0, {"unopenable": 1})
    assert NAME not in worker.cache
    assert await worker.flow(*await sealed_by(keys, GOOD)) == (2, {})


async def test_forged_periods_far_from_now_cost_one_look_in_a_second() -> None:
    keys = PeriodKeys()
    keys.keyring = keyring = Counting()
    worker = Worker(keys)
    looks = keyring.looks
    far = period_at(2 * NOW_MS, LENGTH_S)
    for number in range(20):
        later = Period(far.number + number, LENGTH_S)
        assert await worker.flow(await forged(later)) == (0, {"unopenable": 1})
    assert keyring.looks == looks + 1
    keyring.ensure([name_of(far)])
    worker.now_ms += 1_000
    key = SealingKey(far, public_key(EpochKey(keys.private(far))))
    sealed = Seal(key, 0, lambda n: bytes(range(n)), b"").seal(GOOD)
    assert await worker.flow(sealed) == (2, {})
    assert len(worker.cache) == 1, "what was forged is not remembered"


async def test_what_is_read_again_under_a_key_never_made_is_lost_and_waits_for_no_more() -> None:
    keys = PeriodKeys()
    worker = Worker(keys)
    state = Losing([1_000], 1_000, Room(100))
    worker.remembered._states[2] = worker.remembered.version.program, state
    record = arrived(1, await forged(PERIOD))
    with pytest.raises(HandlerWaitsError):
        worker.remembered.remember(2, [record])
    await worker.watch.look()
    worker.remembered.remember(2, [record])
    assert state.lost_to_ms == NOW_MS
    assert not worker.opener.answered


async def test_a_held_content_key_opens_nothing_once_its_periods_key_had_to_make_room() -> None:
    keys = PeriodKeys()
    first, last = await sealed_by(keys, good(1), good(2))
    worker = Worker(keys)
    await worker.watch.look()
    assert (await worker.flow(first))[0] == 2
    worker.cache.clear()
    assert (await worker.flow(last))[1] == {}, "it is asked for again"
    worker.cache.clear()
    keys.destroy(NOW_MS)
    assert await worker.flow(last) == (0, {"key_destroyed": 1})
    await worker.watch.look()
    assert not worker.opener._ciphers


async def test_a_remade_keyrings_key_is_fetched_once_more_before_a_record_is_decided() -> None:
    keys = PeriodKeys()
    (old,) = await sealed_by(keys, good(1))
    worker = Worker(keys)
    assert (await worker.flow(old))[0] == 2
    keys.keyring._keys.clear()
    (new,) = await sealed_by(keys, good(2))
    assert await worker.flow(new) == (2, {})
    assert await worker.flow(old) == (0, {"unopenable": 1})
