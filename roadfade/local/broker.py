"""A real Apache Kafka broker on this machine: start, stop, kill, start again on the same data.

In: a folder for its data and the folder with its jars. Out: an address that answers. It must
not outlive this process, and nothing outside the loopback address reaches it.
"""

import base64
import fcntl
import socket
import ssl
import struct
import subprocess
import time
import uuid
from pathlib import Path
from typing import BinaryIO, Self

from roadfade.local.broker_doors import Doors
from roadfade.local.broker_settings import BrokerDeletion, server_properties
from roadfade.local.certificates import write_secret
from roadfade.local.child_process import ManagedProcess
from roadfade.local.failure import LocalError
from roadfade.local.java import find_java
from roadfade.local.ports import free_port

START_DEADLINE_S = 60.0
STOP_DEADLINE_S = 10.0
DELETION = BrokerDeletion()


class LocalBroker:
    """One broker over one folder. Every method blocks: from a coroutine call it in a thread.

    ``port`` is a wish: when it is taken, another one is chosen. The ports stay the same over
    ``kill9`` and ``restart``, so that clients find the broker again.
    """

    def __init__(
        self,
        data_dir: Path,
        libs: Path,
        *,
        deletion: BrokerDeletion = DELETION,
        port: int | None = None,
        heap_max_mib: int = 512,
        java: Path | None = None,
        doors: Doors | None = None,
    ) -> None:
        self.log = data_dir / "broker.log"
        self._dir = data_dir
        self._settings = data_dir / "server.properties"
        self._libs = libs
        self._deletion = deletion
        self._heap_max_mib = heap_max_mib
        self._java = java
        self._doors = doors
        self._process: ManagedProcess | None = None
        self._held: BinaryIO | None = None
        self.port = free_port(port)
        self._controller_port = free_port(taken=frozenset((self.port,)))

    @property
    def bootstrap_servers(self) -> str:
        """The address for clients."""
        return f"127.0.0.1:{self.port}"

    @property
    def is_running(self) -> bool:
        """Whether its process lives; one that ended by itself does not."""
        return self._process is not None and self._process.exit_code is None

    @property
    def pid(self) -> int:
        """The process id of the running broker."""
        if self._process is None:
            message = "the broker is not running"
            raise LocalError(message)
        return self._process.pid

    def properties(self, logs: Path) -> str:
        """The text of its settings file, with its data in ``logs``."""
        plain = server_properties(
            logs, port=self.port, controller_port=self._controller_port, deletion=self._deletion
        )
        if self._doors is None:
            return plain
        return plain + self._doors.properties(self.port, self._controller_port)

    def start(self) -> None:
        """Start the broker and return when it answers; format its folder the first time.

        Raises LocalError: no Java, another broker on the folder, or it did not start; the message
        names the log file.
        """
        if self.is_running:
            return
        # One that ended by itself, of a full disk, has left what watched over it.
        self.kill9()
        self._java = self._java or find_java()
        try:
            self._start()
        except BaseException:
            self.kill9()
            raise

    def _start(self) -> None:
        logs = self._dir / "kafka"
        # The topics hold what vehicles sent: no other user of this machine may read them.
        logs.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._hold_folder()
        # It holds the broker's own password, if its doors are locked.
        write_secret(self._settings, self.properties(logs).encode())
        if not (logs / "meta.properties").exists():
            self._format()
        heap = (f"-Xms{min(256, self._heap_max_mib)}m", f"-Xmx{self._heap_max_mib}m")
        self._process = ManagedProcess(
            [*self._jvm(), *heap, "-cp", f"{self._libs}/*", "kafka.Kafka", str(self._settings)],
            self.log,
        )
        self._wait_until_usable()

    def _hold_folder(self) -> None:
        """Take the folder for this broker alone, before anything in it is touched.

        Kafka's own lock comes too late: a second broker shortens the metadata log of the first
        before it finds the folder taken, and the first then ends.
        """
        if self._held is not None:
            return
        held = (self._dir / "broker.lock").open("ab")
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            held.close()
            message = (
                f"Another local broker runs in {self._dir}, and logs to {self.log}: "
                "stop it, or choose another state folder."
            )
            raise LocalError(message) from None
        self._held = held

    def _release_folder(self) -> None:
        if self._held is not None:
            self._held.close()
            self._held = None

    def stop(self) -> None:
        """End the broker, politely first. Does nothing when it is not running."""
        if self._process is not None:
            self._process.stop(STOP_DEADLINE_S)
            self._process = None
        self._release_folder()

    def kill9(self) -> None:
        """End the broker as a power cut would. Its data stays."""
        if self._process is not None:
            self._process.kill()
            self._process = None
        self._release_folder()

    def restart(self) -> None:
        """Stop it when it runs, then start it on the same data and ports."""
        self.stop()
        self.start()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _jvm(self) -> tuple[str, ...]:
        return (
            str(self._java),
            "-XX:+UseSerialGC",
            "-XX:TieredStopAtLevel=1",
            "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
            "-Dorg.slf4j.simpleLogger.showDateTime=true",
            "-Dorg.slf4j.simpleLogger.dateTimeFormat=HH:mm:ss.SSS",
            # Who was denied what, by its user's name.
            "-Dorg.slf4j.simpleLogger.log.kafka.authorizer.logger=info",
        )

    def _format(self) -> None:
        cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        tool = ["kafka.tools.StorageTool", "format", f"--cluster-id={cluster}"]
        users = self._dir / "users"
        if self._doors is not None:
            tool.append(self._doors.write_users(users))
        with self.log.open("ab") as log:
            done = subprocess.run(  # noqa: S603  # our own runtime and jars, no shell
                [*self._jvm(), "-cp", f"{self._libs}/*", *tool, "-c", str(self._settings)],
                stdin=subprocess.DEVNULL,
                # It prints what it keeps of the passwords.
                stdout=log if self._doors is None else subprocess.DEVNULL,
                stderr=subprocess.STDOUT if self._doors is None else log,
                timeout=START_DEADLINE_S,
                check=False,
            )
        users.unlink(missing_ok=True)
        if done.returncode != 0:
            message = f"The local broker could not prepare its folder: see {self.log}."
            raise LocalError(message)

    def _wait_until_usable(self) -> None:
        deadline = time.monotonic() + START_DEADLINE_S
        trusted = None if self._doors is None else self._doors.certificates.authority
        while not answers(self.port, trusted=trusted):
            code = None if self._process is None else self._process.exit_code
            if code is not None:
                self.kill9()
                message = (
                    f"The local broker ended with code {code} while starting: see {self.log}."
                    " A taken port ends like this."
                )
                raise LocalError(message)
            if time.monotonic() > deadline:
                self.kill9()
                message = f"The local broker did not answer in {START_DEADLINE_S} s: see {self.log}"
                raise LocalError(message)
            time.sleep(0.05)


def answers(port: int, timeout_s: float = 2.0, *, trusted: Path | None = None) -> bool:
    """Say whether a broker at ``port`` answers an ApiVersions request (key 18, version 0).

    Through TLS, if ``trusted`` names who signed its certificate: it asks for no password yet. A
    KRaft broker opens its port early and answers when the controller has let it in.
    """
    request = struct.pack(">hhih", 18, 0, 1, -1)
    try:
        with _opened(port, timeout_s, trusted) as link:
            link.sendall(struct.pack(">i", len(request)) + request)
            head = _first(link, 10)
    except OSError:
        return False
    return len(head) == 10 and struct.unpack(">iih", head)[1:] == (1, 0)  # noqa: PLR2004  # size, id, error


def _opened(port: int, timeout_s: float, trusted: Path | None) -> socket.socket:
    link = socket.create_connection(("127.0.0.1", port), timeout_s)
    if trusted is None:
        return link
    context = ssl.create_default_context(cafile=trusted)
    return context.wrap_socket(link, server_hostname="127.0.0.1")


def _first(link: socket.socket, count: int) -> bytes:
    """So many bytes, or fewer if it ends; TLS knows no MSG_WAITALL."""
    head = b""
    while len(head) < count and (more := link.recv(count - len(head))):
        head += more
    return head
