"""A chain of receipts that was tampered with is found out, by anybody who has the public key."""

from collections.abc import Sequence

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from office.erasure.receipt_chain import (
    FIRST_HASH,
    Entry,
    Head,
    Receipt,
    What,
    file_of,
    head_of,
    mine,
    new_keys,
    opening,
    read,
    sealed,
    verify,
)

KEY = Ed25519PrivateKey.from_private_bytes(b"k" * 32)
PUBLIC = KEY.public_key().public_bytes_raw()
OTHER = Ed25519PrivateKey.from_private_bytes(b"o" * 32)
DAY = "2026-11-30"


def chain(length: int, key: Ed25519PrivateKey = KEY) -> list[Receipt]:
    receipts, previous = list[Receipt](), FIRST_HASH
    for number in range(1, length + 1):
        entry = Entry(
            number=number,
            previous=previous,
            at_ms=1_790_000_000_000 + number,
            erasure=f"ERASURE{number % 3}",
            what="erased",
            copy="lake:0123456789abcdef",
            output="service",
            located_before=number,
            located_after=0,
            digest="d" * 64,
        )
        receipts.append(sealed(entry, key.sign))
        previous = receipts[-1].hash
    return receipts


def head(receipts: Sequence[Receipt]) -> Head:
    return head_of(DAY, len(receipts), receipts[-1].hash if receipts else FIRST_HASH, KEY.sign)


WHOLE = chain(6)
HEAD = head(WHOLE)
FILE = file_of(WHOLE)


@pytest.mark.parametrize("length", [0, 1, 6])
def test_a_whole_chain_has_no_fault(length: int) -> None:
    receipts = chain(length)
    assert verify(file_of(receipts), PUBLIC) == []
    assert verify(file_of(receipts), PUBLIC, head(receipts)) == []


def test_a_chain_that_went_on_since_a_head_was_published_has_no_fault() -> None:
    assert verify(FILE, PUBLIC, head(WHOLE[:4])) == []
    assert verify(FILE, PUBLIC, head([])) == []


@given(st.integers(0, len(FILE) - 1), st.integers(1, 255))
def test_a_byte_that_was_changed_is_found(at: int, mask: int) -> None:
    changed = bytearray(FILE)
    changed[at] ^= mask
    assert verify(bytes(changed), PUBLIC)


@given(st.integers(0, 5))
def test_an_entry_that_was_taken_out_is_found(at: int) -> None:
    left = [*WHOLE[:at], *WHOLE[at + 1 :]]
    assert verify(file_of(left), PUBLIC, HEAD)
    # But for the last, nothing needs to have been published.
    assert bool(verify(file_of(left), PUBLIC)) is (at < 5)


@given(st.lists(st.integers(0, 5), min_size=2, max_size=2, unique=True))
def test_a_pair_that_was_swapped_is_found(pair: list[int]) -> None:
    swapped = list(WHOLE)
    swapped[pair[0]], swapped[pair[1]] = swapped[pair[1]], swapped[pair[0]]
    assert verify(file_of(swapped), PUBLIC)


@given(st.integers(0, 5))
def test_a_tail_that_was_cut_is_found_against_a_published_head(length: int) -> None:
    assert verify(file_of(WHOLE[:length]), PUBLIC) == []
    (fault,) = verify(file_of(WHOLE[:length]), PUBLIC, HEAD)
    assert fault == f"entry 6 is missing, which stood there on {DAY}"


@given(st.integers(1, len(FILE) - 1))
def test_a_file_that_ends_anywhere_else_is_found_without_a_head(length: int) -> None:
    cut = FILE[:length]
    assert bool(verify(cut, PUBLIC)) is not cut.endswith(b"\n")


def test_a_chain_that_was_written_anew_under_another_key_is_found() -> None:
    assert len(verify(file_of(chain(6, OTHER)), PUBLIC)) == 6


def test_an_entry_that_its_owner_wrote_anew_does_not_fit_the_next() -> None:
    third = read(FILE)[0][2].entry
    anew = sealed(msgspec.structs.replace(third, located_before=0), KEY.sign)
    faults = verify(file_of([*WHOLE[:2], anew, *WHOLE[3:]]), PUBLIC)
    assert faults == ["entry 4 does not follow the one before it"]


def test_a_chain_that_its_owner_wrote_anew_is_found_against_a_published_head() -> None:
    anew = chain(5)
    last = read(file_of(WHOLE))[0][5].entry
    changed = Entry(
        number=6, previous=anew[-1].hash, at_ms=last.at_ms, erasure=last.erasure, what="asked"
    )
    file = file_of([*anew, sealed(changed, KEY.sign)])
    assert verify(file, PUBLIC) == []
    assert verify(file, PUBLIC, HEAD) == [f"entry 6 is not the one that stood there on {DAY}"]


def test_a_head_of_another_key_or_of_no_key_is_none() -> None:
    foreign = head_of(DAY, 6, WHOLE[-1].hash, OTHER.sign)
    garbled = Head(day=DAY, number=6, hash=WHOLE[-1].hash, signature="no hex")
    for told in (foreign, garbled):
        assert verify(FILE, PUBLIC, HEAD, told) == [f"the head of {DAY} is not signed by this key"]


@pytest.mark.parametrize(
    "line", [b"", b"\xff" * 40, b"{}", b"a" * 64 + b" " + b"b" * 128 + b" {}", b"[" * 100_000]
)
def test_what_is_no_receipt_is_said_to_be_none(line: bytes) -> None:
    assert verify(line + b"\n", PUBLIC) == ["line 1 holds no receipt"]


def test_the_person_alone_can_show_which_entries_are_theirs() -> None:
    nonce = b"n" * 32
    first = Entry(
        number=1,
        previous=FIRST_HASH,
        at_ms=0,
        erasure="A",
        what="asked",
        opening=opening(nonce, "A", "ana"),
    )
    others = [
        Entry(number=2, previous=FIRST_HASH, at_ms=0, erasure="B", what="asked"),
        Entry(number=3, previous=FIRST_HASH, at_ms=0, erasure="A", what="gone"),
    ]
    entries = [first, *others]
    assert [entry.number for entry in mine(entries, nonce, "ana")] == [1, 3]
    assert mine(entries, nonce, "ben") == []
    assert mine(entries, b"m" * 32, "ana") == []


def with_new_key(before: Sequence[Receipt], key: Ed25519PrivateKey) -> list[Receipt]:
    """The chain goes on under another key, which says so of itself."""
    receipts = list(before)
    whats: tuple[What, ...] = ("rekeyed", "closed")
    for what in whats:
        entry = Entry(
            number=len(receipts) + 1, previous=receipts[-1].hash, at_ms=1, erasure="-", what=what,
        )  # fmt: skip
        receipts.append(sealed(entry, key.sign))
    return receipts


def test_a_new_key_says_where_it_begins_and_vouches_for_all_before_it() -> None:
    file, new = file_of(with_new_key(WHOLE, OTHER)), OTHER.public_key().public_bytes_raw()
    stranger = Ed25519PrivateKey.from_private_bytes(b"s" * 32)
    assert new_keys(file) == [7]
    assert new_keys(FILE) == []
    assert verify(file, new, HEAD) == []
    assert verify(file, new, HEAD, former=[PUBLIC]) == []
    wrong = verify(file, new, HEAD, former=[stranger.public_key().public_bytes_raw()])
    assert wrong[0] == "entry 1 is not signed by this key"
    assert len(wrong) == 7, "six entries and the head"
    # Who has the former key alone learns that it is not theirs from there on.
    assert verify(file, PUBLIC) == [f"entry {n} is not signed by this key" for n in (7, 8)]
    # What was changed before it shows, whoever signed it.
    third = msgspec.structs.replace(read(FILE)[0][2].entry, located_before=0)
    forged = [*WHOLE[:2], sealed(third, stranger.sign), *with_new_key(WHOLE, OTHER)[3:]]
    assert verify(file_of(forged), new) == ["entry 4 does not follow the one before it"]


def test_nobody_without_the_key_begins_a_new_one() -> None:
    file = file_of(with_new_key(WHOLE, OTHER))
    assert verify(file, PUBLIC) != []
    own = sealed(
        Entry(number=9, previous=with_new_key(WHOLE, OTHER)[-1].hash, at_ms=1, erasure="-",
              what="closed"), KEY.sign,
    )  # fmt: skip
    assert verify(file_of([*with_new_key(WHOLE, OTHER), own]), PUBLIC) != []
