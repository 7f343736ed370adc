"""What stores are asked to copy before it goes, and what they answer: a legal hold, for one output.

A command of a hold says which rows of one output are to be copied, sealed for a public key, in the
words that the output itself uses: pseudonyms and lanes, never a person. It travels on the output's
topic of commands, under a key with a beginning of its own, so that the office's heartbeats vouch
for it as for commands of erasure. Each output has a command, an id and a key of its own: who reads
two outputs does not learn that they belong together. A released one names nobody any more and asks
for what was copied to be deleted; a null value ends it.
"""

import re
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta, Struct

from telemetry.identity import MASK
from telemetry.instants import is_instant
from telemetry.wire.erasure import (
    ANSWER_BYTES_MAX,
    COMMAND_BYTES_MAX,
    COUNT_MAX,
    LANES_MAX,
    PSEUDONYMS_MAX,
    Text,
)

HOLD_VERSION: Final = 1
HOLD_KEY: Final = "hold:"
"""How the Kafka key of a hold's command begins; behind it comes the command's id."""
HOLDS_MAX: Final = 1_000
"""Commands of holds of one output that are on its topic at once: the office asks for no more."""
_ID: Final = re.compile(r"[A-Za-z0-9_-]{8,64}")
_NAME: Final = re.compile(r"[a-z0-9_.]{1,200}")
_STORE: Final = re.compile(r"[a-z0-9:._-]{1,100}")
_PUBLIC: Final = re.compile(r"[0-9a-f]{64}")


class HoldCommand(
    Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """Rows of one output that are to be copied as long as it lives.

    A row is meant if all of these hold. Instants are milliseconds UTC.
    """

    v: int
    command: str
    """Random; nobody but the office knows what it belongs to."""
    output: str
    pseudonyms: Annotated[list[Text], Meta(max_length=PSEUDONYMS_MAX)] = []
    """It lies under one of these; empty only once it is released."""
    lanes: Annotated[list[Text], Meta(max_length=LANES_MAX)] = []
    """It is of one of these lanes, or of which one is not known; none given: of any."""
    from_ms: int | None = None
    """What its time stands for is not all before this instant; None: no bound."""
    to_ms: int | None = None
    """Its time is before this instant; None: no bound."""
    floors_ms: dict[Text, Annotated[int, Meta(ge=1)]] = {}
    """As in a command of erasure."""
    public_key: str = ""
    """The X25519 key for which copies are sealed, 64 hexadecimal digits; empty once released."""
    placed_ms: int
    released_ms: int | None = None
    """Since then nothing is to be copied, and what was copied is to be deleted; None: it lives."""

    def __repr__(self) -> str:
        return f"HoldCommand({MASK})"


class HoldAnswer(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one store has copied for one hold, on ``audit.erasures``."""

    v: int
    kind: Literal["hold"]
    command: str
    output: str
    store: str
    """Its kind, and which of them it is: random, made with the store."""
    rows: int
    """Rows in copies, so far."""
    unreadable: int
    """Files that may hold such rows and could not be read."""
    complete: bool
    """Whether everything that was there is copied; False: there was no room for more."""
    released: bool
    """Whether it is released, and its copies are deleted."""
    at_ms: int
    """As of when, by the store's clock."""

    @property
    def key(self) -> bytes:
        """The Kafka key: a later answer takes the place of this one."""
        return f"{HOLD_KEY}{self.command}@{self.store}".encode()


_command: msgspec.json.Decoder[HoldCommand] = msgspec.json.Decoder(HoldCommand)
_answer: msgspec.json.Decoder[HoldAnswer] = msgspec.json.Decoder(HoldAnswer)


def hold_key(command: str) -> str:
    """The Kafka key of a hold's command."""
    return HOLD_KEY + command


def is_hold(key: bytes) -> bool:
    """Whether a hold's command stands under this key of a topic of commands."""
    return key.startswith(HOLD_KEY.encode())


def encode_hold(command: HoldCommand) -> bytes:
    """The JSON value of a command; ValueError if it is none that a store takes."""
    value = msgspec.json.encode(command)
    if take_hold(value, command.output) is None:
        msg = "a command of a hold with an id, an instant, a key or a length that none can have"
        raise ValueError(msg)
    return value


def take_hold(payload: bytes | None, output: str) -> HoldCommand | None:
    """The command as it comes on the topic of an output; None if it is none of that output's."""
    if payload is None or len(payload) > COMMAND_BYTES_MAX:
        return None
    try:
        command = _command.decode(payload)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None
    instants = (command.from_ms, command.to_ms, command.placed_ms, command.released_ms)
    holds = (
        command.v == HOLD_VERSION
        and _ID.fullmatch(command.command)
        and command.output == output
        and all(one is None or is_instant(one) for one in instants)
        and (_is_ended(command) if command.released_ms is not None else _is_living(command))
    )
    return command if holds else None


def _is_living(command: HoldCommand) -> bool:
    return bool(command.pseudonyms and _PUBLIC.fullmatch(command.public_key))


def _is_ended(command: HoldCommand) -> bool:
    """Whether it names nobody: what is released is to be known no longer."""
    return not (command.pseudonyms or command.public_key or command.lanes)


def encode_hold_answer(answer: HoldAnswer) -> bytes:
    """The JSON value of an answer; ValueError if it is none that the office takes."""
    value = msgspec.json.encode(answer)
    if take_hold_answer(value) is None:
        msg = "an answer to a hold with an id, an instant or a count that none can have"
        raise ValueError(msg)
    return value


def take_hold_answer(payload: bytes | None) -> HoldAnswer | None:
    """The answer as it comes on its topic; None if it is none."""
    if payload is None or len(payload) > ANSWER_BYTES_MAX:
        return None
    try:
        answer = _answer.decode(payload)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None
    holds = (
        answer.v == HOLD_VERSION
        and _ID.fullmatch(answer.command)
        and _NAME.fullmatch(answer.output)
        and _STORE.fullmatch(answer.store)
        and all(0 <= count <= COUNT_MAX for count in (answer.rows, answer.unreadable))
        and is_instant(answer.at_ms)
    )
    return answer if holds else None
