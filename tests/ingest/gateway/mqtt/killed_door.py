"""A door whose desk writes to a file, and which then kills its process before it acknowledges.

``python -m tests.ingest.gateway.mqtt.killed_door FOLDER PORT DIES_AFTER``: messages go into
FOLDER/taken; after so many the process ends as by kill -9. 0: never. PORT 0: any; it prints which.
"""

import asyncio
import os
import signal
import ssl
import sys
from pathlib import Path

from ingest.gateway.mqtt.door import MqttDoor
from ingest.gateway.ports import Answer, Peer
from tests.ingest.gateway.mqtt.fakes import ACCEPTED, Keeper


class FileDesk:
    def __init__(self, file: Path, dies_after: int) -> None:
        self._file, self._left = file, dies_after

    async def take(self, peer: Peer, format_: str, payload: bytes) -> Answer:
        with self._file.open("ab") as out:
            out.write(payload + b"\n")
            os.fsync(out.fileno())
        self._left -= 1
        if not self._left:
            os.kill(os.getpid(), signal.SIGKILL)
        return ACCEPTED


async def main(folder: Path, port: int, dies_after: int) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem", folder / "server.key")
    context.load_verify_locations(folder / "ca.pem")
    context.verify_mode = ssl.CERT_REQUIRED
    door = MqttDoor(FileDesk(folder / "taken", dies_after), Keeper(context), "127.0.0.1", port)
    await door.start()
    print(door.port, flush=True)  # noqa: T201  # the test waits for it
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])))
