"""A process that writes the crash tests' batches and is killed by the kernel at a step."""

import os
import signal
import sys
from pathlib import Path

from sinks.lake.steps import Step
from tests.sinks.lake.test_crashes import BATCHES
from tests.sinks.lakes import open_lake
from tests.sinks.records import NOW_MS


def main(root: Path, fatal: Step) -> None:
    """Let the first batch pass; die in the second."""
    second = False

    def hook(step: Step) -> None:
        if second and step is fatal:
            os.kill(os.getpid(), signal.SIGKILL)

    lake = open_lake(root, at=hook)
    lake.write(BATCHES[0], NOW_MS)
    second = True
    lake.write(BATCHES[1], NOW_MS)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Step(sys.argv[2]))
