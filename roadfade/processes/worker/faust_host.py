"""The Faust application: hosts the data plane as a service, and folds the ledger.

The data plane never passes through Faust. The one agent has the only shape that loses
nothing here: raw bytes, no automatic acknowledgement, one actor, an explicit ack after the
work is durable. A ledger that cannot be written is waited for; the data plane goes on.
"""

import asyncio
import logging
import os
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final, Protocol

import faust
import mode
from mode.supervisors import CrashingSupervisor

from bus.client import bounded_fetch
from bus.client.connection import Connection
from bus.client.security import MECHANISM, Security
from bus.failures import RowFault
from roadfade.in_force.quarantine import set_aside
from roadfade.ledger_file import LedgerFile, NewerLedgerError, Place
from roadfade.processes.worker import ledger_consumer
from roadfade.processes.worker.ledger_fold import fold_at_last
from roadfade.refusal import NotReady
from telemetry.topics import AUDIT_FLOW, LEDGER_GROUP
from telemetry.wire import flow

STOP_S_MAX: Final = 25
"""A process that is still running this long after it was asked to stop kills itself."""


class Hosted(Protocol):
    """A data plane: ``run`` works until ``stop``; an exception of it ends the process."""

    async def run(self) -> None:
        """Work until stopped."""
        ...

    async def stop(self) -> None:
        """Finish what is in hand."""
        ...


def build_app(
    connection: Connection,
    ledger_path: Path,
    open_plane: Callable[[], Awaitable[Hosted]],
    member: str,
    datadir: Path,
) -> Any:
    """The application, connected to nothing until its worker starts."""
    bounded_fetch.install()
    # Faust reads this one topic. Its consumer goes on behind what was passed over.
    bounded_fetch.tell_of_others(lambda _: set_aside(AUDIT_FLOW, RowFault.UNPACKING))
    app = faust.App(
        connection.group(LEDGER_GROUP),
        broker=f"kafka://{connection.bootstrap_servers}",
        broker_credentials=_credentials(connection.security),
        datadir=datadir,
        value_serializer="raw",
        key_serializer="raw",
        store="memory://",
        web_enabled=False,
        topic_allow_declare=False,
        topic_disable_leader=True,
        table_standby_replicas=0,
        broker_session_timeout=10,
        broker_heartbeat_interval=3,
        broker_commit_interval=1,
        stream_wait_empty=True,
        consumer_group_instance_id=member,
        consumer_auto_offset_reset="earliest",
        agent_supervisor=CrashingSupervisor,
    )
    ledger_consumer.use_in(app)
    audit = app.topic(connection.topic(AUDIT_FLOW), value_serializer="raw", key_serializer="raw")
    try:
        ledger = LedgerFile(ledger_path)
    except NewerLedgerError as error:
        raise NotReady(str(error)) from None

    @app.agent(audit, concurrency=1)
    async def fold(stream: Any) -> None:
        async for event in stream.noack().events():
            record = flow.take_flow(event.message.value)
            if record is None:
                set_aside(AUDIT_FLOW, RowFault.UNDECODABLE)
            else:
                message = event.message
                place = Place(message.offset, int(message.timestamp * 1000))
                await fold_at_last(ledger, record, place)
            await stream.ack(event)

    app.service(_plane_service(open_plane))
    return app


def _credentials(security: Security) -> Any:
    """The same door, in Faust's words: its own consumer and producer go through it."""
    if security.protocol == "plaintext":
        return None
    if security.protocol == "ssl":
        return faust.SSLCredentials(security.context())
    return faust.SASLCredentials(
        username=security.user,
        password=security.password,
        ssl_context=security.context(),
        mechanism=MECHANISM,
    )


def _plane_service(open_plane: Callable[[], Awaitable[Hosted]]) -> type[Any]:
    class DataPlane(mode.Service):
        """Runs the hosted plane for as long as the worker lives."""

        plane: Hosted | None = None

        @mode.Service.task
        async def carry(self) -> None:
            self.plane = await open_plane()
            await self.plane.run()
            if not self.should_stop:
                msg = "the data plane ended by itself"
                raise RuntimeError(msg)

        async def on_stop(self) -> None:
            last_resort = threading.Timer(STOP_S_MAX, os._exit, (1,))
            last_resort.daemon = True
            last_resort.start()
            if self.plane is not None:
                await self.plane.stop()

    # What it says of itself is the library's, and no event of ours.
    DataPlane.logger = logging.getLogger("mode.data_plane")
    return DataPlane


def run_worker(app: Any) -> None:
    """Run the worker until a signal; SystemExit with its code (not 0 after a crash)."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    # Logging is set up already; Faust's own would replace it.
    worker = faust.Worker(
        app, loop=loop, loglevel="WARN", redirect_stdouts=False, quiet=True, override_logging=False
    )
    # It moves the cursor of a terminal, also if standard output is a file.
    worker.spinner = None
    worker.execute_from_commandline()
