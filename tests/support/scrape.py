"""The /metrics of every process of a state folder, read once.

In: the folder where processes write their addresses. Out: figures, or that one did not answer.
"""

import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import Final

from prometheus_client.parser import text_string_to_metric_families

from roadfade.status.processes import Sample

ANSWER_S_MAX: Final = 2.0
# A proxy of the environment must not come between us and our own processes.
DIRECT: Final = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@dataclass(frozen=True, slots=True)
class Page:
    """A process by the name it wrote; ``samples`` None: it did not answer."""

    name: str
    samples: tuple[Sample, ...] | None
    versions: tuple[str, str] = ("", "")

    def values(self, name: str) -> dict[str, float]:
        """Values of one metric by label; empty if there is none."""
        return {s.label: s.value for s in self.samples or () if s.name == name}


def scrape(ports_dir: Path) -> tuple[Page, ...]:
    """Every process, by name. Blocks a few seconds at most."""
    found = sorted(ports_dir.iterdir()) if ports_dir.exists() else []
    with ThreadPoolExecutor(max_workers=8) as pool:
        return tuple(pool.map(_read, found))


def _read(file: Path) -> Page:
    address = file.read_text(encoding="utf-8")
    try:
        with DIRECT.open(f"http://{address}/metrics", timeout=ANSWER_S_MAX) as page:
            families = list(text_string_to_metric_families(page.read().decode()))
    except (OSError, urllib.error.URLError, HTTPException, ValueError):
        return Page(file.name, None)
    samples, versions = [], ("", "")
    for family in families:
        for name, labels, value, *_ in family.samples:
            if name == "roadfade_build_info":
                versions = (labels["version"], labels["policy_version"])
            elif len(labels) <= 1:
                samples.append(Sample(name, next(iter(labels.values()), ""), value))
    return Page(file.name, tuple(samples), versions)
