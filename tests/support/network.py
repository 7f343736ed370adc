"""A network between some processes and a broker, which a test may cut.

In: a port behind it. Out: a port before it. While it is cut nothing passes and nothing is closed, as
if the packets were lost; afterwards what waited goes on, as TCP would send it again.
"""

import asyncio
import contextlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from roadfade.local.broker import LocalBroker
from roadfade.local.ports import free_port
from tests.support.broker import HEAP_MAX_MIB, libs_and_java

PIECE_BYTES = 64 * 1024


class Network:
    """Forwards connections in a thread of its own; see ``network_to``."""

    def __init__(self, port: int, behind_port: int) -> None:
        self.port = port
        self._behind_port = behind_port
        self._loop = asyncio.new_event_loop()
        self._whole = asyncio.Event()
        self._whole.set()

    def cut(self) -> None:
        """Let nothing pass from now on."""
        self._loop.call_soon_threadsafe(self._whole.clear)

    def mend(self) -> None:
        """Let everything pass again."""
        self._loop.call_soon_threadsafe(self._whole.set)

    def run(self, ready: threading.Event, stop: asyncio.Event) -> None:
        """Forward until ``stop``; the work of the thread."""
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._serve(ready, stop))

    def ask_to_stop(self, stop: asyncio.Event) -> None:
        """Set ``stop`` on the thread's own loop."""
        self._loop.call_soon_threadsafe(stop.set)

    async def _serve(self, ready: threading.Event, stop: asyncio.Event) -> None:
        server = await asyncio.start_server(self._connected, "127.0.0.1", self.port)
        ready.set()
        await stop.wait()
        server.close()

    async def _connected(self, near: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        await self._whole.wait()
        try:
            far, there = await asyncio.open_connection("127.0.0.1", self._behind_port)
        except OSError:
            back.close()
            return
        async with asyncio.TaskGroup() as group:
            group.create_task(self._pass_on(near, there))
            group.create_task(self._pass_on(far, back))

    async def _pass_on(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while piece := await source.read(PIECE_BYTES):
                await self._whole.wait()
                sink.write(piece)
                await sink.drain()
        sink.close()


@contextmanager
def network_to(port: int, behind_port: int) -> Iterator[Network]:
    """A network that ends with the block."""
    network, ready, stop = Network(port, behind_port), threading.Event(), asyncio.Event()
    thread = threading.Thread(target=network.run, args=(ready, stop), name="network")
    thread.start()
    try:
        assert ready.wait(10)
        yield network
    finally:
        network.ask_to_stop(stop)
        thread.join()


class RemoteBroker(LocalBroker):
    """A local broker with a second listener, whose clients come through a network."""

    def __init__(self, data_dir: Path) -> None:
        libs, java = libs_and_java()
        super().__init__(data_dir, libs, java=java, heap_max_mib=HEAP_MAX_MIB)
        taken = frozenset({self.port, self._controller_port})
        self.behind_port = free_port(taken=taken)
        self.network_port = free_port(taken=taken | {self.behind_port})

    def properties(self, logs: Path) -> str:
        controller = f"CONTROLLER://127.0.0.1:{self._controller_port}"
        near = f"PLAINTEXT://127.0.0.1:{self.port}"
        # If a setting occurs twice, Kafka uses the later one.
        return (
            super().properties(logs)
            + f"""\
listeners={near},FAR://127.0.0.1:{self.behind_port},{controller}
advertised.listeners={near},FAR://127.0.0.1:{self.network_port}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,FAR:PLAINTEXT,CONTROLLER:PLAINTEXT
inter.broker.listener.name=PLAINTEXT
"""
        )
