"""A command or an answer that is none is refused whole, and what is encoded is taken."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry.instants import LAST_MS
from telemetry.topics import erase_topic, erase_topics, is_control, partitions_fixed
from telemetry.wire.erasure import (
    COMMAND_BYTES_MAX,
    EraseAnswer,
    EraseCommand,
    encode_answer,
    encode_command,
    take_answer,
    take_command,
)

COMMAND = EraseCommand(
    v=1, command="abcdefgh", output="research", pseudonyms=["P"], asked_ms=1, until_ms=2
)
ANSWER = EraseAnswer(
    v=1,
    command="abcdefgh",
    output="research",
    store="lake:0123456789abcdef",
    located_before=3,
    located_after=0,
    unreadable=0,
    digest="0" * 64,
    at_ms=5,
)


def test_a_command_is_taken_from_the_topic_of_its_own_output_only() -> None:
    value = encode_command(COMMAND)
    assert take_command(value, "research") == COMMAND
    assert take_command(value, "service") is None


@pytest.mark.parametrize(
    "change",
    [
        {"v": 2},
        {"command": "short"},
        {"command": "a b c d e f g h"},
        {"pseudonyms": []},
        {"pseudonyms": [""]},
        {"pseudonyms": ["P" * 129]},
        {"floors_ms": {"30d": 0}},
        {"from_ms": 10**18},
        {"until_ms": -(10**18)},
        {"subject": "somebody"},
    ],
)
def test_a_command_that_says_what_none_can_say_is_refused(change: dict[str, object]) -> None:
    body = msgspec.to_builtins(COMMAND) | change
    assert take_command(msgspec.json.encode(body), "research") is None


def test_a_command_that_is_too_long_is_not_read() -> None:
    value = encode_command(COMMAND)
    padded = value + b" " * (COMMAND_BYTES_MAX - len(value))
    assert take_command(padded, "research") == COMMAND
    assert take_command(padded + b" ", "research") is None
    assert take_command(None, "research") is None


@given(st.binary(max_size=200))
def test_any_bytes_are_refused_or_taken_without_an_error(value: bytes) -> None:
    take_command(value, "research")
    take_answer(value)


def test_a_command_shows_nothing_of_itself() -> None:
    assert "P" not in repr(COMMAND).removeprefix("EraseCommand")


@pytest.mark.parametrize(
    "change",
    [
        {"located_after": -1},
        {"located_before": 2**53 + 1},
        {"unreadable": 10**30},
        {"digest": "x" * 64},
        {"store": "somebody's"},
        {"output": "Re Search"},
        {"at_ms": LAST_MS + 1},
    ],
)
def test_an_answer_that_says_what_none_can_say_is_neither_made_nor_taken(
    change: dict[str, object],
) -> None:
    strange = msgspec.structs.replace(ANSWER, **change)
    assert take_answer(msgspec.json.encode(strange)) is None
    with pytest.raises(ValueError, match="an answer"):
        encode_answer(strange)


def test_an_answer_is_done_if_nothing_is_left_and_nothing_was_unreadable() -> None:
    assert take_answer(encode_answer(ANSWER)) == ANSWER
    assert ANSWER.done
    assert not msgspec.structs.replace(ANSWER, located_after=1).done
    assert not msgspec.structs.replace(ANSWER, unreadable=1).done


def test_each_output_has_one_topic_of_commands_with_one_partition() -> None:
    topics = ["telemetry.raw", "purpose.research", "purpose.service.app", "audit.flow"]
    found = erase_topics(topics)
    assert found == (erase_topic("research"), erase_topic("service.app"))
    assert all(is_control(one) and partitions_fixed(one) == 1 for one in found)
    assert not any(map(is_control, topics))
    assert partitions_fixed("control.links") is None
