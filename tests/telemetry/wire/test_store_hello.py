"""A hello that is none is refused whole, is no answer, and no answer is a hello."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry.instants import LAST_MS
from telemetry.wire.erasure import EraseAnswer, encode_answer, take_answer
from telemetry.wire.hold import take_hold_answer
from telemetry.wire.store_hello import (
    HELLO_BYTES_MAX,
    OUTPUTS_MAX,
    StoreHello,
    encode_hello,
    take_hello,
)

HELLO = StoreHello(
    v=1, kind="hello", store="lake:0123456789abcdef", outputs=["research", "service.app"], at_ms=5
)
ANSWER = EraseAnswer(
    v=1, command="abcdefgh", output="research", store="lake:0123456789abcdef", located_before=3,
    located_after=0, unreadable=0, digest="0" * 64, at_ms=5,
)  # fmt: skip


def test_what_is_said_is_taken_under_a_key_of_the_stores_own() -> None:
    assert take_hello(encode_hello(HELLO)) == HELLO
    assert HELLO.key == b"hello:lake:0123456789abcdef"
    most = msgspec.structs.replace(HELLO, outputs=["o" * 200] * OUTPUTS_MAX)
    assert take_hello(encode_hello(most)) == most


def test_an_office_of_before_takes_it_for_no_answer_and_this_one_no_answer_for_it() -> None:
    said = encode_hello(HELLO)
    assert (take_answer(said), take_hold_answer(said)) == (None, None)
    assert take_hello(encode_answer(ANSWER)) is None


@pytest.mark.parametrize(
    "change",
    [
        {"v": 2},
        {"kind": "hold"},
        {"store": "somebody's"},
        {"outputs": []},
        {"outputs": ["Re Search"]},
        {"outputs": ["o" * 201]},
        {"outputs": ["o"] * (OUTPUTS_MAX + 1)},
        {"at_ms": LAST_MS + 1},
        {"subject": "somebody"},
    ],
)
def test_a_hello_that_says_what_none_can_say_is_neither_made_nor_taken(
    change: dict[str, object],
) -> None:
    body = msgspec.to_builtins(HELLO) | change
    assert take_hello(msgspec.json.encode(body)) is None
    if "subject" not in change:
        with pytest.raises(ValueError, match="a hello"):
            encode_hello(msgspec.structs.replace(HELLO, **change))


@given(st.binary(max_size=200))
def test_any_bytes_are_refused_or_taken_without_an_error(value: bytes) -> None:
    take_hello(value)


def test_a_hello_that_is_too_long_is_not_read() -> None:
    value = encode_hello(HELLO)
    padded = value + b" " * (HELLO_BYTES_MAX - len(value))
    assert take_hello(padded) == HELLO
    assert take_hello(padded + b" ") is None
    assert take_hello(None) is None
