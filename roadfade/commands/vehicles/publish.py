"""``roadfade publish``: envelopes from files onto the raw topic, or what would become of them.

In: files of one envelope as JSON or of several as NDJSON. What must not happen: a value or
an identifier of an envelope on the screen.
"""

import asyncio
from collections.abc import Collection, Sequence

import msgspec
import typer

from roadfade.commands.vehicles.foreign import Foreign, read_foreign
from roadfade.commands.vehicles.payloads import Payload, read_payloads
from roadfade.commands.vehicles.registration import registered_since, require_registered_by
from roadfade.raw_topic import RawTopic, raw_topic
from roadfade.refusal import Refusal
from roadfade.settings import Settings
from roadfade.terminal.answers import print_json
from telemetry.instants import to_ms
from telemetry.wire.envelope import Envelope, decode_envelope


def main(
    settings: Settings, files: Sequence[str], *, as_json: bool, foreign: Foreign | None = None
) -> None:
    """Publish them all, or nothing if one is no envelope or its dongle is not known.

    ``foreign``: the files are messages of another system.
    """
    made = None if foreign is None else read_foreign(files, foreign)
    payloads = read_payloads(files) if made is None else made.payloads
    envelopes = [_decoded(payload) for payload in payloads]
    raw = asyncio.run(_publish(settings, envelopes))
    if as_json:
        print_json(raw.counts if made is None else {**raw.counts, "left_out": made.left_out})
    else:
        typer.echo(
            f"published {raw.readings:,} readings in {raw.envelopes:,} envelopes; "
            f"{raw.not_collected:,} are collected by no purpose and were left out"
        )
        typer.echo("".join(f"{line}\n" for line in made.report()) if made else "", nl=False)


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
