"""The processes of an installation as their own last words have them. Pure.

In: reports by process, with the broker's time of each. Out: who runs, who says nothing any more,
who was stopped; and figures over all that run.
"""

import math
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple

from policy.artefacts.topics import REPORT_LIFE_MS
from telemetry.instants import SECOND_MS
from telemetry.wire.process_report import ProcessReport

WORDS_MISSED_MAX: Final = 3
MORE_MS: Final = 5_000
"""A process is silent if so many words are missing, and so much time more has passed."""


class State(StrEnum):
    """What is known of a process."""

    RUNNING = "running"
    SILENT = "silent"
    """It ended without saying so, hangs, or does not reach the broker."""
    STOPPED = "stopped"
    """It was asked to end, and said so."""


class Sample(NamedTuple):
    """One figure of a process; ``label`` is its only label's value, or empty."""

    name: str
    label: str
    value: float


class Word(NamedTuple):
    """The last report of a process, and when it came to the broker, in milliseconds UTC."""

    report: ProcessReport
    stamp_ms: int


@dataclass(frozen=True, slots=True)
class Process:
    """A process by its own last word. What one says that does not run counts for nothing."""

    name: str
    host: str
    state: State
    said_s: float
    """How long ago its last word came to the broker."""
    samples: tuple[Sample, ...] = ()
    """Empty unless it runs."""
    page: str = ""
    versions: tuple[str, str] = ("", "")
    """Versions of the program and of the policy it applies."""
    left_out: int = 0
    """Figures that found no room in its word."""
    runs_s: float = math.inf
    """How long ago it started, by its own word; infinite if that is not asked."""

    @property
    def role(self) -> str:
        """``worker-1`` is a worker."""
        return self.name.partition("-")[0]

    @property
    def place(self) -> str:
        """The process and where it runs, for sentences."""
        return f"{self.name} on {self.host}"

    def values(self, name: str) -> dict[str, float]:
        """Values of one metric by label; empty if there is none."""
        return {s.label: s.value for s in self.samples if s.name == name}


def still_told(words: Mapping[bytes, Word]) -> dict[bytes, Word]:
    """Without words much older than the newest: the topic may keep them, and nobody needs them."""
    newest_ms = max((word.stamp_ms for word in words.values()), default=0)
    return {key: w for key, w in words.items() if newest_ms - w.stamp_ms <= REPORT_LIFE_MS}


def late(words: Mapping[bytes, Word], now_ms: int) -> dict[bytes, Word]:
    """The words after which the next should have come long ago.

    The newest word counts as now, if the own clock is behind the broker's.
    """
    reference_ms = max([now_ms, *(word.stamp_ms for word in words.values())])
    return {
        key: word
        for key, word in words.items()
        if word.report.state == "running"
        and reference_ms - word.stamp_ms > WORDS_MISSED_MAX * word.report.every_ms + MORE_MS
    }


def processes_of(
    words: Mapping[bytes, Word], now_ms: int, silent: Collection[bytes]
) -> tuple[Process, ...]:
    """Every process by name and host, without those whose place another one took since."""
    found = [
        (word, _process(word, now_ms, _state_of(word, is_silent=key in silent)))
        for key, word in words.items()
    ]
    running = [word for word, process in found if process.state is State.RUNNING]
    kept = [one for word, one in found if not any(_replaces(other, word) for other in running)]
    return tuple(sorted(kept, key=lambda one: (one.name, one.host)))


def _replaces(running: Word, word: Word) -> bool:
    """A container that is made anew has the old one's name and role, and a host of its own."""
    same = running.report.process == word.report.process
    return same and running is not word and running.report.started_ms >= word.report.at_ms


def _state_of(word: Word, *, is_silent: bool) -> State:
    if word.report.state == "ended":
        return State.STOPPED
    return State.SILENT if is_silent else State.RUNNING


def _process(word: Word, now_ms: int, state: State) -> Process:
    report = word.report
    samples = (
        Sample(name, label, value)
        for name, by_label in report.figures.items()
        for label, value in by_label.items()
    )
    runs = state is State.RUNNING
    return Process(
        report.process,
        report.host,
        state,
        max(0, now_ms - word.stamp_ms) / SECOND_MS,
        tuple(samples) if runs else (),
        report.metrics,
        (report.version, report.policy_version),
        report.left_out if runs else 0,
        max(0, now_ms - report.started_ms) / SECOND_MS,
    )


def highest(processes: Iterable[Process], name: str) -> dict[str, float]:
    """The highest value of a gauge by label: every process has all, 0 if not its own."""
    found: dict[str, float] = {}
    for process in processes:
        for label, value in process.values(name).items():
            found[label] = max(value, found.get(label, value))
    return found


def farthest(processes: Iterable[Process], name: str) -> dict[str, float]:
    """The value of a gauge that is farthest from 0, on either side, by label."""
    found: dict[str, float] = {}
    for process in processes:
        for label, value in process.values(name).items():
            found[label] = max(value, found.get(label, value), key=abs)
    return found


def total(processes: Iterable[Process], name: str) -> dict[str, float]:
    """A counter's sum over all processes by label, without zeros."""
    found: dict[str, float] = {}
    for process in processes:
        for label, value in process.values(name).items():
            found[label] = found.get(label, 0) + value
    return {label: value for label, value in found.items() if value}
