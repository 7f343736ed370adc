"""``roadfade replay``: a recorded drive onto the raw topic, with every frame accounted for.

In: a capture, and a CAN database with a map if values are wanted. Out: envelopes on
Kafka, and counts that close. Without a database frames are counted and nothing is claimed.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import tzinfo
from itertools import islice
from pathlib import Path
from typing import Final

import typer
from rich.console import Console
from rich.progress import Progress

from ingest.can import recording
from ingest.can.recording import Recording
from ingest.logs.capture import Capture
from ingest.refused import Refused
from roadfade.clock import wall_ms
from roadfade.commands.vehicles.recorded import RecordedDrive, counted, outcome, show
from roadfade.commands.vehicles.registration import registered_since, require_registered_by
from roadfade.raw_topic import RawTopic, raw_topic
from roadfade.refusal import Refusal
from roadfade.settings import Settings
from roadfade.terminal.answers import print_json
from telemetry.identity import DeviceId
from telemetry.instants import to_ms

ENVELOPES_AT_ONCE: Final = 200


def count_frames(log: Path, zone: tzinfo, *, as_json: bool) -> None:
    """Read the capture to its end and say what it holds; nothing is decoded or published."""
    try:
        capture = Capture(log, zone)
        body = counted(capture, capture.timeline())
    except Refused as refused:
        raise Refusal(str(refused)) from None
    if as_json:
        print_json(body)
        return
    show(body)
    typer.echo("nothing was decoded: name a database and a map (--dbc, --map) to decode frames")


def main(settings: Settings, drive: RecordedDrive, device: DeviceId, *, as_json: bool) -> None:
    """Replay the drive. Refusal if a file cannot be taken or the dongle is not known."""
    with _progress(quiet=as_json) as on_progress:
        try:
            taken, raw = asyncio.run(_replay(settings, drive, device, on_progress))
        except Refused as refused:
            raise Refusal(str(refused)) from None
    body = outcome(taken, raw.readings, raw.not_collected) | {"envelopes": raw.envelopes}
    if as_json:
        print_json(body)
    else:
        typer.echo(f"published {raw.readings:,} readings in {raw.envelopes:,} envelopes")
        show(body)
    if body["unaccounted"]:
        msg = f"{body['unaccounted']} frames or readings are unaccounted for, which is a defect"
        raise Refusal(msg)


async def _replay(
    settings: Settings, drive: RecordedDrive, device: DeviceId, on_progress: recording.Progress
) -> tuple[Recording, RawTopic]:
    async with raw_topic(settings, "replay") as raw:
        taken = await asyncio.to_thread(drive.open, raw.plan.catalogue)
        since_ms = await registered_since(settings, device)
        envelopes = taken.envelopes(
            device,
            raw.plan.collected,
            wall_ms(),
            keep_time=drive.keep_time,
            on_progress=on_progress,
        )
        while some := await asyncio.to_thread(list, islice(envelopes, ENVELOPES_AT_ONCE)):
            if not raw.envelopes:
                require_registered_by(since_ms, to_ms(some[0].clock.t0))
            await raw.publish(some)
    return taken, raw


@contextmanager
def _progress(*, quiet: bool) -> Iterator[recording.Progress]:
    console = Console()
    if quiet or not console.is_terminal:
        yield lambda _done, _total: None
        return
    with Progress(console=console, transient=True) as bar:
        task = bar.add_task("frames", total=None)
        yield lambda done, whole: bar.update(task, completed=done, total=whole)
