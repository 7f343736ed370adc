"""A process that changes a store and is killed by the kernel at a step, before it commits."""

import os
import signal
import sys

from sinks.postgres.connection import Database
from sinks.postgres.steps import Step
from tests.sinks.postgres.stores import open_sink
from tests.sinks.records import EXPIRES_MS, NOW_MS, OUTPUT_A, SPEED, record, whose
from tests.sinks.restating import FixedEnds

SOONER_MS = EXPIRES_MS - 86_400_000
FIRST = [record(0, pseudonym="GONE"), record(1, pseudonym="STAYS")]
SECOND = [record(2, pseudonym="GONE"), record(3, pseudonym="STAYS")]


def main(database: Database, fatal: Step) -> None:
    """Let the first batch pass; die in what comes then."""
    is_armed = False

    def hook(step: Step) -> None:
        if is_armed and step is fatal:
            os.kill(os.getpid(), signal.SIGKILL)

    sink = open_sink(database, at=hook)
    sink.write(FIRST, NOW_MS)
    is_armed = True
    if fatal is Step.COPIED:
        sink.write(SECOND, NOW_MS)
    elif fatal is Step.DROPPED:
        sink.expire(EXPIRES_MS)
    elif fatal is Step.SWAPPED:
        sink.erase(OUTPUT_A, whose("GONE"), NOW_MS)
    else:
        sink.restate(FixedEnds({SPEED: SOONER_MS}), NOW_MS)


if __name__ == "__main__":
    dsn = sys.stdin.readline().strip()  # no list of processes shows it
    main(Database(dsn, sys.argv[1]), Step(sys.argv[2]))
