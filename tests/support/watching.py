"""Reading a running process's metrics, and waiting until a condition holds.

In: a road and names. Out: figures of its /metrics pages. A process that does not answer has none.
"""

import time
from collections.abc import Callable
from http.client import HTTPException

from prometheus_client.parser import text_string_to_metric_families

from tests.support.road import Road
from tests.support.scrape import DIRECT

WAIT_S_MAX = 180.0
POLL_S = 0.05


def page(road: Road, process: str) -> str:
    """The /metrics page of one process (``worker-0``, ``sink``, ...); empty while it is away."""
    try:
        address = (road.settings.ports_dir / process).read_text()
        with DIRECT.open(f"http://{address}/metrics", timeout=5) as answer:
            return str(answer.read().decode())
    except (OSError, HTTPException, ValueError):
        return ""


def figure(road: Road, process: str, metric: str) -> float:
    """The sum of a metric over its labels; 0 if there is none."""
    lines = [line.rpartition(" ") for line in page(road, process).splitlines()]
    return sum(float(value) for name, _, value in lines if name.split("{")[0] == metric)


def labelled(road: Road, process: str, metric: str, *labels: str) -> dict[tuple[str, ...], float]:
    """The values of a metric that are not 0, by some of its labels."""
    return {
        tuple(sample.labels[label] for label in labels): sample.value
        for family in text_string_to_metric_families(page(road, process))
        for sample in family.samples
        if sample.name == metric and sample.value
    }


def until(true: Callable[[], object], what: str, wait_s: float = WAIT_S_MAX) -> None:
    """Wait for a condition; fail with what was waited for."""
    deadline = time.monotonic() + wait_s
    while not true():
        assert time.monotonic() < deadline, f"in vain: {what}"
        time.sleep(POLL_S)
