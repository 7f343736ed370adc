"""The /metrics of every process that ever started on this state folder, read once.

In: the folder where processes write their addresses. Out: samples, or that one did not
answer. A process that hangs must not hang the reader.
"""

import urllib.error
import urllib.request
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import Final, NamedTuple

from prometheus_client.parser import text_string_to_metric_families

ANSWER_S_MAX: Final = 2.0
PAGE_BYTES_MAX: Final = 4 * 1024 * 1024
PROCESSES_MAX: Final = 64


class Sample(NamedTuple):
    """One line of a metrics page; ``label`` is its only label's value, or empty."""

    name: str
    label: str
    value: float


@dataclass(frozen=True, slots=True)
class Process:
    """A process by the name it wrote; ``samples`` None: it did not answer."""

    name: str
    address: str
    samples: tuple[Sample, ...] | None
    versions: tuple[str, str] = ("", "")
    """Versions of the program and of the policy, if it exports them."""

    def values(self, name: str) -> dict[str, float]:
        """Values of one metric by label; empty if there is none."""
        return {s.label: s.value for s in self.samples or () if s.name == name}


def scrape(ports_dir: Path) -> tuple[Process, ...]:
    """Every process, by name. Blocks a few seconds at most."""
    found = sorted(ports_dir.iterdir())[:PROCESSES_MAX] if ports_dir.exists() else []
    with ThreadPoolExecutor(max_workers=8) as pool:
        return tuple(pool.map(_read, found))


def highest(processes: Iterable[Process], name: str) -> dict[str, float]:
    """The highest value of a gauge by label: every process exports all, 0 if not its own."""
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


def _read(file: Path) -> Process:
    address = file.read_text(encoding="utf-8")
    try:
        with urllib.request.urlopen(f"http://{address}/metrics", timeout=ANSWER_S_MAX) as page:
            text = page.read(PAGE_BYTES_MAX).decode()
        families = list(text_string_to_metric_families(text))
    except (OSError, urllib.error.URLError, HTTPException, ValueError):
        return Process(file.name, address, None)
    samples, versions = [], ("", "")
    for family in families:
        for name, labels, value, *_ in family.samples:
            if name == "roadfade_build_info":
                versions = (labels["version"], labels["policy_version"])
            elif len(labels) <= 1:
                samples.append(Sample(name, next(iter(labels.values()), ""), value))
    return Process(file.name, address, tuple(samples), versions)
