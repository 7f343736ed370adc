"""A front door's seals: a content key for a process and an hour, nonces that never repeat."""

import pytest

from ingest.raw_topic import RawPublisher
from ingest.sealing import NoSealingKeyError, Seal, Sealer
from telemetry.instants import HOUR_MS
from telemetry.sealing import Header, NotOpened, cipher_of, header_of, opened
from telemetry.wire.envelope import decode_envelope
from tests.ingest.test_raw_topic import HERE, Kept
from tests.support.plans import SPEED
from tests.support.sealing import LENGTH_S, PeriodKeys
from tests.support.small_house import Clock
from tests.support.worlds import DEVICE, NOW_MS, column, envelope

PERIOD_MS = LENGTH_S * 1000
BEGIN_MS = NOW_MS - NOW_MS % PERIOD_MS
ONE = decode_envelope(envelope({SPEED: column("km/h", [1.0])}))


def header(value: bytes) -> Header:
    found = header_of(value)
    assert isinstance(found, Header)
    return found


async def test_nonces_never_repeat_under_a_content_key() -> None:
    clock, keys = Clock(BEGIN_MS), PeriodKeys()
    sealers = [Sealer(keys.key_at, clock, records_max=5) for _ in range(2)]
    seen = set[tuple[bytes, bytes]]()
    for number in range(60):
        clock.now_ms = BEGIN_MS + number * HOUR_MS // 8
        for sealer in sealers:
            found = header((await sealer.now()).seal(b"{}"))
            seen.add((found.wrapped, found.nonce))
    assert len(seen) == 120


async def test_a_content_key_lasts_an_hour_at_most_and_no_longer_than_its_period() -> None:
    clock, keys = Clock(BEGIN_MS), PeriodKeys()
    sealer = keys.sealer(clock)

    async def wrapped_at(after_ms: int) -> bytes:
        clock.now_ms = BEGIN_MS + after_ms
        return header((await sealer.now()).seal(b"{}")).wrapped

    first = await wrapped_at(0)
    assert await wrapped_at(HOUR_MS - 1) == first
    second = await wrapped_at(HOUR_MS)
    assert second != first
    keys.length_s = 1_800  # the plan in force has another promise
    assert await wrapped_at(HOUR_MS + 1) != second


async def test_so_many_records_are_sealed_with_one_key_and_no_more() -> None:
    keys = PeriodKeys()
    sealer = Sealer(keys.key_at, lambda: BEGIN_MS, records_max=3)
    wrapped = [header((await sealer.now()).seal(b"{}")).wrapped for _ in range(7)]
    assert [wrapped.count(one) for one in dict.fromkeys(wrapped)] == [3, 3, 1]


async def test_a_record_key_changes_with_the_period_and_names_no_device() -> None:
    clock, keys = Clock(BEGIN_MS), PeriodKeys()
    sealer = keys.sealer(clock)
    first = (await sealer.now()).record_key(DEVICE)
    clock.now_ms += PERIOD_MS - 1
    assert (await sealer.now()).record_key(DEVICE) == first
    clock.now_ms += 1
    assert (await sealer.now()).record_key(DEVICE) != first
    assert DEVICE.encode() not in first
    assert (await keys.sealer(clock).now()).record_key(DEVICE) != first, "another door's own"


async def test_without_a_key_for_now_nothing_is_sent() -> None:
    keys, kept = PeriodKeys(), Kept()
    keys.key_at(NOW_MS)
    keys.destroy(NOW_MS)
    raw = RawPublisher(kept, {SPEED}, HERE, keys.sealer(lambda: NOW_MS))
    with pytest.raises(NoSealingKeyError):
        await raw.publish([ONE])
    assert (kept.sent, raw.envelopes) == ([], 0)


async def test_a_key_that_comes_in_time_is_waited_for() -> None:
    keys, asked = PeriodKeys(), list[int]()

    def late(at_ms: int) -> object:
        asked.append(at_ms)
        return keys.key_at(at_ms) if len(asked) > 2 else None

    sealer = Sealer(late, lambda: NOW_MS)  # type: ignore[arg-type]
    assert isinstance(await sealer.now(), Seal)
    assert len(asked) == 3


async def test_what_lies_on_the_topic_opens_with_the_private_key_alone() -> None:
    keys, kept = PeriodKeys(), Kept()
    await RawPublisher(kept, {SPEED}, HERE, keys.sealer(lambda: NOW_MS)).publish([ONE])
    ((key, value),) = kept.sent
    assert DEVICE.encode() not in key + value
    found = header(value)
    cipher = cipher_of(found, keys.private(found.period))
    assert not isinstance(cipher, NotOpened)
    plain = opened(value, found, cipher)
    assert isinstance(plain, bytes)
    assert decode_envelope(plain) == ONE
