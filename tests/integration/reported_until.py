"""An office that takes reported events, and is killed by the kernel at a moment of that."""

import asyncio
import os
import signal
import sys
from pathlib import Path

from bus.client.connection import Connection
from office.store.database import Database
from roadfade.clock import wall_ms
from roadfade.processes.office.reported_events import Moment, ReportedEvents
from roadfade.settings import Settings


async def main(servers: str, prefix: str, folder: Path, fatal: Moment) -> None:
    """Read until it is killed."""

    def hook(moment: Moment) -> None:
        if moment is fatal:
            os.kill(os.getpid(), signal.SIGKILL)

    settings = Settings(state_dir=folder, topic_prefix=prefix)
    async with Database.opened(settings.office_path) as database:
        broker = Connection(servers, prefix=prefix)
        await ReportedEvents(settings, broker, database, wall_ms, hook).run(asyncio.Event())


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], Path(sys.argv[3]), Moment(sys.argv[4])))
