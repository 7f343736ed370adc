"""``roadfade replay``: a recorded drive onto the raw topic, with every frame accounted for.

In: a capture, and a CAN database with a map if values are wanted. Out: envelopes on
Kafka, and counts that close. Without a database frames are counted and nothing is claimed.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import tzinfo
from itertools import islice
from pathlib import Path
from typing import Any, Final

import typer
from rich.console import Console
from rich.progress import Progress

from ingest.can import recording
from ingest.can.recording import Recording
from ingest.logs.capture import Capture
from ingest.logs.frame import LogCounts
from ingest.raw_topic import RawPublisher
from ingest.refused import Refused
from roadfade.clock import wall_ms
from roadfade.commands.registration import registered_since, require_registered_by
from roadfade.raw_topic import RawTopic, raw_topic
from roadfade.refusal import Refusal
from roadfade.settings import Settings
from roadfade.terminal.answers import print_json
from telemetry.identity import DeviceId
from telemetry.instants import to_ms

ENVELOPES_AT_ONCE: Final = 200


@dataclass(frozen=True, slots=True)
class RecordedDrive:
    """What to replay, and as whose."""

    log: Path
    database: Path
    map_name: str
    device: DeviceId
    zone: tzinfo
    keep_time: bool
    bus: str | None = None


def count_frames(log: Path, zone: tzinfo, *, as_json: bool) -> None:
    """Read the capture to its end and say what it holds; nothing is decoded or published."""
    try:
        capture = Capture(log, zone)
        capture.span()
    except Refused as refused:
        raise Refusal(str(refused)) from None
    body = {"form": str(capture.form), "frames": frames_of(capture.counts), "claimed": 0}
    if as_json:
        print_json(body)
        return
    typer.echo(_line("frames", capture.counts.frames, _kinds(capture.counts)))
    typer.echo("nothing was decoded: name a database and a map (--dbc, --map) to decode frames")


def main(settings: Settings, drive: RecordedDrive, *, as_json: bool) -> None:
    """Replay the drive. Refusal if a file cannot be taken or the dongle is not known."""
    with _progress(quiet=as_json) as on_progress:
        try:
            taken, raw = asyncio.run(_replay(settings, drive, on_progress))
        except Refused as refused:
            raise Refusal(str(refused)) from None
    body = report(taken, raw)
    if as_json:
        print_json(body)
    else:
        _show(body, taken.capture.counts)
    if body["unaccounted"]:
        msg = f"{body['unaccounted']} frames or readings are unaccounted for, which is a defect"
        raise Refusal(msg)


async def _replay(
    settings: Settings, drive: RecordedDrive, on_progress: recording.Progress
) -> tuple[Recording, RawTopic]:
    async with raw_topic(settings, "replay") as raw:
        taken = await asyncio.to_thread(
            Recording,
            drive.log,
            drive.database,
            drive.map_name,
            raw.plan.catalogue,
            drive.zone,
            drive.bus,
        )
        since_ms = await registered_since(settings, drive.device)
        envelopes = taken.envelopes(
            drive.device,
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


def report(taken: Recording, raw: RawPublisher) -> dict[str, Any]:
    """What became of every frame, value and reading; ``unaccounted`` is 0 or there is a fault."""
    counts, log = taken.counts, taken.capture.counts
    stayed = counts.not_collected + raw.not_collected
    unsent = abs(counts.readings - raw.readings - raw.not_collected)
    return {
        "form": str(taken.capture.form),
        "frames": frames_of(log),
        "data_frames": {"decoded": counts.decoded}
        | {str(reason): count for reason, count in sorted(counts.undecoded.items())},
        "values": {
            "published": raw.readings,
            "not_collected": stayed,
            "unmapped": counts.unmapped,
        }
        | {str(reason): count for reason, count in sorted(counts.unfit.items())},
        "envelopes": raw.envelopes,
        "readings": raw.readings,
        "unaccounted": counts.unaccounted(log) + unsent,
    }


def frames_of(log: LogCounts) -> dict[str, Any]:
    """The capture's counts as JSON."""
    return {
        "read": log.frames,
        **_kinds(log),
        "other_lines": log.other,
        "bad_lines": log.bad,
        "truncated": log.truncated,
    }


def _kinds(log: LogCounts) -> dict[str, int]:
    return {"data": log.data, "error": log.error, "remote": log.remote}


def _line(what: str, whole: int, parts: dict[str, int]) -> str:
    listed = " + ".join(f"{count:,} {name.replace('_', ' ')}" for name, count in parts.items())
    return f"{what:<12}{whole:>10,} = {listed}"


def _show(body: dict[str, Any], log: LogCounts) -> None:
    typer.echo(_line("frames", log.frames, _kinds(log)))
    typer.echo(_line("data frames", log.data, body["data_frames"]))
    typer.echo(_line("values", sum(body["values"].values()), body["values"]))
    typer.echo(f"published {body['readings']:,} readings in {body['envelopes']:,} envelopes")
    if log.bad:
        typer.echo(f"{log.bad:,} lines were cut off or garbled and are no frames", err=True)
    if log.truncated:
        typer.echo("the capture is cut off; everything before the cut was read", err=True)


@contextmanager
def _progress(*, quiet: bool) -> Iterator[recording.Progress]:
    console = Console()
    if quiet or not console.is_terminal:
        yield lambda _done, _total: None
        return
    with Progress(console=console, transient=True) as bar:
        task = bar.add_task("frames", total=None)
        yield lambda done, whole: bar.update(task, completed=done, total=whole)
