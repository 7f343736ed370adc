"""What became of a recorded capture: one table and one object, for all commands that read one.

In: a capture or a recording that was read to its end. Out: counts that close, and warnings. No
value, no identifier.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from pathlib import Path
from typing import Any

import typer
from rich.console import Console
from rich.table import Table

from ingest.can.decode import Undecoded
from ingest.can.recording import Recording
from ingest.logs.capture import Capture
from ingest.logs.frame import LogCounts
from ingest.logs.held import HELD_MIB
from ingest.logs.timeline import Timeline
from telemetry.signals import Catalogue


@dataclass(frozen=True, slots=True)
class RecordedDrive:
    """A capture with what decodes it, and how its clock is to be understood."""

    log: Path
    database: Path
    map_name: str
    zone: tzinfo
    """Of times that name none."""
    keep_time: bool
    """Else the last frame is moved to now."""
    bus: str | None = None
    """The bus of the map, as the log names it."""
    held_mib_max: int = HELD_MIB
    """Memory that the capture's frames may take."""

    def open(self, catalogue: Catalogue) -> Recording:
        """Read database and map; ``Refused`` if one of the files cannot be used."""
        return Recording(
            self.log, self.database, self.map_name, catalogue, self.zone, self.bus,
            self.held_mib_max,
        )  # fmt: skip


def counted(capture: Capture, clock: Timeline) -> dict[str, Any]:
    """The object of a capture of which nothing was decoded."""
    log = capture.counts
    log.data -= clock.wild
    log.bad_stamps += clock.wild
    return {
        "form": str(capture.form),
        "frames": _frames(log, clock),
        "claimed": 0,
        "warnings": _of_log(log, clock),
    }


def outcome(taken: Recording, readings: int, not_collected: int = 0) -> dict[str, Any]:
    """The object of a recording whose envelopes were all taken.

    ``readings``: how many went on; ``not_collected``: how many were kept back after the map.
    ``unaccounted`` is 0 or there is a fault.
    """
    counts, log = taken.counts, taken.capture.counts
    kept = {
        "published": readings,
        "not_collected": counts.not_collected + not_collected,
        "unmapped": counts.unmapped,
    }
    unsent = abs(counts.readings - readings - not_collected)
    return {
        "form": str(taken.capture.form),
        "frames": _frames(log, taken.clock),
        "data_frames": {"decoded": counts.decoded}
        | {str(reason): count for reason, count in sorted(counts.undecoded.items())},
        "values": kept | {str(reason): count for reason, count in sorted(counts.unfit.items())},
        "readings": readings,
        "unaccounted": counts.unaccounted(log) + unsent,
        "warnings": [*_of_log(log, taken.clock), *_of_nothing(taken, readings)],
    }


def show(body: Mapping[str, Any]) -> None:
    """The object as one table, and its warnings on standard error."""
    frames = body["frames"]
    table = Table(title=f"what became of the capture ({body['form']})")
    for column in ("", "in", "out", "withheld, by reason"):
        table.add_column(column, justify="right" if column in ("in", "out") else "left")
    _row(table, "frames", frames["data"], {k: frames[k] for k in ("error", "remote", "bad_stamps")})
    if "data_frames" in body:
        withheld = dict(body["data_frames"])
        _row(table, "data frames decoded", withheld.pop("decoded"), withheld)
        withheld = dict(body["values"])
        _row(table, "values to readings", withheld.pop("published"), withheld)
    Console().print(table)
    for warning in body["warnings"]:
        typer.echo(f"warning: {warning}", err=True)


def _row(table: Table, what: str, out: int, withheld: Mapping[str, int]) -> None:
    listed = ", ".join(f"{why} {count:,}" for why, count in withheld.items() if count)
    table.add_row(what, f"{out + sum(withheld.values()):,}", f"{out:,}", listed)


def _frames(log: LogCounts, clock: Timeline) -> dict[str, Any]:
    return {
        "read": log.frames,
        "data": log.data,
        "error": log.error,
        "remote": log.remote,
        "bad_stamps": log.bad_stamps,
        "other_lines": log.other,
        "bad_lines": log.bad,
        "shown_twice": log.shown_twice,
        "never_shown": log.never_shown,
        "truncated": log.truncated,
        "unfinished": log.unfinished,
        "clocks": len(clock.parts),
    }


def _of_log(log: LogCounts, clock: Timeline) -> list[str]:
    found = []
    if log.bad:
        found.append(f"{log.bad:,} lines or frames were cut off or garbled and are not taken")
    if log.truncated:
        found.append(
            "the capture is cut off, damaged or never closed; it was read as far as that goes"
        )
    elif log.unfinished:
        found.append(
            "the capture was never finished by its logger: every frame in it was read, and nothing "
            "in it says whether more were recorded; let the logger's own tool finish it to know"
        )
    if log.bad_stamps:
        found.append(f"{log.bad_stamps:,} frames have times that cannot be right and are left out")
    if log.shown_twice:
        found.append(
            f"{log.shown_twice:,} times of the log lie in an hour that clocks of the zone show "
            "twice; the order of the log decides which is meant, and a log that begins there "
            "begins in the first: if that is wrong, name the offset instead, as Etc/GMT+5"
        )
    if log.never_shown:
        found.append(
            f"{log.never_shown:,} times of the log lie in an hour that clocks of the zone never "
            "show: see if --zone is where the logger was"
        )
    if len(clock.parts) > 1:
        found.append(
            f"the capture's clock was set while it ran, {len(clock.parts):,} parts: each is moved "
            "by itself, to end as the next begins; with --keep-time none is moved"
        )
    if not log.data:
        found.append("the capture holds no data frame that can be taken")
    return found


def _of_nothing(taken: Recording, readings: int) -> Sequence[str]:
    if readings or not taken.capture.counts.data:
        return ()
    counts = taken.counts
    if counts.undecoded[Undecoded.UNKNOWN_ID] == taken.capture.counts.data:
        why = "no frame has an id of the database; see if --dbc is that of this car"
    elif not counts.decoded:
        why = "no frame was decoded, for the reasons in the table"
    elif counts.values == counts.unmapped:
        why = "the map names no signal that was decoded; see if --map is for this database"
    else:
        why = "every value was withheld, for the reasons in the table"
    return (f"the capture gave 0 readings: {why}",)
