"""What a process says of itself, again and again, on ``audit.processes``: figures, no people.

Whoever asks whether all is well needs no page, port or folder of the process, which may run in a
container or on another machine. A process that says nothing for a while ended, hangs, or does not
reach the broker. Key: process and host, so that compaction keeps the last word of each.
"""

import math
import re
from collections.abc import Iterator, Mapping
from typing import Final, Literal

import msgspec
from msgspec import Struct

from telemetry.instants import is_instant

REPORT_VERSION: Final = 1
REPORT_BYTES_MAX: Final = 64 * 1024
"""Far below what a topic takes, and far above what the figures of a hundred outputs need."""
EVERY_MS_MAX: Final = 3_600_000
_PROCESS: Final = re.compile(r"[a-z]{1,32}(-[0-9]{1,5})?")
_HOST: Final = re.compile(r"[A-Za-z0-9._-]{1,253}")
_NAME: Final = re.compile(r"[a-z_]{1,100}")
_TEXT: Final = re.compile(r"[ -~]{0,200}")

ProcessState = Literal["running", "ended"]
Figures = Mapping[str, Mapping[str, float]]
"""By metric, then by the value of its only label, empty if it has none."""


class ProcessReport(Struct, frozen=True, forbid_unknown_fields=True):
    """One word of one process. Instants are milliseconds since 1970 UTC by its own clock."""

    v: int
    process: str
    """Its role, and its number if several may run: ``office``, ``worker-0``."""
    host: str
    state: ProcessState
    """``ended``: it was asked to stop and did; the last word of a process that was killed lacks."""
    started_ms: int
    at_ms: int
    every_ms: int
    """When the next word is due, after this one."""
    metrics: str
    """Host and port of its /metrics as it sees them, or empty."""
    version: str
    policy_version: str
    figures: dict[str, dict[str, float]]
    left_out: int = 0
    """How many figures found no room."""

    @property
    def key(self) -> bytes:
        """The Kafka key: the next word of this process takes the place of this one."""
        return f"{self.process}@{self.host}".encode()


_decoder = msgspec.json.Decoder(ProcessReport)


def encode_report(report: ProcessReport) -> bytes:
    """The JSON value of a report, never longer than REPORT_BYTES_MAX: figures are left out first.

    ValueError if it is no report that a reader takes.
    """
    value = msgspec.json.encode(report)
    pairs = list(_pairs(report.figures))
    kept = len(pairs)
    while len(value) > REPORT_BYTES_MAX and kept:
        kept //= 2
        figures: dict[str, dict[str, float]] = {}
        for name, label, figure in pairs[:kept]:
            figures.setdefault(name, {})[label] = figure
        left_out = report.left_out + len(pairs) - kept
        value = msgspec.json.encode(
            msgspec.structs.replace(report, figures=figures, left_out=left_out)
        )
    if take_report(value) is None:
        msg = "a report with a name, an instant or a figure that no process can have"
        raise ValueError(msg)
    return value


def take_report(payload: bytes | None) -> ProcessReport | None:
    """The report as it arrives on the topic; None if it is none, or says what none can say."""
    if payload is None or len(payload) > REPORT_BYTES_MAX:
        return None
    try:
        report = _decoder.decode(payload)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None
    holds = (
        report.v == REPORT_VERSION
        and _PROCESS.fullmatch(report.process)
        and _HOST.fullmatch(report.host)
        and is_instant(report.started_ms)
        and is_instant(report.at_ms)
        and 0 < report.every_ms <= EVERY_MS_MAX
        and report.left_out >= 0
        and all(map(_TEXT.fullmatch, (report.metrics, report.version, report.policy_version)))
        and all(_is_figure(*pair) for pair in _pairs(report.figures))
    )
    return report if holds else None


def _pairs(figures: Figures) -> Iterator[tuple[str, str, float]]:
    for name, by_label in figures.items():
        for label, figure in by_label.items():
            yield name, label, figure


def _is_figure(name: str, label: str, figure: float) -> bool:
    known = _NAME.fullmatch(name) and _TEXT.fullmatch(label)
    return known is not None and math.isfinite(figure)
