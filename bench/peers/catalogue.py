"""Every peer: how it is started, how it is measured, and how long a run it needs."""

import sys
from collections.abc import Callable
from typing import Final, NamedTuple

from bench.metering import FROM
from bench.peers.environments import java_command, python_command
from bench.peers.inside import RUNS


def _ours() -> list[str]:
    return [sys.executable, "-m", "bench.peers.inside"]


class Peer(NamedTuple):
    """One peer; ``command`` takes the task's file as its last word."""

    command: Callable[[], list[str]] = _ours
    """AbsentError if it cannot be run here."""
    inside: bool = True
    """It measures itself and ends by itself; others are watched and ended."""
    times: int = 1
    """It reads the job's records so many times over."""
    counted_from: float = FROM
    """What part of a run is its warming up."""
    few_headers: bool = False
    """It writes four headers; Roadfade up to eleven."""


WARM_FROM: Final = 0.75
JAVA_TIMES: Final = 10
"""Java is compiled while it runs: what it costs shows after some hundred thousand records."""


def _java(name: str) -> Peer:
    return Peer(
        lambda: java_command(f"bench.{name}"), inside=False, times=JAVA_TIMES,
        counted_from=WARM_FROM, few_headers=True,
    )  # fmt: skip


def _python(engine: str) -> Peer:
    module = f"bench.peers.{engine}_flow"
    return Peer(lambda: python_command(engine, module), inside=False, few_headers=True)


PEERS: Final[dict[str, Peer]] = {
    **{name: Peer(few_headers=name == "hand") for name in RUNS},
    "kafka-streams": _java("Natural"),
    "kafka-streams-tuned": _java("Tuned"),
    "bytewax": _python("bytewax"),
    "quixstreams": _python("quixstreams"),
}
