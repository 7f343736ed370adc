"""A process that copies a store and puts it back elsewhere; the kernel kills it at a step."""

import os
import signal
import sys
from pathlib import Path

from sinks.postgres.connection import Database
from sinks.postgres.copying import copy_postgres
from sinks.postgres.restoring import RESTORING, RestoredPostgres
from sinks.postgres.steps import Step
from tests.sinks.postgres.stores import quiet
from tests.sinks.records import NOW_MS

TOKEN = "a-copy"


def main(database: Database, place: Database, folder: Path, fatal: Step) -> None:
    """Copy into a folder, put that back, and take its place."""

    def hook(step: Step) -> None:
        if step is fatal:
            os.kill(os.getpid(), signal.SIGKILL)

    copy_postgres(database, folder, NOW_MS, quiet, hook)
    restored = RestoredPostgres(place, RESTORING, hook)
    restored.put_back(folder, TOKEN, quiet)
    restored.take_place(TOKEN)


if __name__ == "__main__":
    dsn = sys.stdin.readline().strip()  # no list of processes shows it
    schema, there, path, step = sys.argv[1:]
    main(Database(dsn, schema), Database(dsn, there), Path(path), Step(step))
