"""One run of a peer that measures itself, in a process of its own: one line of JSON."""

import argparse
import asyncio
import gc
import json
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

from bench.metering import Figures
from bench.peers.task import Task

YOUNG_OBJECTS_MAX: Final = 100_000
YOUNG_ROUNDS_MAX: Final = 50
"""Other loops collect garbage as seldom as a worker does."""


def _collect_rarely() -> None:
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS_MAX, YOUNG_ROUNDS_MAX, YOUNG_ROUNDS_MAX)


def _road(task: Task) -> Awaitable[Figures]:
    from bench.peers import road  # noqa: PLC0415  # a peer's memory is that of its own modules
    from roadfade.processes.worker.process import collect_rarely  # noqa: PLC0415  # as above

    collect_rarely()
    return road.run_exact(task) if task.peer == "exact" else road.run(task)


def _copy(task: Task) -> Awaitable[Figures]:
    from bench.peers import copying  # noqa: PLC0415  # as above

    _collect_rarely()
    return copying.run(task, light=task.peer == "copy-light")


def _hand(task: Task) -> Awaitable[Figures]:
    from bench.peers import hand  # noqa: PLC0415  # as above

    _collect_rarely()
    return hand.run(task)


RUNS: Final[dict[str, Callable[[Task], Awaitable[Figures]]]] = {
    "roadfade": _road,
    "exact": _road,
    "copy": _copy,
    "copy-light": _copy,
    "hand": _hand,
}


def main() -> None:
    """Run the task that the command line names."""
    ask = argparse.ArgumentParser()
    ask.add_argument("task", type=Path)
    task = Task.read(ask.parse_args().task)
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)

    async def measured() -> Figures:
        return await RUNS[task.peer](task)

    print(json.dumps(asyncio.run(measured())._asdict()))


if __name__ == "__main__":
    main()
