"""What is sealed opens as it was, for its period's key alone; whatever is changed does not open."""

import struct
from functools import cache

import cramjam
import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from telemetry.periods import Period, period_at
from telemetry.sealing import (
    CLASS_BYTES_MIN,
    HEADER_BYTES,
    NONCE_BYTES,
    SEALED_BYTES_MAX,
    ContentKey,
    Header,
    NotOpened,
    cipher_of,
    content_key,
    header_of,
    opened,
    sealed,
    size_class,
)
from telemetry.wire.envelope import ENVELOPE_BYTES_MAX

PRIVATE = bytes(range(32))
OTHER = bytes(range(1, 33))
PERIOD = Period(81_666, 21_600)
NONCE = bytes(NONCE_BYTES)


def public(private: bytes) -> bytes:
    return X25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw()


@cache
def key(private: bytes = PRIVATE) -> ContentKey:
    return content_key(PERIOD, public(private), b"\x07" * 32)


def open_with(value: bytes, private: bytes = PRIVATE) -> bytes | NotOpened:
    header = header_of(value)
    if not isinstance(header, Header):
        return header
    cipher = cipher_of(header, private)
    return cipher if isinstance(cipher, NotOpened) else opened(value, header, cipher)


@given(st.binary(max_size=5_000))
def test_it_opens_as_it_was(envelope: bytes) -> None:
    assert open_with(sealed(envelope, key(), NONCE)) == envelope


@given(st.binary(max_size=300), st.data())
def test_whatever_bit_is_flipped_it_does_not_open(envelope: bytes, data: st.DataObject) -> None:
    value = bytearray(sealed(envelope, key(), NONCE))
    bit = data.draw(st.integers(0, 8 * len(value) - 1))
    value[bit // 8] ^= 1 << bit % 8
    assert isinstance(open_with(bytes(value)), NotOpened)


def test_no_bit_of_the_header_can_be_flipped() -> None:
    whole = sealed(b"{}", key(), NONCE)
    for bit in range(8 * HEADER_BYTES):
        value = bytearray(whole)
        value[bit // 8] ^= 1 << bit % 8
        assert isinstance(open_with(bytes(value)), NotOpened), bit


@given(st.binary(max_size=400))
def test_whatever_the_bytes_are_the_answer_is_a_value(value: bytes) -> None:
    assert isinstance(open_with(value), NotOpened)
    assert isinstance(open_with(b"RFS1" + value), NotOpened)


def test_a_record_cut_anywhere_does_not_open() -> None:
    whole = sealed(b'{"v":1}', key(), NONCE)
    for length in range(len(whole)):
        assert isinstance(open_with(whole[:length]), NotOpened), length


def test_who_has_only_the_public_key_or_another_periods_cannot_open() -> None:
    value = sealed(b'{"v":1}', key(), NONCE)
    assert open_with(value, OTHER) is NotOpened.FOREIGN_KEY
    assert open_with(value, public(PRIVATE)) is NotOpened.FOREIGN_KEY


def test_a_wrapped_key_of_another_record_does_not_open_this_one() -> None:
    mine = sealed(b'{"v":1}', key(), NONCE)
    other = sealed(b'{"v":1}', content_key(PERIOD, public(PRIVATE), b"\x08" * 32), NONCE)
    mixed = other[: HEADER_BYTES - NONCE_BYTES] + mine[HEADER_BYTES - NONCE_BYTES :]
    assert open_with(mixed) is NotOpened.DOES_NOT_OPEN


def test_no_json_is_taken_for_sealed() -> None:
    for begin in (b"{", b"[", b'"', b" {", b"1", b"-1", b"true", b"null", b"false", b"\n", b"\t"):
        assert header_of(begin + b"R" * 400) is NotOpened.NOT_SEALED


@given(st.integers(0, 900_000))
def test_a_class_adds_an_eighth_at_most_and_is_its_own(length: int) -> None:
    size = size_class(length)
    assert size >= length
    assert size == CLASS_BYTES_MIN or (size - length) * 8 < length
    assert size_class(size) == size
    assert size_class(length + 1) >= size


def test_lengths_within_a_class_cannot_be_told_apart() -> None:
    """Contents of every length from none to 3,000: as many lengths on the topic as classes."""
    lengths = set[int]()
    expected = set[int]()
    for number in range(3_000):
        envelope = bytes((number * step * 131 + step * step) % 251 for step in range(number % 1500))
        block = len(bytes(cramjam.lz4.compress_block(envelope, store_size=False)))
        lengths.add(len(sealed(envelope, key(), NONCE)))
        expected.add(HEADER_BYTES + size_class(8 + block) + 16)
    assert lengths == expected
    assert len(lengths) < 30


def test_nothing_of_the_envelope_is_in_the_record() -> None:
    value = sealed(b'{"device":"dongle-000001","marker":"planted-canary"}' * 9, key(), NONCE)
    assert b"dongle" not in value
    assert b"canary" not in value


def test_the_largest_envelope_fits_a_topic_even_if_it_cannot_be_compressed() -> None:
    import random  # noqa: PLC0415

    hard = random.Random(1).randbytes(ENVELOPE_BYTES_MAX)
    value = sealed(hard, key(), NONCE)
    assert len(value) < SEALED_BYTES_MAX
    assert open_with(value) == hard
    assert open_with(sealed(hard + b"x", key(), NONCE)) is NotOpened.OVERSIZED
    with pytest.raises(ValueError, match="does not fit the topic"):
        sealed(random.Random(1).randbytes(1_100_000), key(), NONCE)


def forged(length: int, block: bytes) -> bytes:
    """What somebody seals who has the public key, and no respect for the format."""
    content = struct.pack(">II", length, len(block)) + block
    header = key().opened + NONCE
    padded = content.ljust(size_class(len(content)), b"\0")
    return header + key().cipher.encrypt(NONCE, padded, header)


def test_a_block_that_unpacks_to_more_than_it_says_is_not_opened() -> None:
    bomb = bytes(cramjam.lz4.compress_block(bytes(50_000_000), store_size=False))
    assert open_with(forged(1_000, bomb)) is NotOpened.MALFORMED
    assert open_with(forged(ENVELOPE_BYTES_MAX, bomb)) is NotOpened.MALFORMED
    assert open_with(forged(50_000_000, bomb)) is NotOpened.OVERSIZED
    assert open_with(forged(2**32 - 1, bomb)) is NotOpened.OVERSIZED
    assert open_with(forged(10, b"no block")) is NotOpened.MALFORMED


@given(st.integers(0, 4_000_000_000_000), st.sampled_from([60, 3_600, 21_600, 86_400]))
def test_an_instant_lies_in_its_period(at_ms: int, length_s: int) -> None:
    period = period_at(at_ms, length_s)
    assert period.from_ms <= at_ms < period.to_ms
    assert period.following.from_ms == period.to_ms
