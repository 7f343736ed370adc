"""``roadfade publish``: envelopes from files onto the raw topic, or what would become of them.

In: files of one envelope as JSON or of several as NDJSON. What must not happen: a value or
an identifier of an envelope on the screen.
"""

import asyncio
import sys
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import msgspec
import typer

from roadfade.acquaintance import registered_since, require_registered_by
from roadfade.answers import print_json
from roadfade.raw_topic import RawTopic, raw_topic
from roadfade.refusal import Refusal
from roadfade.settings import Settings
from telemetry.envelope import Envelope, decode_envelope
from telemetry.instants import to_ms

FILE_BYTES_MAX: Final = 64 * 1024 * 1024
STANDARD_INPUT: Final = "-"


class Payload(NamedTuple):
    """The bytes of one envelope, and where they stood: ``file:3`` is a file's third."""

    where: str
    value: bytes


def read_payloads(files: Sequence[str]) -> list[Payload]:
    """Every envelope of the files in order; Refusal where one cannot be read or is empty."""
    found = []
    for name in files:
        text = _read(name)
        values = split(text)
        if not values:
            msg = f"{name} is empty: it is to hold an envelope as JSON, or one on each line"
            raise Refusal(msg)
        found += [Payload(f"{name}:{n}", value) for n, value in enumerate(values, start=1)]
    return found


def _read(name: str) -> bytes:
    try:
        if name == STANDARD_INPUT:
            text = sys.stdin.buffer.read(FILE_BYTES_MAX + 1)
        else:
            with Path(name).open("rb") as file:
                text = file.read(FILE_BYTES_MAX + 1)
    except OSError as error:
        msg = f"{name} cannot be read ({error.strerror}): name a file of envelopes, or - for input"
        raise Refusal(msg) from None
    if len(text) > FILE_BYTES_MAX:
        msg = f"{name} is longer than {FILE_BYTES_MAX} bytes: split it"
        raise Refusal(msg)
    return text


def split(text: bytes) -> list[bytes]:
    """One document, or one a line where the lines and not the whole are JSON."""
    lines = [line for line in text.splitlines() if line.strip()]
    if len(lines) > 1 and not _is_json(text) and any(map(_is_json, lines)):
        return lines
    return [text.strip()] if lines else []


def _is_json(text: bytes) -> bool:
    try:
        msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return True


def main(settings: Settings, files: Sequence[str], *, as_json: bool) -> None:
    """Publish them all, or nothing where one is no envelope or its dongle is not known."""
    envelopes = [_decoded(payload) for payload in read_payloads(files)]
    raw = asyncio.run(_publish(settings, envelopes))
    if as_json:
        print_json(raw.counts)
    else:
        typer.echo(
            f"published {raw.readings:,} readings in {raw.envelopes:,} envelopes; "
            f"{raw.not_collected:,} are collected by no purpose and were left out"
        )


def _decoded(payload: Payload) -> Envelope:
    try:
        return decode_envelope(payload.value)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        msg = f"{payload.where} is no envelope; `roadfade publish --check` says why"
        raise Refusal(msg) from None


async def _publish(settings: Settings, envelopes: Collection[Envelope]) -> RawTopic:
    async with raw_topic(settings, "publish") as raw:
        for envelope in envelopes:
            since_ms = await registered_since(settings, envelope.device)
            require_registered_by(since_ms, to_ms(envelope.clock.t0))
        await raw.publish(envelopes)
    return raw
