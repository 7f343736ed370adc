"""What stores are asked to remove, and what they answer: a compacted topic for each output.

A command says which rows of one output have to go, in the words that the output itself uses:
pseudonyms and consent references, never a person. Its Kafka key is its own random id; a null value
ends its life. While it lives a store refuses what it names. An answer holds counts alone.
"""

import re
from typing import Annotated, Final

import msgspec
from msgspec import Meta, Struct

from telemetry.identity import MASK
from telemetry.instants import is_instant

ERASURE_VERSION: Final = 1
PSEUDONYMS_MAX: Final = 5_000
"""In one command: more are asked in several."""
CONSENTS_MAX: Final = 5_000
LANES_MAX: Final = 500
COMMAND_BYTES_MAX: Final = 900 * 1024
ANSWER_BYTES_MAX: Final = 64 * 1024
COUNT_MAX: Final = 2**53
"""Rows or files in an answer: more than any store can have, and no database fails on it."""
_ID: Final = re.compile(r"[A-Za-z0-9_-]{8,64}")
_NAME: Final = re.compile(r"[a-z0-9_.]{1,200}")
_STORE: Final = re.compile(r"[a-z0-9:._-]{1,100}")
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")

Text = Annotated[str, Meta(min_length=1, max_length=128)]


class EraseCommand(
    Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """Rows of one output that have to go, and are refused until ``until_ms``.

    A row is meant if all of these hold. Instants are milliseconds UTC.
    """

    v: int
    command: str
    """Random; nobody but the office knows what it belongs to."""
    output: str
    pseudonyms: Annotated[list[Text], Meta(min_length=1, max_length=PSEUDONYMS_MAX)]
    """It lies under one of these."""
    consents: Annotated[list[Text], Meta(max_length=CONSENTS_MAX)] = []
    """It rests on one of these consent references; none given: whatever it rests on."""
    lanes: Annotated[list[Text], Meta(max_length=LANES_MAX)] = []
    """It is of one of these lanes, or of which one is not known; none given: of any."""
    from_ms: int | None = None
    """What its time stands for is not all before this instant; None: no bound."""
    to_ms: int | None = None
    """Its time is before this instant; None: no bound."""
    floors_ms: dict[Text, Annotated[int, Meta(ge=1)]] = {}
    """By lane: how long is what a row's time stands for, since the lane floors it.

    A lane that is not named, or not known, has the largest of these, and 1 if there is none.
    """
    asked_ms: int
    until_ms: int
    """Later than any such row can still be on its way."""

    def __repr__(self) -> str:
        return f"EraseCommand({MASK})"


class EraseAnswer(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one store did on one command, on ``audit.erasures``. Key: command and store."""

    v: int
    command: str
    output: str
    store: str
    """Its kind, and which of them it is: random, made with the store."""
    located_before: int
    """Rows that were there as it began."""
    located_after: int
    """Rows that were there when it had ended; 0 unless something hindered it."""
    unreadable: int
    """Files that may hold such rows and could not be read."""
    digest: str
    """SHA-256 over what was rewritten: each part's place, rows before, rows after."""
    at_ms: int
    """When it had ended, by the store's clock."""

    @property
    def done(self) -> bool:
        """Whether nothing is left, as far as the store can see."""
        return self.located_after == 0 and self.unreadable == 0

    @property
    def key(self) -> bytes:
        """The Kafka key: a later answer takes the place of this one."""
        return f"{self.command}@{self.store}".encode()


_command: msgspec.json.Decoder[EraseCommand] = msgspec.json.Decoder(EraseCommand)
_answer: msgspec.json.Decoder[EraseAnswer] = msgspec.json.Decoder(EraseAnswer)


def encode_command(command: EraseCommand) -> bytes:
    """The JSON value of a command; ValueError if it is none that a store takes."""
    value = msgspec.json.encode(command)
    if take_command(value, command.output) is None:
        msg = "a command with an id, an instant or a length that none can have"
        raise ValueError(msg)
    return value


def take_command(payload: bytes | None, output: str) -> EraseCommand | None:
    """The command as it comes on the topic of an output; None if it is none of that output's."""
    if payload is None or len(payload) > COMMAND_BYTES_MAX:
        return None
    try:
        command = _command.decode(payload)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None
    instants = (command.from_ms, command.to_ms, command.asked_ms, command.until_ms)
    holds = (
        command.v == ERASURE_VERSION
        and _ID.fullmatch(command.command)
        and command.output == output
        and all(one is None or is_instant(one) for one in instants)
    )
    return command if holds else None


def encode_answer(answer: EraseAnswer) -> bytes:
    """The JSON value of an answer; ValueError if it is none that the office takes."""
    value = msgspec.json.encode(answer)
    if take_answer(value) is None:
        msg = "an answer with an id, an instant or a count that none can have"
        raise ValueError(msg)
    return value


def take_answer(payload: bytes | None) -> EraseAnswer | None:
    """The answer as it comes on its topic; None if it is none."""
    if payload is None or len(payload) > ANSWER_BYTES_MAX:
        return None
    try:
        answer = _answer.decode(payload)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None
    holds = (
        answer.v == ERASURE_VERSION
        and _ID.fullmatch(answer.command)
        and _NAME.fullmatch(answer.output)
        and _STORE.fullmatch(answer.store)
        and _DIGEST.fullmatch(answer.digest)
        and all(0 <= count <= COUNT_MAX for count in _counts(answer))
        and is_instant(answer.at_ms)
    )
    return answer if holds else None


def _counts(answer: EraseAnswer) -> tuple[int, ...]:
    return answer.located_before, answer.located_after, answer.unreadable
