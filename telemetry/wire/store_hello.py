"""What a store says of itself before it keeps a first row, on ``audit.erasures``: that it is there.

In: its name and the outputs of which it keeps rows. Out: one small message, given anew at each
start of a sink and each day. A store that said so is awaited by every request whose commands live,
whether it ever answered one or not. It names nobody and counts nothing.
"""

import re
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta, Struct

from telemetry.instants import is_instant

HELLO_VERSION: Final = 1
HELLO_KEY: Final = "hello:"
"""How the Kafka key of a hello begins; behind it comes the store's name."""
OUTPUTS_MAX: Final = 1_000
"""In one hello: as many as the office remembers stores of."""
HELLO_BYTES_MAX: Final = 256 * 1024
_STORE: Final = re.compile(r"[a-z0-9:._-]{1,100}")
_NAME: Final = re.compile(r"[a-z0-9_.]{1,200}")


class StoreHello(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A store that keeps rows, or is about to."""

    v: int
    kind: Literal["hello"]
    store: str
    """Its kind, and which of them it is: random, made with the store."""
    outputs: Annotated[list[str], Meta(min_length=1, max_length=OUTPUTS_MAX)]
    """Of which it keeps rows, or may have some left."""
    at_ms: int
    """When it said so, by the store's clock: milliseconds UTC."""

    @property
    def key(self) -> bytes:
        """The Kafka key: one store's hellos lie in one partition, in order."""
        return f"{HELLO_KEY}{self.store}".encode()


_hello: msgspec.json.Decoder[StoreHello] = msgspec.json.Decoder(StoreHello)


def is_output(name: str) -> bool:
    """Whether commands can name this output."""
    return _NAME.fullmatch(name) is not None


def encode_hello(hello: StoreHello) -> bytes:
    """The JSON value of a hello; ValueError if it is none that the office takes."""
    value = msgspec.json.encode(hello)
    if take_hello(value) is None:
        msg = "a hello with a name, an instant or outputs that none can have"
        raise ValueError(msg)
    return value


def take_hello(payload: bytes | None) -> StoreHello | None:
    """The hello as it comes on its topic; None if it is none."""
    if payload is None or len(payload) > HELLO_BYTES_MAX:
        return None
    try:
        hello = _hello.decode(payload)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None
    holds = (
        hello.v == HELLO_VERSION
        and _STORE.fullmatch(hello.store)
        and all(map(is_output, hello.outputs))
        and is_instant(hello.at_ms)
    )
    return hello if holds else None
